//! What an operator may rely on.

use daybridge::{
    domain::{
        closed::PaymentState,
        settle::{AccountSignal, Cause, Order, Outcome as Open, State},
    },
    ledger::{DeliveryOutcome, Ledger, LedgerError, view::EventOutcome},
};

use super::kit::*;

pub(crate) async fn take_to(kit: &Kit, name: &str, state: State) -> String {
    let key = kit.grant(name, &format!("CHAN-{name}")).await;
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    let claim =
        claims.into_iter().find(|c| key.contains(&c.channel.as_str().replace("CHAN-", "pi_"))).unwrap();
    assert!(kit.put(&claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
    assert!(kit.put(&claim, &key, &intended(claim.epoch), state, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    key
}

pub(super) async fn state_of(kit: &Kit, key: &str) -> String {
    kit.payment(key).await.unwrap().unwrap().transfers[0].state.to_string()
}

pub(super) async fn persons_decide(kit: Kit) {
    let open = take_to(&kit, "1", held(Cause::Unmoved, Open::Open)).await;
    let refused = kit.decide(&open, &decided(Order::Retry), NOW).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.contains("Billing History")), "{refused}");
    kit.decide(&open, &decided(Order::Applied), NOW + 9).await.unwrap();
    let whole = kit.payment(&open).await.unwrap().unwrap();
    let transfer = &whole.transfers[0];
    assert_eq!(
        (transfer.state.as_str(), transfer.how.map(|word| word.as_str())),
        ("settled", Some("by_operator"))
    );
    let last = transfer.steps.last().unwrap();
    assert_eq!((last.who.as_deref(), last.at), (Some("ada"), NOW + 9));
    assert!(last.note.contains("seen in Billing History"));
    assert_eq!((whole.payment.state.as_str(), whole.events[0].outcome.as_str()), ("credited", "credited"));

    let open = take_to(&kit, "2", held(Cause::Unmoved, Open::Open)).await;
    kit.decide(&open, &decided(Order::NotApplied), NOW).await.unwrap();
    assert_eq!(state_of(&kit, &open).await, "planned");
    kit.decide(&open, &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(kit.payment(&open).await.unwrap().unwrap().payment.state, PaymentState::Cancelled);

    let short = take_to(&kit, "3", held(Cause::Balance("none".into()), Open::None)).await;
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &short, NOW, NOW + 9_000).await.unwrap();
    kit.decide(&short, &decided(Order::Retry), NOW + 1).await.unwrap();
    let hold = kit.account_hold(ACCOUNT).await.unwrap().unwrap();
    assert_eq!((hold.probe.as_deref(), hold.probe_at), (Some(&*short), NOW + 1));
    assert_eq!(state_of(&kit, &short).await, "planned");
    assert!(kit.take_probe(ACCOUNT, NOW + 1, NOW + 99).await.unwrap());
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap().unwrap().probe.as_deref(), Some(&*short));
    let unknown = kit.decide("stripe/pi_none", &decided(Order::Cancel), NOW).await;
    assert!(matches!(unknown, Err(LedgerError::Refused(_))));
}

pub(super) async fn held_payments_and_events_are_closed(kit: Kit) {
    kit.record("evt_1", &charge(&["pi_1"])).await;
    let retry = kit.decide("stripe/pi_1", &decided(Order::Retry), NOW).await.unwrap_err().to_string();
    assert!(retry.contains("daybridge replay plan --payment stripe/pi_1"), "{retry}");
    kit.decide("stripe/pi_1", &decided(Order::Cancel), NOW).await.unwrap();
    let late = kit.record("evt_2", &to(charge(&["pi_1"]), "CHAN-1", 30)).await;
    assert_eq!((late.outcome, late.planned), (DeliveryOutcome::Ignored, None));
    assert!(late.reason.unwrap().contains("ada"));
    kit.record_as(&delivery("evt_3"), Err("broken"), &rules(), false).await;
    kit.decide("stripe/evt_3", &decided(Order::Cancel), NOW).await.unwrap();
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    assert!(kit.events(10).await.unwrap().iter().all(|e| e.outcome == EventOutcome::Ignored));
    assert_eq!(kit.counts().await.unwrap().held, 0);
}

pub(super) async fn a_whole_story_as_json(kit: Kit) {
    let key = take_to(&kit, "1", settled()).await;
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    let json = serde_json::to_value(&whole).unwrap();
    assert_eq!(json["key"], "stripe/pi_1");
    assert_eq!(
        (&json["state"], &json["channel"], &json["days"]),
        (&"credited".into(), &"CHAN-1".into(), &30.into())
    );
    assert_eq!((&json["amount"], &json["currency"]), (&900.into(), &"usd".into()));
    assert_eq!(json["events"][0]["outcome"], "credited");
    assert_eq!(json["events"][0]["trigger"], "webhook");
    assert_eq!(json["transfers"][0]["key"], key.as_str());
    let steps: Vec<&str> = json["transfers"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["state"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["planned", "intended", "settled"]);
    assert_eq!(kit.payments(10).await.unwrap(), [whole.payment]);
    assert!(kit.payment("nobody").await.unwrap().is_none());
    assert!(kit.health().await.is_ok());
}

pub(super) async fn families_are_noted(kit: Kit) {
    assert_eq!(kit.note_rules("stripe", "charges", NOW).await.unwrap(), None);
    assert_eq!(kit.note_rules("stripe", "charges", NOW + 1).await.unwrap(), None);
    assert_eq!(kit.note_rules("stripe", "invoices", NOW + 2).await.unwrap(), Some(NOW + 2));
    assert_eq!(kit.note_rules("stripe", "invoices", NOW + 3).await.unwrap(), Some(NOW + 2));
    assert_eq!(kit.note_rules("other", "invoices", NOW + 3).await.unwrap(), None);
}

pub(super) async fn held_envelopes_page(kit: Kit) {
    for n in 0..5 {
        kit.record(&format!("evt_{n}"), &charge(&[&format!("pi_{n}")])).await;
    }
    kit.record_as(&delivery("evt_x"), Err("broken"), &rules(), true).await;
    kit.grant("fine", "CHAN-1").await;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = kit.held_envelopes(None, after, 4).await.unwrap();
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        seen.extend(page.into_iter().map(|(_, envelope, dead)| (envelope.event_id, dead)));
    }
    assert_eq!(seen.len(), 6);
    assert_eq!(seen.last().unwrap(), &("evt_x".to_owned(), true));
}

pub(super) async fn newer_schema_is_refused(kit: Kit) {
    kit.sql().await.execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 4").await;
    let health = kit.health().await.unwrap_err();
    assert!(matches!(health, LedgerError::Newer { found: 9999, .. }), "{health}");
    let opened = Ledger::open(&kit.settings).await.unwrap_err();
    assert!(matches!(opened, LedgerError::Newer { found: 9999, .. }), "{opened}");
}

pub(super) async fn reopening_keeps_all(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    // Two workers at once, as after a reboot of both machines.
    let (a, b) = tokio::join!(Ledger::open(&kit.settings), Ledger::open(&kit.settings));
    for ledger in [a.unwrap(), b.unwrap()] {
        assert_eq!(ledger.payment(&key).await.unwrap().unwrap().transfers[0].key, key);
    }
}
