//! Two that record or decide at the same moment, of which each would decide otherwise if it knew of the other.

use std::{collections::BTreeSet, sync::Arc};

use daybridge::{
    domain::{
        facts::{Facts, Meaning},
        settle::Order,
    },
    ledger::{Claim, DeliveryOutcome, Take},
};
use tokio::task::JoinSet;

use super::kit::*;

/// Enough that a lock that is left out is missed in each run.
const ROUNDS: usize = 40;

/// They share no row, and no id.
pub(super) async fn of_two_twins_at_once_one_is_held(kit: Kit) {
    for round in 0..ROUNDS {
        let bought = |id: &str| to(charge(&[&format!("{id}_{round}")]), &format!("CHAN-{round}"), 30);
        let (one, other) = (bought("pi"), bought("cs"));
        let events = [format!("evt_a{round}"), format!("evt_b{round}")];
        let (one, other) = tokio::join!(kit.record(&events[0], &one), kit.record(&events[1], &other));
        let mut outcomes = [one.outcome, other.outcome];
        outcomes.sort_by_key(|outcome| outcome.as_str());
        assert_eq!(outcomes, [DeliveryOutcome::Granted, DeliveryOutcome::Held], "round {round}");
    }
}

/// Each has a stronger id of its own, so each would make a payment under another key.
pub(super) async fn two_that_share_a_weaker_name_are_one(kit: Kit) {
    for round in 0..ROUNDS {
        let paid = |id: &str| {
            to(charge(&[&format!("{id}_{round}"), &format!("cs_{round}")]), &format!("CHAN-{round}"), 30)
        };
        let (one, other) = (paid("ch"), paid("in"));
        let events = [format!("evt_a{round}"), format!("evt_b{round}")];
        let (one, other) = tokio::join!(kit.record(&events[0], &one), kit.record(&events[1], &other));
        let mut outcomes = [one.outcome, other.outcome];
        outcomes.sort_by_key(|outcome| outcome.as_str());
        assert_eq!(outcomes, [DeliveryOutcome::Duplicate, DeliveryOutcome::Granted], "round {round}");
    }
}

/// A payment is joined to another one by an id that the event beside it does not have.
pub(super) async fn what_is_joined_meanwhile_is_found_where_it_went(kit: Kit) {
    for round in 0..ROUNDS {
        let id = |kind: &str| format!("{kind}_{round}");
        let channel = format!("CHAN-{round}");
        let (intent, charged, invoice) = (id("pi"), id("ch"), id("in"));
        kit.record(&format!("evt_a{round}"), &facts(Meaning::Link, &[&charged, &invoice])).await;
        kit.record(&format!("evt_b{round}"), &charge(&[&intent])).await;
        let joins = facts(Meaning::Link, &[&intent, &charged]);
        let pays = to(charge(&[&invoice]), &channel, 30);
        let events = [format!("evt_c{round}"), format!("evt_d{round}")];
        tokio::join!(kit.record(&events[0], &joins), kit.record(&events[1], &pays));
        let mut keys = BTreeSet::new();
        for name in [&intent, &charged, &invoice] {
            keys.insert(kit.payment(name).await.unwrap().expect("it is known").payment.key);
        }
        // Which of its names it keeps is that of when it was granted.
        assert_eq!(keys.len(), 1, "round {round}: {keys:?}");
        let whole = kit.payment(&intent).await.unwrap().unwrap();
        assert_eq!((whole.events.len(), whole.transfers.len()), (4, 1), "round {round}");
    }
}

/// Money that comes in for a held payment, and a person who closes it: the one that comes second knows of the other.
pub(super) async fn a_decision_and_a_recording_know_of_each_other(kit: Kit) {
    for round in 0..ROUNDS {
        let id = format!("pi_{round}");
        kit.record(&format!("evt_a{round}"), &charge(&[&id])).await;
        let link = to(facts(Meaning::Link, &[&id]), &format!("CHAN-{round}"), 30);
        let (key, event) = (format!("stripe/{id}"), format!("evt_b{round}"));
        let order = decided(Order::Cancel);
        let (closed, told) = tokio::join!(kit.decide(&key, &order, NOW), kit.record(&event, &link));
        let state = kit.payment(&key).await.unwrap().unwrap().payment.state;
        match closed {
            Ok(()) => assert_eq!((state.as_str(), told.planned), ("cancelled", None), "round {round}"),
            Err(_) => {
                assert_eq!((state.as_str(), told.planned.is_some()), ("planned", true), "round {round}")
            }
        }
    }
}

/// Those that have nothing to do with each other do not meet.
pub(super) async fn strangers_are_recorded_side_by_side(kit: Kit) {
    let kit = Arc::new(kit);
    let before = kit.database_counts().retries;
    let mut tasks = JoinSet::new();
    for worker in 0..8 {
        let kit = kit.clone();
        tasks.spawn(async move {
            for n in 0..50 {
                let id = format!("{worker}_{n}");
                let facts: Facts =
                    to(charge(&[&format!("pi_{id}")]), &format!("CHAN-{}", (worker + n) % 20), 30);
                assert_eq!(kit.record(&format!("evt_{id}"), &facts).await.outcome, DeliveryOutcome::Granted);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(kit.database_counts().retries - before, 0, "of 400 events");
}

/// Four workers record, take what they record, claim what is due, and settle: nothing is left in anybody's hands.
pub(super) async fn workers_side_by_side_leave_no_channel_behind(kit: Kit) {
    const WORKERS: usize = 4;
    const PAYMENTS: usize = 400;
    let kit = Arc::new(kit);
    let mut tasks = JoinSet::new();
    for worker in 0..WORKERS {
        let kit = kit.clone();
        tasks.spawn(async move {
            for n in (worker..PAYMENTS).step_by(WORKERS) {
                let paid = to(charge(&[&format!("pi_{n}")]), &format!("CHAN-{}", n % 20), 30);
                let token = format!("w{worker}/{n}");
                let take = Take { token: &token, lease_until: NOW + 60_000 };
                let recorded = kit.record_and_take(&format!("evt_{n}"), &paid, take, NOW).await;
                if let Some(claim) = recorded.claim {
                    work(&kit, &claim).await;
                }
                for claim in kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 2).await.unwrap() {
                    work(&kit, &claim).await;
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    // What was due while somebody held its channel.
    loop {
        let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 50).await.unwrap();
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            work(&kit, &claim).await;
        }
    }
    let counts = kit.counts().await.unwrap();
    assert_eq!((counts.credited, counts.planned), (PAYMENTS as u64, 0));
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), None, "no lease is left");
}

/// One turn, as a worker takes it.
async fn work(kit: &Kit, claim: &Claim) {
    let Some(transfer) = kit.turn(claim, NOW).await.unwrap().transfer else {
        kit.release(claim, 0).await.unwrap();
        return;
    };
    let called = intended(claim.epoch);
    assert!(kit.put(claim, &transfer.key, &transfer.state, called.clone(), NOW).await, "{claim:?}");
    let told = kit.advance(claim, &transfer.key, &called, &step(settled()), true, NOW).await.unwrap();
    assert!(told.is_some(), "{claim:?}");
}

/// Those that look at once see the same channels first. What is claimed beyond the limit would be nobody's until its lease
/// ends.
pub(super) async fn no_claim_takes_more_than_it_asked_for(kit: Kit) {
    const CHANNELS: usize = 120;
    let kit = Arc::new(kit);
    for n in 0..CHANNELS {
        kit.grant(&n.to_string(), &format!("CHAN-{n}")).await;
    }
    for round in 0..10 {
        let now = NOW + round * 100_000;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let kit = kit.clone();
            tasks.spawn(async move {
                let mut all = 0;
                loop {
                    let claims = kit.claim(ACCOUNT, "w", now, now + 60_000, 3).await.unwrap();
                    assert!(claims.len() <= 3, "{}", claims.len());
                    if claims.is_empty() {
                        return all;
                    }
                    all += claims.len();
                }
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), CHANNELS, "round {round}");
    }
}
