//! A ledger that was restored from a backup.

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        payment::memory::CLOCKS_APART_MS,
        settle::{Cause, Order, Outcome as Open, State},
    },
    ledger::{DeliveryOutcome, LedgerError},
};

use super::{
    kit::*,
    ops::{state_of, take_to},
};

const DAY: i64 = 86_400_000;

async fn refusal(kit: &Kit, key: &str, order: Order) -> String {
    kit.decide(key, &decided(order), NOW).await.unwrap_err().to_string()
}

pub(super) async fn what_was_unsettled_is_held(kit: Kit) {
    let credited = take_to(&kit, "1", settled()).await;
    let refused = take_to(&kit, "2", held(Cause::Balance("none".into()), Open::None)).await;
    let open = take_to(&kit, "3", held(Cause::Unmoved, Open::Open)).await;
    let planned = kit.grant("4", "CHAN-4").await;
    let behind = kit.grant("5", "CHAN-4").await;

    let done = kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    assert_eq!((done.held, done.since, done.declared_at), (4, NOW - DAY, NOW));
    assert_eq!(state_of(&kit, &credited).await, "settled");
    for key in [&refused, &open, &planned, &behind] {
        let whole = kit.payment(key).await.unwrap().unwrap();
        let transfer = &whole.transfers[0];
        assert_eq!(
            (transfer.state.as_str(), transfer.outcome.map(|word| word.as_str())),
            ("held", Some("open")),
            "{key}"
        );
        assert!(transfer.next.as_ref().unwrap().contains("Billing History"), "{transfer:?}");
        assert_eq!(transfer.steps.last().unwrap().who.as_deref(), Some("ada"));
        assert!(refusal(&kit, key, Order::Retry).await.contains("Billing History"));
    }
    // The channel is free for others: nothing is on its way.
    let fresh = kit.record("evt_6", &to(late(charge(&["pi_6"])), "CHAN-4", 7)).await.planned.unwrap();
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    let claim = claims.into_iter().find(|c| c.channel.as_str() == "CHAN-4").unwrap();
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key, fresh);

    kit.decide(&planned, &decided(Order::Applied), NOW + 1).await.unwrap();
    kit.decide(&behind, &decided(Order::NotApplied), NOW + 1).await.unwrap();
    assert_eq!(
        (state_of(&kit, &planned).await, state_of(&kit, &behind).await),
        ("settled".into(), "planned".into())
    );
    assert_eq!(kit.payment(&planned).await.unwrap().unwrap().payment.state, PaymentState::Credited);
}

/// Paid after the declaration, by any clock.
fn late(facts: daybridge::domain::facts::Facts) -> daybridge::domain::facts::Facts {
    paid_at(facts, NOW + CLOCKS_APART_MS)
}

pub(super) async fn payments_of_the_forgotten_time_are_held(kit: Kit) {
    kit.note_rules("stripe", "charges", NOW - DAY).await.unwrap();
    kit.record("evt_0", &charge(&["pi_0"])).await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();

    let fresh = kit.record("evt_1", &to(late(charge(&["pi_1"])), "CHAN-1", 30)).await;
    assert_eq!(fresh.outcome, DeliveryOutcome::Granted);

    // Told again, told for the first time, and held in the backup for want of a channel.
    for (event, name) in [("evt_2", "pi_2"), ("evt_3", "pi_3"), ("evt_00", "pi_0")] {
        let recorded = kit.record(event, &to(charge(&[name]), "CHAN-1", 30)).await;
        assert_eq!((recorded.outcome, recorded.planned), (DeliveryOutcome::Held, None), "{name}");
        assert!(recorded.reason.unwrap().contains("restored"));
    }
    let held = kit.held(9, NOW).await.unwrap();
    let restored: Vec<&str> =
        held.iter().filter(|h| h.cause == HeldCause::Restored).map(|h| &*h.key).collect();
    assert_eq!(restored.len(), 3, "{held:?}");
    assert!(held.iter().all(|h| (h.channel.as_deref(), h.days) == (Some("CHAN-1"), Some(30))), "{held:?}");
    assert!(held.iter().all(|h| h.next.contains("Billing History")), "{held:?}");
    assert!(refusal(&kit, "stripe/pi_2", Order::Retry).await.contains("Billing History"));

    kit.decide("stripe/pi_2", &decided(Order::Applied), NOW + 1).await.unwrap();
    kit.decide("stripe/pi_3", &decided(Order::NotApplied), NOW + 1).await.unwrap();
    let applied = kit.payment("stripe/pi_2").await.unwrap().unwrap();
    assert_eq!(
        (applied.payment.state.as_str(), applied.events[0].outcome.as_str()),
        ("credited", "credited")
    );
    let transfer = &applied.transfers[0];
    assert_eq!(
        (transfer.how.map(|word| word.as_str()), transfer.steps[0].who.as_deref()),
        (Some("by_operator"), Some("ada"))
    );
    assert_eq!(transfer.comment, "daybridge stripe/pi_2#1 30d");
    assert_eq!(kit.payment("stripe/pi_3").await.unwrap().unwrap().payment.state, PaymentState::Planned);
    let again = kit.record("evt_2", &to(charge(&["pi_2"]), "CHAN-1", 30)).await;
    assert_eq!(
        (again.outcome, again.reason.as_deref()),
        (DeliveryOutcome::Duplicate, Some("skipped: already credited"))
    );
}

pub(super) async fn workers_must_be_stopped(kit: Kit) {
    kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let refused = kit.restored(NOW - DAY, "ada", NOW + 1).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.contains("another 60 s")), "{refused}");
    let future = kit.restored(NOW + 9, "ada", NOW).await.unwrap_err();
    assert!(matches!(future, LedgerError::Refused(_)));
    kit.restored(NOW - DAY, "ada", NOW + 60_000).await.unwrap();
    // A worker of the forgotten time, however often it had claimed the channel.
    let zombie = daybridge::ledger::Claim { epoch: claim.epoch + 1, ..claim };
    let key = "stripe/pi_1#1";
    assert!(!kit.put(&zombie, key, &State::planned(NOW), intended(zombie.epoch), NOW).await);
}
