//! What an operator reads, corrects and prunes.

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState, TransferState},
        facts::Meaning,
        id::ChannelId,
        settle::{Cause, How, Outcome as Open, State},
    },
    ledger::{
        Act, Correction, DeliveryOutcome,
        query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
        view::{Action, SavedView},
    },
};

use super::kit::{Kit, NOW, charge, comment, decided, delivery, facts, held, intended, rules, to};

const ACT: Act<'_> = Act { who: "ada", reason: "asked by the customer" };

/// Granted, called and settled.
pub(super) async fn settle(kit: &Kit, name: &str, channel: &str, at: i64) -> String {
    let key = kit.grant(name, channel).await;
    let claim = kit.claim_one(NOW).await;
    let from = State::planned(NOW);
    assert!(kit.put(&claim, &key, &from, intended(claim.epoch), NOW).await);
    let settled =
        State::Settled { how: How::Answered, before: 5_000, after: Some(9_000), at, attempt: 1, watch: None };
    assert!(kit.put(&claim, &key, &intended(claim.epoch), settled, at).await);
    kit.release(&claim, 0).await.unwrap();
    key
}

fn keys<T>(rows: &[T], key: impl Fn(&T) -> &str) -> Vec<String> {
    rows.iter().map(|row| key(row).to_owned()).collect()
}

pub(super) async fn lists_filter_and_page(kit: Kit) {
    let done = settle(&kit, "1", "CHAN-1", NOW).await;
    kit.grant("2", "CHAN-2").await;
    kit.record("evt_3", &charge(&["pi_3"])).await;
    kit.record("evt_4", &facts(Meaning::Link, &["pi_4"])).await;

    for (state, want) in [
        ("credited", vec!["stripe/pi_1"]),
        ("planned", vec!["stripe/pi_2"]),
        ("held", vec!["stripe/pi_3"]),
        ("linked", vec!["stripe/pi_4"]),
        ("doubtful", vec![]),
    ] {
        let wanted = PaymentQuery { state: PaymentState::parse(state), ..PaymentQuery::default() };
        let rows = kit.ledger.payments(&wanted, &Page::first(10)).await.unwrap();
        assert_eq!(keys(&rows, |p| &p.key), want, "{state}");
        assert!(rows.iter().all(|p| p.state.as_str() == state), "{rows:?}");
    }
    let mut seen = Vec::new();
    let mut page = Page::first(3);
    loop {
        let rows = kit.ledger.payments(&PaymentQuery::default(), &page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.after = Some(last.key.clone());
        seen.extend(keys(&rows, |p| &p.key));
    }
    assert_eq!(seen, ["stripe/pi_4", "stripe/pi_3", "stripe/pi_2", "stripe/pi_1"]);

    let wanted = TransferQuery { state: Some(TransferState::Settled), channel: Some("CHAN-1".into()) };
    let rows = kit.ledger.transfers(&wanted, &Page::first(10)).await.unwrap();
    assert_eq!(keys(&rows, |t| &t.key), std::slice::from_ref(&done));
    let after = Page { after: Some("stripe/pi_2#1".into()), limit: 10 };
    let rows = kit.ledger.transfers(&TransferQuery::default(), &after).await.unwrap();
    assert_eq!(keys(&rows, |t| &t.key), [done]);

    for wanted in [
        EventQuery { outcome: Some(DeliveryOutcome::Link), ..EventQuery::default() },
        EventQuery {
            source: Some("stripe".into()),
            outcome: Some(DeliveryOutcome::Link),
            ..EventQuery::default()
        },
    ] {
        let rows = kit.ledger.events(&wanted, &Page::first(10)).await.unwrap();
        assert_eq!(keys(&rows, |e| &e.event), ["evt_4"]);
        let after = Page { after: Some(rows[0].delivery.clone()), limit: 10 };
        assert!(kit.ledger.events(&wanted, &after).await.unwrap().is_empty());
    }
    let channels = kit.ledger.channels(&ChannelQuery::default(), &Page::first(10)).await.unwrap();
    let shown: Vec<_> = channels.iter().map(|c| (&*c.channel, c.days_bought, c.days_moved)).collect();
    assert_eq!(shown, [("CHAN-1", 30, 30), ("CHAN-2", 30, 0)]);
    let after = Page { after: Some("main/CHAN-1".into()), limit: 10 };
    let rest = kit.ledger.channels(&ChannelQuery::default(), &after).await.unwrap();
    assert_eq!(keys(&rest, |c| &c.channel), ["CHAN-2"]);
    assert!(
        kit.ledger
            .payments(&PaymentQuery::default(), &Page { after: Some("no".into()), limit: 1 })
            .await
            .is_err()
    );
}

pub(super) async fn a_search_finds_by_every_name(kit: Kit) {
    let mut paid = to(charge(&["pi_1", "ch_1"]), "CHAN-1", 30);
    paid.customer = Some("cus_1".into());
    kit.record("evt_1", &paid).await;
    kit.grant("2", "CHAN-2").await;
    for text in ["stripe/pi_1", "stripe/pi_1#1", "pi_1", "ch_1", "CHAN-1", "cus_1", " cus_1 "] {
        let wanted = PaymentQuery { text: Some(text.into()), ..PaymentQuery::default() };
        let rows = kit.ledger.payments(&wanted, &Page::first(10)).await.unwrap();
        assert_eq!(keys(&rows, |p| &p.key), ["stripe/pi_1"], "{text}");
    }
    let wanted = PaymentQuery { text: Some("900".into()), ..PaymentQuery::default() };
    assert_eq!(kit.ledger.payments(&wanted, &Page::first(10)).await.unwrap().len(), 2);
    let wanted = PaymentQuery { text: Some("901".into()), ..PaymentQuery::default() };
    assert!(kit.ledger.payments(&wanted, &Page::first(10)).await.unwrap().is_empty());
}

fn correction(channel: Option<&str>, days: Option<u32>) -> Correction<'static> {
    Correction {
        remember: false,
        force: false,
        account: "main",
        channel: channel.and_then(ChannelId::parse),
        days,
        cause: None,
        act: ACT,
        comment: comment(),
    }
}

pub(super) async fn corrections_are_weighed(kit: Kit) {
    let envelope = delivery("evt_1");
    let paid = charge(&["pi_1"]);
    kit.record_as(&envelope, Ok(&paid), &rules(), false).await;
    kit.correct("stripe/pi_1", &correction(Some("CHAN-1"), None), NOW).await.unwrap();
    let again = |name: &str| {
        let mut e = envelope.clone();
        e.delivery = name.to_owned();
        e
    };
    assert_eq!(kit.record_as(&again("a"), Ok(&paid), &rules(), false).await.planned, None, "no days yet");
    kit.correct("pi_1", &correction(None, Some(7)), NOW).await.unwrap();
    let planned = kit.record_as(&again("b"), Ok(&paid), &rules(), false).await.planned.unwrap();
    let transfer = kit.payment(&planned).await.unwrap().unwrap().transfers.remove(0);
    assert_eq!((&*transfer.channel, transfer.days), ("CHAN-1", 7));
    let refused = kit.correct("stripe/pi_1", &correction(None, Some(8)), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("granted"), "{refused}");
    let audit = kit.audit(None, &Page::first(10)).await.unwrap();
    assert_eq!(audit.len(), 2);
    assert_eq!(audit[1].after.as_deref(), Some("channel CHAN-1, days -"));
    assert_eq!((&*audit[0].who, audit[0].after.as_deref()), ("ada", Some("channel CHAN-1, days 7")));
}

pub(super) async fn a_refused_transfer_goes_to_another_channel(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let open = held(Cause::Unmoved, Open::Open);
    assert!(kit.put(&claim, &key, &State::planned(NOW), open.clone(), NOW).await);
    let refused = kit.correct(&key, &correction(Some("CHAN-2"), None), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("settle its outcome first"), "{refused}");
    let unknown = held(Cause::UnknownChannel, Open::None);
    assert!(kit.put(&claim, &key, &open, unknown, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    kit.correct(&key, &correction(Some("CHAN-2"), Some(31)), NOW + 1).await.unwrap();
    let whole = kit.payment(&key).await.unwrap().unwrap();
    let transfer = &whole.transfers[0];
    assert_eq!((&*transfer.channel, transfer.days, transfer.state.as_str()), ("CHAN-2", 31, "planned"));
    assert!(transfer.comment.ends_with("31d"), "{}", transfer.comment);
    assert_eq!((whole.payment.channel.as_deref(), whole.payment.days), (Some("CHAN-2"), Some(31)));
    assert_eq!(kit.claim_one(NOW + 1).await.channel.as_str(), "CHAN-2");
}

pub(super) async fn held_things_are_counted_by_cause(kit: Kit) {
    kit.record("evt_1", &charge(&["pi_1"])).await;
    kit.record("evt_2", &charge(&["pi_2"])).await;
    kit.record_as(&delivery("evt_3"), Err("broken"), &rules(), false).await;
    let key = kit.grant("4", "CHAN-4").await;
    let claim = kit.claim_one(NOW).await;
    kit.put(&claim, &key, &State::planned(NOW), held(Cause::Unmoved, Open::Open), NOW).await;
    let groups = kit.held_groups(NOW).await.unwrap();
    let shown: Vec<_> = groups.iter().map(|g| (g.kind.as_str(), g.cause.as_str(), g.count, g.days)).collect();
    assert_eq!(
        shown,
        [("transfer", "unmoved", 1, 30), ("payment", "channel_missing", 2, 0), ("event", "unreadable", 1, 0)]
    );
    let one = HeldQuery { cause: Some(HeldCause::Unreadable), key: None };
    assert_eq!(keys(&kit.ledger.held(&one, 10, NOW).await.unwrap(), |h| &h.key), ["evt_3"]);
    let one = HeldQuery { cause: None, key: Some(key.clone()) };
    assert_eq!(keys(&kit.ledger.held(&one, 10, NOW).await.unwrap(), |h| &h.key), [key]);
}

pub(super) async fn the_audit_log_is_append_only(kit: Kit) {
    kit.record("evt_1", &charge(&["pi_1"])).await;
    kit.decide("stripe/pi_1", &decided(daybridge::domain::settle::Order::Cancel), NOW).await.unwrap();
    kit.note(Action::Login, "console", &ACT, NOW + 1).await.unwrap();
    let rows = kit.audit(None, &Page::first(10)).await.unwrap();
    assert_eq!(rows.iter().map(|a| a.action).collect::<Vec<_>>(), [Action::Login, Action::HeldCancel]);
    assert_eq!((rows[1].before.as_deref(), rows[1].after.as_deref()), (Some("held"), Some("cancelled")));
    assert_eq!(kit.audit(Some("stripe/pi_1"), &Page::first(10)).await.unwrap(), rows[1..]);
    let page = Page { after: Some(rows[0].number.to_string()), limit: 10 };
    assert_eq!(kit.audit(None, &page).await.unwrap(), rows[1..]);
    let mut raw = kit.sql().await;
    for statement in ["UPDATE audit SET who = 'eve'", "DELETE FROM audit"] {
        let refused = raw.refused(statement).await;
        assert!(refused.contains("append-only"), "{refused}");
    }
}

pub(super) async fn pruned_bodies_are_those_that_nothing_waits_for(kit: Kit) {
    settle(&kit, "1", "CHAN-1", NOW).await;
    kit.record("evt_2", &charge(&["pi_2"])).await;
    kit.record_as(&delivery("evt_3"), Err("broken"), &rules(), false).await;
    kit.grant("4", "CHAN-4").await;
    assert_eq!(kit.prune_bodies(NOW - 1_000, 10).await.unwrap(), 0, "received at that time, not before");
    assert_eq!(kit.prune_bodies(NOW, 10).await.unwrap(), 1);
    for (event, bytes) in [("evt_1", 0), ("evt_2", 14), ("evt_3", 14), ("evt_4", 14)] {
        assert_eq!(kit.event(event).await.unwrap()[0].bytes, bytes, "{event}");
    }
}

pub(super) async fn sums_grow_with_what_is_settled(kit: Kit) {
    settle(&kit, "1", "CHAN-1", NOW).await;
    settle(&kit, "2", "CHAN-2", NOW + 1).await;
    settle(&kit, "3", "CHAN-3", NOW + 600_000).await;
    let spent = kit.spent(NOW - 1).await.unwrap();
    assert_eq!(spent.iter().map(|s| (s.days, s.transfers)).collect::<Vec<_>>(), [(60, 2), (30, 1)]);
    assert_eq!(kit.counts().await.unwrap().credited, 3);
    let traffic = kit.traffic(NOW - 60_000).await.unwrap();
    assert_eq!(traffic.iter().map(|t| t.deliveries).sum::<i64>(), 3);
    let last = kit.last_deliveries(&["stripe".into(), "other".into()]).await.unwrap();
    assert_eq!(last, [("stripe".to_owned(), Some(NOW - 1_000)), ("other".to_owned(), None)]);
}

pub(super) async fn views_belong_to_their_owner(kit: Kit) {
    let view = |name: &str, query: &str| SavedView { name: name.into(), query: query.into() };
    kit.view_save("ada", &view("dead", "state=held"), NOW).await.unwrap();
    kit.view_save("ada", &view("big", "q=900"), NOW).await.unwrap();
    kit.view_save("bob", &view("dead", "q=bob"), NOW).await.unwrap();
    kit.view_save("ada", &view("dead", "state=doubtful"), NOW + 1).await.unwrap();
    assert_eq!(kit.views("ada").await.unwrap(), [view("big", "q=900"), view("dead", "state=doubtful")]);
    kit.view_delete("ada", "dead").await.unwrap();
    assert_eq!(kit.views("ada").await.unwrap(), [view("big", "q=900")]);
    assert_eq!(kit.views("bob").await.unwrap(), [view("dead", "q=bob")]);
}
