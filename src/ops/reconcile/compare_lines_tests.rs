//! What lines of Billing History say of a payment of 30 days, and what is made of those that say something else.

use super::*;

#[test]
fn matched_by_billing_history_alone_tells_the_ledger() {
    use Finding::Matched;
    for (state, want) in [
        (held(Outcome::Open), "resolve 'stripe/pi_1#1' --applied"),
        (held(Outcome::None), "cancel 'stripe/pi_1#1'"),
        (State::planned(AT), "cancel 'stripe/pi_1#1'"),
    ] {
        let verdict = Given::new(once(state)).history(&[1]).judge(InRecord::Missing);
        let row = verdict.row.unwrap();
        assert_eq!((row.answer, row.days), (Matched, Some(30)), "{row:?}");
        assert!(row.next.as_ref().unwrap().contains(want), "{row:?}");
        assert_eq!(verdict.explains, Some(("CHAN-1".into(), 30)));
    }
    check(&Given::new(Some(booked(vec![]))).history(&[1]), (Matched, 30, 900, "ledger says held", true));
    check(&Given::new(None).history(&[1]), (Matched, 30, 900, "no record of it", true));
}

#[test]
fn extended_twice() {
    use Finding::ExtendedTwice as Twice;
    let good = || Given::new(once(settled(30)));
    check(
        &good().history(&[1, 1]),
        (Twice, 30, 900, "2 lines of Billing History (file:line 1:1, 1:2)", true),
    );
    check(&good().history(&[1, 1, 1]), (Twice, 60, 900, "3 lines", true));
    check(&Given { again: true, ..good() }, (Twice, 30, 900, "called more than once", true));
    check(&good().history(&[1, 1]).paid(|p| p.refunded = 900), (Twice, 30, 0, "2 lines", true));
    assert_eq!(good().history(&[1, 1]).judge(InRecord::Missing).explains, Some(("CHAN-1".into(), 30)));
}

/// Its key was enough, whatever else the line said.
#[test]
fn a_line_that_says_something_else_is_no_match() {
    use Finding::{ExtendedNotPaid as Surplus, ExtendedTwice as Twice, Matched, PaidNotExtended as Missing};
    let with = |lines: Vec<HistoryLine>| Given { history: Some(lines), ..Given::new(once(settled(30))) };
    let named = |channels: &[&str]| HistoryLine {
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
        ..said(&[-30])
    };
    let back = || HistoryLine { given_back: true, ..said(&[30]) };
    let (says_8, says_40) =
        ("(file:line 1:1) says 8 days under stripe/pi_1#1, and the ledger 30", "says 40 days");
    for (lines, want) in [
        (vec![said(&[-8])], (Missing, 22, 900, says_8, true)),
        (vec![said(&[40])], (Surplus, 10, 900, says_40, true)),
        (vec![said(&[963, 8])], (Surplus, 933, 900, "says 963 days", true)),
        (vec![named(&["CHAN-2"])], (Missing, 30, 900, "says the channel CHAN-2 under", true)),
        (vec![back()], (Missing, 30, 900, "given back", true)),
        (vec![said(&[-30]), back()], (Missing, 30, 900, "given back", true)),
        (vec![said(&[-30]), said(&[-8])], (Twice, 8, 900, "2 lines", true)),
        // What says nothing else, or ours among others.
        (vec![said(&[-30])], (Matched, 30, 900, "as Billing History shows", false)),
        (vec![said(&[])], (Matched, 30, 900, "as Billing History shows", false)),
        (vec![said(&[993, 30])], (Matched, 30, 900, "as Billing History shows", false)),
        (vec![named(&["CHAN-2", "CHAN-1"])], (Matched, 30, 900, "as Billing History shows", false)),
    ] {
        check(&with(lines), want);
    }
    let held = Given { history: Some(vec![said(&[8])]), ..Given::new(once(held(Outcome::Open))) };
    check(&held, (Missing, 22, 900, says_8, true));
}

#[test]
fn history_speaks_of_the_time_it_covers_only() {
    for (at, want) in [
        (COVERED.since, Finding::PaidNotExtended),
        (COVERED.since - 1, Finding::Matched),
        (COVERED.until, Finding::Matched),
    ] {
        let State::Settled { how, before, after, attempt, watch, .. } = settled(30) else { unreachable!() };
        let given = Given::new(once(State::Settled { how, before, after, at, attempt, watch })).history(&[]);
        assert_eq!(given.judge(InRecord::Missing).row.unwrap().answer, want);
    }
}
