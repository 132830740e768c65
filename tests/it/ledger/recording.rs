//! What intake may rely on.

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        facts::{Family, Meaning},
    },
    ledger::{
        DeliveryOutcome,
        view::{EventOutcome, HeldKind},
    },
};

use super::kit::*;

pub(super) async fn records_once(kit: Kit) {
    let facts = to(charge(&["pi_1", "ch_1"]), "CHAN-1", 30);
    let first = kit.record("evt_1", &facts).await;
    assert_eq!(first.outcome, DeliveryOutcome::Granted);
    assert_eq!(first.payment.as_deref(), Some("stripe/pi_1"));
    assert_eq!(first.planned.as_deref(), Some("stripe/pi_1#1"));
    assert!(!first.again);

    let sent_again = kit.record("evt_1", &facts).await;
    assert_eq!((sent_again.outcome, sent_again.planned), (DeliveryOutcome::Duplicate, None));
    assert_eq!(sent_again.reason.as_deref(), Some("skipped: already planned"));

    let other_event = kit.record("evt_2", &to(charge(&["ch_1"]), "CHAN-1", 30)).await;
    assert_eq!(
        (other_event.outcome, other_event.payment.as_deref()),
        (DeliveryOutcome::Duplicate, Some("stripe/pi_1"))
    );
    let other_family = facts.clone();
    let other_family = daybridge::domain::facts::Facts {
        meaning: Meaning::MoneyIn(Family::new("payment_intents")),
        ..other_family
    };
    assert_eq!(kit.record("evt_3", &other_family).await.outcome, DeliveryOutcome::Link);
    assert_eq!(kit.record("evt_4", &facts_of_refund()).await.outcome, DeliveryOutcome::Refund);

    let transfers = kit.transfers(10).await.unwrap();
    assert_eq!(transfers.len(), 1);
    assert_eq!(transfers[0].comment, "daybridge stripe/pi_1#1 30d");
    assert_eq!(kit.events(10).await.unwrap().len(), 5);
}

fn facts_of_refund() -> daybridge::domain::facts::Facts {
    facts(Meaning::MoneyOut, &["pi_1", "ch_1"])
}

pub(super) async fn redelivery_changes_nothing(kit: Kit) {
    let facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    let envelope = delivery("evt_1");
    let first = kit.record_as(&envelope, Ok(&facts), &rules(), false).await;
    let again = kit.record_as(&envelope, Ok(&facts), &rules(), false).await;
    assert_eq!((first.outcome, again.outcome), (DeliveryOutcome::Granted, DeliveryOutcome::Granted));
    assert!(again.again && again.planned.is_none());
    // The broker gave up on it after the commit: it was recorded, so nothing is held.
    let dead = kit.record_as(&envelope, Ok(&facts), &rules(), true).await;
    assert_eq!((dead.outcome, dead.again), (DeliveryOutcome::Granted, true));
    assert_eq!(kit.events(10).await.unwrap().len(), 1);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
}

pub(super) async fn parallel_records_plan_one_transfer(kit: Kit) {
    let kit = std::sync::Arc::new(kit);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let kit = kit.clone();
        tasks.spawn(async move {
            let facts = match n % 3 {
                0 => to(charge(&["pi_1", "ch_1"]), "CHAN-1", 30),
                1 => to(facts(Meaning::MoneyIn(Family::new("payment_intents")), &["pi_1"]), "CHAN-1", 30),
                _ => facts(Meaning::Link, &["pi_1", "in_1", "cs_1"]),
            };
            kit.record(&format!("evt_{}", n % 30), &facts).await
        });
    }
    let recorded = tasks.join_all().await;
    assert_eq!(recorded.iter().filter(|r| r.planned.is_some()).count(), 1);
    assert_eq!(kit.transfers(10).await.unwrap().len(), 1);
    assert_eq!(kit.payments(10).await.unwrap().len(), 1);
    let events = kit.events(200).await.unwrap();
    assert_eq!(events.len(), 100);
    assert_eq!(events.iter().filter(|e| e.outcome == EventOutcome::Pending).count(), 1);
    assert!(events.iter().all(|e| e.outcome != EventOutcome::Held));
}

/// Two events that share no row before both have looked: one grants a payment, the other joins it to a second name
/// and grants that one.
pub(super) async fn a_join_beside_a_grant_plans_one_transfer(kit: Kit) {
    const ROUNDS: usize = 25;
    for round in 0..ROUNDS {
        let (intent, charged) = (format!("pi_{round}"), format!("ch_{round}"));
        let channel = format!("CHAN-{round}");
        kit.record(&format!("evt_a{round}"), &charge(&[&charged])).await;
        kit.record(&format!("evt_b{round}"), &facts(Meaning::Link, &[&intent])).await;
        let grants = to(charge(&[&charged]), &channel, 30);
        let joins = to(facts(Meaning::Link, &[&intent, &charged]), &channel, 30);
        let events = [format!("evt_c{round}"), format!("evt_d{round}")];
        tokio::join!(kit.record(&events[0], &grants), kit.record(&events[1], &joins));
        let transfers = kit.transfers(100).await.unwrap();
        let ours: Vec<_> = transfers.iter().filter(|t| t.channel == channel).map(|t| &t.key).collect();
        assert_eq!(ours.len(), 1, "{ours:?}");
    }
}

pub(super) async fn a_link_supplies_the_channel(kit: Kit) {
    let first = kit.record("evt_1", &charge(&["pi_1", "ch_1"])).await;
    assert_eq!(first.outcome, DeliveryOutcome::Held);
    assert!(first.reason.unwrap().contains("/metadata/channel_id"));
    assert_eq!(kit.record("evt_2", &charge(&["pi_1"])).await.outcome, DeliveryOutcome::Held);
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!((held.len(), held[0].kind, &*held[0].key), (1, HeldKind::Payment, "stripe/pi_1"));
    assert!(!held[0].next.is_empty());

    let link = kit.record("evt_3", &to(facts(Meaning::Link, &["pi_1", "cs_1"]), "CHAN-1", 30)).await;
    assert_eq!(link.outcome, DeliveryOutcome::Link);
    assert_eq!(link.planned.as_deref(), Some("stripe/pi_1#1"));
    let whole = kit.payment("cs_1").await.unwrap().unwrap();
    let outcomes: Vec<&str> = whole.events.iter().map(|e| e.outcome.as_str()).collect();
    assert_eq!(outcomes, ["pending", "duplicate", "link"]);
    assert_eq!(whole.payment.state, PaymentState::Planned);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
}

pub(super) async fn payments_that_are_one_are_joined(kit: Kit) {
    kit.record("evt_1", &charge(&["ch_1"])).await;
    kit.record("evt_2", &facts(Meaning::Link, &["in_1", "cs_1"])).await;
    assert_eq!(kit.payments(10).await.unwrap().len(), 2);
    let joins = to(facts(Meaning::Link, &["pi_1", "ch_1", "in_1"]), "CHAN-1", 30);
    let recorded = kit.record("evt_3", &joins).await;
    assert_eq!(recorded.planned.as_deref(), Some("stripe/pi_1#1"));
    assert_eq!(kit.payments(10).await.unwrap().len(), 1);
    for name in ["stripe/ch_1", "stripe/in_1", "stripe/pi_1#1", "cs_1", "pi_1"] {
        let whole = kit.payment(name).await.unwrap().unwrap();
        assert_eq!((&*whole.payment.key, whole.events.len()), ("stripe/pi_1", 3), "{name}");
        assert_eq!(whole.ids, ["pi_1", "ch_1", "in_1", "cs_1"]);
    }
    assert_eq!(kit.record("evt_4", &charge(&["ch_1"])).await.outcome, DeliveryOutcome::Duplicate);
}

pub(super) async fn contradictions_are_held(kit: Kit) {
    kit.grant("1", "CHAN-1").await;
    kit.grant("2", "CHAN-2").await;
    let both = kit.record("evt_b", &charge(&["pi_1", "pi_2"])).await;
    assert_eq!((both.outcome, both.payment), (DeliveryOutcome::Held, None));
    let reason = both.reason.unwrap();
    assert!(reason.contains("stripe/pi_1") && reason.contains("stripe/pi_2"), "{reason}");
    // One invoice paid by two intents stays two payments, and its id stays with the first.
    kit.record("evt_3", &to(charge(&["pi_3", "in_9"]), "CHAN-3", 30)).await;
    let second = kit.record("evt_4", &to(charge(&["pi_4", "in_9"]), "CHAN-3", 30)).await;
    assert_eq!(second.planned.as_deref(), Some("stripe/pi_4#1"));
    assert_eq!(kit.payment("in_9").await.unwrap().unwrap().payment.key, "stripe/pi_3");
}

pub(super) async fn another_body_is_another_event(kit: Kit) {
    kit.record("evt_1", &to(charge(&["pi_1"]), "CHAN-1", 30)).await;
    let mut other = delivery("evt_1");
    other.body = "{\"id\":\"evt_1\",\"other\":true}".into();
    let recorded = kit.record_as(&other, Ok(&to(charge(&["pi_2"]), "CHAN-2", 30)), &rules(), false).await;
    assert_eq!(recorded.planned.as_deref(), Some("stripe/pi_2#1"));
    let events = kit.event("stripe/evt_1").await.unwrap();
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].digest, events[1].digest);
    assert_eq!(events[1].body.as_deref(), Some("{\"id\":\"evt_1\",\"other\":true}"));
    assert_eq!(kit.event(&other.delivery).await.unwrap().len(), 1);
}

pub(super) async fn unreadable_and_dead_are_held(kit: Kit) {
    let facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    let unreadable = kit.record_as(&delivery("evt_1"), Err("no id"), &rules(), false).await;
    assert_eq!((unreadable.outcome, unreadable.reason.as_deref()), (DeliveryOutcome::Held, Some("no id")));
    let dead = kit.record_as(&delivery("evt_2"), Ok(&facts), &rules(), true).await;
    assert_eq!(dead.outcome, DeliveryOutcome::Held);
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!(held.iter().map(|h| h.cause.as_str()).collect::<Vec<_>>(), ["unreadable", "dead"]);
    assert!(held.iter().all(|h| h.kind == HeldKind::Event && !h.next.is_empty()));
    // A replay clears both.
    assert_eq!(kit.record("evt_2", &facts).await.outcome, DeliveryOutcome::Granted);
    assert_eq!(kit.record("evt_1", &facts).await.outcome, DeliveryOutcome::Duplicate);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    assert!(kit.events(10).await.unwrap().iter().all(|e| e.outcome != EventOutcome::Held));
}

pub(super) async fn changed_rules_grant_what_was_held(kit: Kit) {
    let mut facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    facts.days.clear();
    let first = delivery("evt_1");
    assert_eq!(kit.record_as(&first, Ok(&facts), &rules(), false).await.outcome, DeliveryOutcome::Held);
    let late = kit.record("evt_1", &facts).await;
    assert_eq!(late.outcome, DeliveryOutcome::Held);
    let mut changed = rules();
    changed.rules.per_day = Some(daybridge::domain::facts::Money { amount: 30, currency: "usd".into() });
    let (_, envelope, dead) = kit.held_envelopes(None, 0, 10).await.unwrap().pop().unwrap();
    assert_eq!((&envelope, dead), (&first, false));
    let recorded = kit.record_as(&envelope, Ok(&facts), &changed, false).await;
    assert_eq!((recorded.outcome, recorded.again), (DeliveryOutcome::Granted, true));
    assert_eq!(recorded.planned.as_deref(), Some("stripe/pi_1#1"));
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    let outcomes: Vec<&str> = whole.events.iter().map(|e| e.outcome.as_str()).collect();
    assert_eq!(outcomes, ["pending", "duplicate"]);
    assert_eq!(whole.payment.days, Some(30));
}

pub(super) async fn refund_before_money_holds(kit: Kit) {
    assert_eq!(
        kit.record("evt_1", &facts(Meaning::MoneyOut, &["pi_1"])).await.outcome,
        DeliveryOutcome::Refund
    );
    assert_eq!(kit.payment("pi_1").await.unwrap().unwrap().payment.state, PaymentState::Linked);
    let money = kit.record("evt_2", &to(charge(&["pi_1"]), "CHAN-1", 30)).await;
    assert_eq!((money.outcome, money.planned), (DeliveryOutcome::Held, None));
    assert_eq!(kit.held(10, NOW).await.unwrap()[0].cause, HeldCause::Refunded);
    let nothing = facts(Meaning::Ignored("a test event".into()), &[]);
    let ignored = kit.record("evt_3", &nothing).await;
    assert_eq!(
        (ignored.outcome, ignored.reason.as_deref()),
        (DeliveryOutcome::Ignored, Some("a test event"))
    );
}

pub(super) async fn modes_do_not_mix(kit: Kit) {
    kit.record("evt_1", &to(charge(&["pi_1"]), "CHAN-1", 30)).await;
    let mut test = to(charge(&["pi_1"]), "CHAN-1", 30);
    test.livemode = false;
    let recorded = kit.record("evt_2", &test).await;
    assert_eq!((recorded.outcome, recorded.planned), (DeliveryOutcome::Held, None));
    assert!(recorded.reason.unwrap().contains("another mode"));
    let mut connected = to(charge(&["pi_1"]), "CHAN-1", 30);
    connected.account = Some("acct_1".into());
    let recorded = kit.record("evt_3", &connected).await;
    assert_eq!(recorded.planned.as_deref(), Some("stripe/acct_1:pi_1#1"));
}

/// A memory that forgets is no memory: a provider's operator may resend by hand for as long as he likes.
pub(super) async fn a_payment_is_never_forgotten(kit: Kit) {
    const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;
    let facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    kit.record("evt_1", &facts).await;
    let late = kit.record_at(&delivery("evt_2"), Ok(&facts), &rules(), false, NOW + TEN_YEARS_MS).await;
    assert_eq!((late.outcome, late.planned), (DeliveryOutcome::Duplicate, None));
}
