//! Where a backfill stands, and whose turn it is.

use daybridge::ledger::{Sweep, SweepTurn};

use super::kit::*;

const LEASE: i64 = 60_000;
const BELIEVED: i64 = 300_000;

async fn take(kit: &Kit, now: i64) -> SweepTurn {
    kit.take_sweep("stripe", now, now + LEASE, now + BELIEVED).await.unwrap()
}

async fn ours(kit: &Kit, now: i64) -> Sweep {
    match take(kit, now).await {
        SweepTurn::Ours(sweep) => sweep,
        SweepTurn::NotBefore(at) => panic!("not before {at}"),
    }
}

pub(super) async fn one_worker_has_the_turn(kit: Kit) {
    let takers = (0..8).map(|_| take(&kit, NOW));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.iter().filter(|turn| matches!(turn, SweepTurn::Ours(_))).count(), 1, "{taken:?}");
    assert_eq!(take(&kit, NOW + 1).await, SweepTurn::NotBefore(NOW + LEASE));
    assert!(matches!(kit.take_sweep("other", NOW, NOW + 1, NOW).await.unwrap(), SweepTurn::Ours(_)));
}

pub(super) async fn a_turn_that_was_taken_over_moves_nothing(kit: Kit) {
    let mut first = ours(&kit, NOW).await;
    assert_eq!(first.seen_until, None);
    first.seen_until = Some(NOW - 500);
    assert!(kit.save_sweep(&first, NOW + LEASE).await.unwrap());
    // Its lease ends without a word.
    let mut second = ours(&kit, NOW + LEASE).await;
    assert_eq!(second.seen_until, Some(NOW - 500));
    first.seen_until = Some(NOW);
    assert!(!kit.save_sweep(&first, NOW).await.unwrap());
    assert!(matches!(take(&kit, NOW + LEASE + 1).await, SweepTurn::NotBefore(_)));
    second.seen_until = Some(NOW - 400);
    assert!(kit.save_sweep(&second, NOW + LEASE + 10).await.unwrap());
    assert_eq!(ours(&kit, NOW + LEASE + 10).await.seen_until, Some(NOW - 400));
}

/// A worker that asked once a day, or whose clock was ahead, must not keep the others from asking.
pub(super) async fn a_turn_too_far_off_counts_as_come(kit: Kit) {
    let sweep = ours(&kit, NOW).await;
    assert!(kit.save_sweep(&sweep, NOW + BELIEVED).await.unwrap());
    assert_eq!(take(&kit, NOW).await, SweepTurn::NotBefore(NOW + BELIEVED));
    assert!(kit.save_sweep(&sweep, NOW + BELIEVED + 1).await.unwrap());
    ours(&kit, NOW).await;
}

pub(super) async fn recorded_events_are_known_by_source(kit: Kit) {
    for number in 0..3 {
        kit.grant(&number.to_string(), "CHAN-1").await;
    }
    let ask = async |sources: &[&str], events: &[&str]| {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let found = kit.recorded(&owned(sources), &owned(events)).await.unwrap();
        found.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(ask(&["stripe"], &["evt_0", "evt_2", "evt_x"]).await, ["evt_0", "evt_2"]);
    assert_eq!(ask(&["other", "stripe"], &["evt_1"]).await, ["evt_1"]);
    assert!(ask(&["other"], &["evt_1"]).await.is_empty());
    assert!(ask(&["stripe"], &[]).await.is_empty());
    let page: Vec<String> = (0..100).map(|n| format!("evt_{n}")).collect();
    let page: Vec<&str> = page.iter().map(|id| &**id).collect();
    assert_eq!(ask(&["stripe"], &page).await.len(), 3);
}
