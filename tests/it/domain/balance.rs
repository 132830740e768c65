//! Whatever waits for a balance, and however large the others are.

use daybridge::domain::allocation::balance::Ceiling;

/// What is tried next, of transfers in the order of their expiry; and whether it is a probe.
fn next(waiting: &[u32], known: Option<Ceiling>) -> (usize, bool) {
    let Some(ceiling) = known else { return (0, false) };
    if let Some(free) = waiting.iter().position(|days| !ceiling.keeps_back(*days)) {
        return (free, false);
    }
    let smallest = (0..waiting.len()).min_by_key(|at| waiting[*at]).unwrap();
    match ceiling.refused_first {
        Some(first) if waiting[smallest] < first => (smallest, true),
        _ => (0, true),
    }
}

/// One payment that is larger than the balance keeps back none that is not.
#[test]
fn whatever_fits_goes_through() {
    for seed in 0..5_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut waiting: Vec<u32> = (0..rng.usize(1..9)).map(|_| rng.u32(1..400)).collect();
        let mut balance = rng.u32(0..600);
        let mut known = Some(Ceiling { days: 1, refused_first: None });
        for calls in 0.. {
            if waiting.iter().all(|days| *days > balance) {
                break;
            }
            assert!(calls < 60, "seed {seed}: {waiting:?} wait beside a balance of {balance}");
            let (at, probe) = next(&waiting, known);
            let days = waiting[at];
            if days <= balance {
                balance -= days;
                waiting.remove(at);
                known = known.and_then(|ceiling| ceiling.moved(days));
            } else {
                known = Some(Ceiling::refused(known, days, probe));
            }
        }
    }
}

/// Where nothing fits, a round is two calls at most, however many sizes wait.
#[test]
fn an_empty_balance_costs_two_calls_a_round() {
    let waiting: Vec<u32> = (1..200).rev().collect();
    let mut known = Some(Ceiling { days: 1, refused_first: None });
    let mut calls = Vec::new();
    for _ in 0..2 {
        let (at, probe) = next(&waiting, known);
        calls.push(waiting[at]);
        known = Some(Ceiling::refused(known, waiting[at], probe));
    }
    assert_eq!((calls, known), (vec![199, 1], Some(Ceiling { days: 1, refused_first: None })));
}
