//! Answers of a provider's API, recorded in another order than they were asked for.

use daybridge::{
    domain::{
        closed::HeldCause,
        facts::{Facts, Unread},
    },
    envelope::Envelope,
    ledger::{DeliveryOutcome, Entry, Recorded, view::HeldKind},
};

use super::{
    kit::*,
    reversal::{paid, refund},
};

async fn answer(kit: &Kit, envelope: &Envelope, asked: i64, facts: Result<&Facts, &Unread>) -> Recorded {
    let source = rules();
    let entry = Entry {
        envelope,
        dead: false,
        facts,
        source: Some(&source),
        account: ACCOUNT,
        comment: comment(),
        take: None,
        asked: Some(asked),
    };
    kit.ledger.record(&entry, NOW).await.unwrap()
}

/// The same bytes for whatever happens to a payment, as Mollie posts them.
fn posted() -> Envelope {
    delivery("evt_tr_1")
}

pub(super) async fn an_older_answer_replaces_nothing(kit: Kit) {
    let (before, after) = (paid("pi_1"), Facts { out: refund("pi_1", 900).out, ..paid("pi_1") });
    let (first, second) = (kit.question().await.unwrap(), kit.question().await.unwrap());
    let now = answer(&kit, &posted(), second, Ok(&after)).await;
    assert_eq!((now.outcome, now.planned), (DeliveryOutcome::Held, None));
    // What was asked for before the refund is recorded last, twice.
    let late = posted();
    for again in [false, true] {
        let told = answer(&kit, &late, first, Ok(&before)).await;
        assert_eq!((told.outcome, told.planned, told.again), (DeliveryOutcome::Duplicate, None, again));
    }
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    assert_eq!((whole.payment.state.as_str(), whole.transfers.len()), ("held", 0));
    assert_eq!(kit.held(9, NOW).await.unwrap()[0].cause, HeldCause::Refunded);
    // Nor does a question that failed, or was answered with nonsense.
    for why in [Unread::Unfetched("away".into()), Unread::Unreadable("no object".into())] {
        answer(&kit, &posted(), first, Err(&why)).await;
        let held = kit.held(9, NOW).await.unwrap();
        assert_eq!((held.len(), held[0].kind), (1, HeldKind::Payment), "{held:?}");
    }
    // What is asked for later does: the refund failed.
    let third = kit.question().await.unwrap();
    let back = answer(&kit, &posted(), third, Ok(&before)).await;
    assert_eq!((back.outcome, back.planned.as_deref()), (DeliveryOutcome::Granted, Some("stripe/pi_1#1")));

    // A later question that failed is asked again; the earlier one's answer does not stand in for it.
    let (first, second) = (kit.question().await.unwrap(), kit.question().await.unwrap());
    let event = delivery("evt_tr_2");
    answer(&kit, &event, second, Err(&Unread::Unfetched("away".into()))).await;
    let told = answer(&kit, &delivery("evt_tr_2"), first, Ok(&paid("pi_2"))).await;
    assert_eq!((told.outcome, told.planned), (DeliveryOutcome::Held, None));
    assert_eq!(kit.held(9, NOW).await.unwrap()[0].cause, HeldCause::Unfetched);
    let third = kit.question().await.unwrap();
    assert_eq!(answer(&kit, &event, third, Ok(&paid("pi_2"))).await.outcome, DeliveryOutcome::Granted);
}

/// Whichever worker asks, and at once.
pub(super) async fn questions_are_numbered_as_they_begin(kit: Kit) {
    let before = kit.question().await.unwrap();
    let many: Vec<i64> = futures_util::future::join_all((0..20).map(|_| kit.question()))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let mut each = many.clone();
    each.sort_unstable();
    each.dedup();
    assert!(each.len() == 20 && each.iter().all(|number| *number > before), "{many:?}");
}
