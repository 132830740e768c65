//! A purchase that the provider tells of under ids that it never connects.

use daybridge::{
    domain::{
        closed::PaymentState,
        facts::{Facts, Meaning},
        settle::Order,
    },
    ledger::DeliveryOutcome,
};

use super::kit::*;

fn bought(id: &str) -> Facts {
    to(charge(&[id]), "CHAN-1", 30)
}

pub(super) async fn the_second_of_two_twins_is_held(kit: Kit) {
    kit.record("evt_1", &bought("pi_1")).await;
    let second = kit.record("evt_2", &bought("cs_1")).await;
    assert_eq!((second.outcome, second.planned), (DeliveryOutcome::Held, None));
    let held = kit.held(9, NOW).await.unwrap().remove(0);
    assert_eq!((held.cause.as_str(), &*held.key, held.days), ("twin", "stripe/cs_1", Some(30)));
    assert_eq!(held.channel.as_deref(), Some("CHAN-1"));
    assert!(held.reason.contains("stripe/pi_1") && held.reason.contains("stripe/cs_1"), "{}", held.reason);
    assert!(held.next.contains("--not-applied") && held.next.contains("held cancel"), "{}", held.next);
    let refused = kit.decide("stripe/cs_1", &decided(Order::Applied), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("held cancel"), "{refused}");
    // They are two.
    kit.decide("stripe/cs_1", &decided(Order::NotApplied), NOW).await.unwrap();
    let whole = kit.payment("cs_1").await.unwrap().unwrap();
    assert_eq!((whole.payment.state.as_str(), whole.transfers[0].days), ("planned", 30));
    assert!(kit.held(9, NOW).await.unwrap().is_empty());
    // A link that joins two granted ones is held, and names both.
    let link = kit.record("evt_link", &facts(Meaning::Link, &["pi_1", "cs_1"])).await;
    let reason = link.reason.unwrap();
    assert_eq!(link.outcome, DeliveryOutcome::Held);
    assert!(reason.contains("stripe/pi_1") && reason.contains("stripe/cs_1"), "{reason}");
}

pub(super) async fn a_twin_is_closed_or_joined(kit: Kit) {
    kit.record("evt_1", &bought("pi_1")).await;
    kit.record("evt_2", &bought("cs_1")).await;
    kit.record("evt_3", &bought("in_1")).await;
    kit.decide("stripe/in_1", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(kit.payment("in_1").await.unwrap().unwrap().payment.state, PaymentState::Cancelled);
    // The link comes late: it is one payment, and its events wait for nobody.
    kit.record("evt_link", &facts(Meaning::Link, &["pi_1", "cs_1"])).await;
    let whole = kit.payment("cs_1").await.unwrap().unwrap();
    assert_eq!((&*whole.payment.key, whole.transfers.len()), ("stripe/pi_1", 1));
    let outcomes: Vec<&str> = whole.events.iter().map(|e| e.outcome.as_str()).collect();
    assert_eq!(outcomes, ["pending", "duplicate", "link"]);
    assert!(kit.held(9, NOW).await.unwrap().is_empty());
}

pub(super) async fn two_purchases_are_no_twins(kit: Kit) {
    kit.record("evt_1", &bought("pi_1")).await;
    let mut other = bought("cs_9");
    other.account = Some("acct_1".into());
    let mut later = bought("cs_2");
    later = paid_at(later, NOW - 5_000 + 600_001);
    let mut dearer = bought("cs_3");
    dearer.money.as_mut().unwrap().amount = 901;
    for (event, facts) in [
        ("same kind of id", bought("pi_2")),
        ("same kind among others", to(charge(&["pi_3", "cs_7"]), "CHAN-1", 30)),
        ("another account", other),
        ("later", later),
        ("another amount", dearer),
        ("another channel", to(charge(&["in_4"]), "CHAN-2", 30)),
    ] {
        assert_eq!(kit.record(event, &facts).await.outcome, DeliveryOutcome::Granted, "{event}");
    }
}
