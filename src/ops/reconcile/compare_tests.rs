//! One table: what the three lists say of a payment of 30 days for 9.00, and the answer.

#[path = "compare_lines_tests.rs"]
mod lines;

use super::super::history::{HistoryLine, HistoryPlace};
use super::*;
use crate::{
    domain::{
        DAY_MS, Ms,
        closed::PaymentDecision,
        settle::{Call, Cause, How, Outcome, State},
    },
    ledger::books::{Booked, BookedTransfer},
};

const AT: Ms = 1_800_000_000_000;
const COVERED: Range = Range { since: AT - DAY_MS, until: AT + DAY_MS };

fn paid() -> Paid {
    Paid {
        id: "pi_1".into(),
        aliases: vec!["ch_1".into()],
        account: None,
        amount: 900,
        refunded: 0,
        currency: "usd".into(),
        at_ms: AT,
        livemode: true,
        channel: Some("CHAN-1".into()),
        days: Some(30),
    }
}

fn settled(days: i64) -> State {
    let before = AT + 5 * DAY_MS;
    let after = Some(before + days * DAY_MS);
    State::Settled { how: How::Answered, before, after, at: AT, attempt: 1, watch: None }
}

fn held(outcome: Outcome) -> State {
    let last = Some(Call { attempt: 1, before: AT, at: AT, settles: 0, number: 1, moved_ms: 0, days: 30 });
    State::Held { cause: Cause::Unmoved, outcome, at: AT, last, retried: true }
}

fn transfer(n: u32, days: u32, state: State) -> BookedTransfer {
    BookedTransfer {
        key: format!("stripe/pi_1#{n}"),
        payment: "stripe/pi_1".into(),
        n,
        channel: "CHAN-1".into(),
        days,
        state,
        reason: None,
        next: Some("the ledger's next step".into()),
    }
}

fn booked(transfers: Vec<BookedTransfer>) -> Booked {
    Booked {
        key: "stripe/pi_1".into(),
        decision: if transfers.is_empty() { PaymentDecision::Held } else { PaymentDecision::Granted },
        reason: None,
        next: Some("the payment's next step".into()),
        channel: Some("CHAN-1".into()),
        days: (!transfers.is_empty()).then_some(30),
        days_off: 0,
        days_later: 0,
        set_channel: None,
        set_days: None,
        amount: Some(900),
        currency: Some("usd".into()),
        first_seen_at: AT,
        transfers,
    }
}

fn once(state: State) -> Option<Booked> {
    Some(booked(vec![transfer(1, 30, state)]))
}

/// A line that names the first transfer, and so many days.
fn said(days: &[i32]) -> HistoryLine {
    HistoryLine {
        n: 1,
        place: HistoryPlace { file: 1, line: 1 },
        days: days.first().map(|days| days.unsigned_abs()),
        said: days.to_vec(),
        channels: Vec::new(),
        given_back: false,
    }
}

fn lines(of: &[u32]) -> Vec<HistoryLine> {
    let place = |line| HistoryPlace { file: 1, line };
    of.iter()
        .zip(1..)
        .map(|(n, line)| HistoryLine { n: *n, place: place(line), days: Some(30), ..said(&[]) })
        .collect()
}

struct Given {
    paid: Option<Paid>,
    booked: Option<Booked>,
    history: Option<Vec<HistoryLine>>,
    again: bool,
    moved: bool,
}

impl Given {
    fn new(booked: Option<Booked>) -> Self {
        Self { paid: Some(paid()), booked, history: None, again: false, moved: false }
    }

    fn paid(self, change: impl FnOnce(&mut Paid)) -> Self {
        let mut paid = paid();
        change(&mut paid);
        Self { paid: Some(paid), ..self }
    }

    fn history(self, of: &[u32]) -> Self {
        Self { history: Some(lines(of)), ..self }
    }

    fn judge(&self, otherwise: InRecord<'_>) -> Verdict {
        let keys = |given: bool| given.then(|| "stripe/pi_1#1".to_owned()).into_iter().collect();
        let hints = Hints { again: keys(self.again), moved: keys(self.moved) };
        judge(&Case {
            key: "stripe/pi_1",
            listed: self.paid.as_ref().map_or(otherwise, InRecord::Paid),
            booked: self.booked.as_ref(),
            history: self.history.as_deref(),
            covered: COVERED,
            hints: &hints,
        })
    }
}

/// Answer, days, money, a part of the sentence, and whether something is to be done.
fn check(given: &Given, want: (Finding, u32, i64, &str, bool)) {
    let row = given.judge(InRecord::Missing).row.unwrap();
    let (answer, days, amount, why, next) = want;
    assert!(row.why.contains(why), "{why} in {row:?}");
    assert_eq!((row.answer, row.days, row.amount), (answer, Some(days), Some(amount)), "{row:?}");
    assert_eq!(row.next.is_some(), next, "{row:?}");
    assert_eq!(row.channel.as_deref(), Some("CHAN-1"));
}

#[test]
fn matched() {
    use Finding::Matched;
    let good = || Given::new(once(settled(30)));
    check(&good(), (Matched, 30, 900, "extended once", false));
    check(&good().history(&[1]), (Matched, 30, 900, "as Billing History shows", false));
    check(&good().paid(|p| p.refunded = 300), (Matched, 30, 600, "a part of its money", false));
    check(&good().paid(|p| p.days = None), (Matched, 30, 900, "extended once", false));
    let elsewhere = |p: &mut Paid| p.channel = Some("CHAN-2".into());
    check(&good().paid(elsewhere), (Matched, 30, 900, "extended once", true));
    let set = booked(vec![transfer(1, 7, settled(7))]);
    let set = Booked { set_channel: Some("CHAN-1".into()), set_days: Some(7), ..set };
    check(&Given::new(Some(set)).paid(elsewhere), (Matched, 7, 900, "extended once", false));
    let slices = booked(vec![transfer(1, 10, settled(10)), transfer(2, 20, settled(20))]);
    check(&Given::new(Some(slices)).history(&[1, 2]), (Matched, 30, 900, "extended once", false));
    let refunded = Given::new(Some(booked(vec![]))).paid(|p| p.refunded = 900);
    check(&refunded, (Matched, 0, 0, "refunded in full, and no days", false));
    let planned = Given::new(once(State::planned(AT))).paid(|p| p.refunded = 900);
    check(&planned, (Matched, 0, 0, "refunded in full", true));
    check(&Given::new(Some(booked(vec![]))).paid(|p| p.amount = 0), (Matched, 0, 0, "amount is 0", false));
}

/// Of a payment in slices some days have moved, and others move later. What is more or fewer than that is open.
#[test]
fn days_that_move_later_are_not_missing() {
    use Finding::{ExtendedNotPaid as TooMany, ExtendedTwice as Twice, Later, PaidNotExtended as Missing};
    let running = |days_later| {
        let transfers = vec![transfer(1, 10, settled(10)), transfer(2, 5, State::planned(AT))];
        Some(Booked { days_later, ..booked(transfers) })
    };
    check(&Given::new(running(20)), (Later, 20, 900, "10 of its days have moved", false));
    check(&Given::new(running(20)).history(&[1]), (Later, 20, 900, "20 move when", false));
    check(&Given::new(running(15)), (Missing, 5, 900, "extended by 10, and 15 move later", true));
    check(&Given::new(running(25)), (TooMany, 5, 900, "extended by 10, and 25 move later", true));
    check(&Given::new(running(20)).history(&[1, 2]), (TooMany, 5, 900, "names it", true));
    let refunded = Given::new(running(20)).paid(|p| p.refunded = 900);
    check(&refunded, (TooMany, 10, 900, "20 more move later", true));
    check(&Given::new(running(20)).history(&[1, 1]), (Twice, 30, 900, "2 lines", true));
    let waits = Booked { days_later: 30, decision: PaymentDecision::Granted, ..booked(vec![]) };
    check(&Given::new(Some(waits)), (Later, 30, 900, "0 of its days", false));
}

/// What the ledger took off before it moved is not missing, and is owed again when the money is back.
#[test]
fn days_that_were_taken_off_are_not_owed() {
    use Finding::{Matched, PaidNotExtended as Missing};
    let shorter = |days_off| Some(Booked { days_off, ..booked(vec![transfer(1, 20, settled(20))]) });
    check(
        &Given::new(shorter(10)).paid(|p| p.refunded = 300),
        (Matched, 20, 600, "a part of its money", false),
    );
    check(&Given::new(shorter(0)), (Missing, 10, 900, "paid for 30 days, extended by 20", true));
    let money_out = Some(crate::domain::settle::Kept { last: None, retried: false });
    let cancelled = State::Cancelled { reason: "disputed".into(), at: AT, attempt: 0, money_out };
    let disputed = Booked { days_off: 30, ..booked(vec![transfer(1, 30, cancelled)]) };
    check(&Given::new(Some(disputed)), (Matched, 0, 900, "its money went out again", false));
    let planned = Booked { days_off: 10, ..booked(vec![transfer(1, 20, State::planned(AT))]) };
    check(&Given::new(Some(planned)), (Missing, 20, 900, "planned", true));
}

#[test]
fn paid_not_extended() {
    use Finding::PaidNotExtended as Missing;
    check(&Given::new(None), (Missing, 30, 900, "no event of it ever arrived", true));
    check(&Given::new(once(State::planned(AT))), (Missing, 30, 900, "planned", true));
    check(&Given::new(once(held(Outcome::Open))), (Missing, 30, 900, "held", true));
    let moved = Given { moved: true, ..Given::new(once(held(Outcome::Open))) };
    check(&moved, (Missing, 30, 900, "moved by exactly its days", true));
    let unseen = Given::new(once(held(Outcome::Open))).history(&[]);
    check(&unseen, (Missing, 30, 900, "Billing History does not name it", true));
    check(&Given::new(Some(booked(vec![]))), (Missing, 30, 900, "held: no reason", true));
    let absent = Given::new(once(settled(30))).history(&[]);
    check(&absent, (Missing, 30, 900, "not in Billing History", true));
    let few = Given::new(Some(booked(vec![transfer(1, 25, settled(25))])));
    check(&few, (Missing, 5, 900, "paid for 30 days, extended by 25", true));
    check(&Given::new(once(settled(28))), (Missing, 2, 900, "as activeTill moved", true));
    let slices = booked(vec![transfer(1, 10, settled(10)), transfer(2, 20, State::planned(AT))]);
    check(&Given::new(Some(slices)), (Missing, 20, 900, "the rest is planned", true));
    let cancelled = State::Cancelled { reason: "closed".into(), at: AT, attempt: 0, money_out: None };
    check(&Given::new(once(cancelled)), (Missing, 30, 900, "cancelled", true));
}

#[test]
fn extended_not_paid() {
    use Finding::ExtendedNotPaid as Surplus;
    let good = || Given::new(once(settled(30)));
    check(&good().paid(|p| p.refunded = 900), (Surplus, 30, 900, "refunded in full", true));
    check(&good().paid(|p| p.days = Some(25)), (Surplus, 5, 900, "paid for 25 days, extended by 30", true));
    check(&Given { paid: None, ..good() }, (Surplus, 30, 900, "record does not have it", true));
    let unknown = Given { paid: None, ..Given::new(once(held(Outcome::Open))) }.history(&[1]);
    check(&unknown, (Surplus, 30, 900, "record does not have it", true));
}

#[test]
fn what_was_neither_paid_nor_extended_is_no_row() {
    for given in [Given::new(once(State::planned(AT))), Given::new(once(settled(30))).history(&[])] {
        assert_eq!(Given { paid: None, ..given }.judge(InRecord::Missing).row, None);
    }
    let good = Given { paid: None, ..Given::new(once(settled(30))) };
    assert_eq!(good.judge(InRecord::Elsewhere).row, None, "another time's payment is not judged");
}

#[test]
fn a_second_payment_of_one_name_is_told() {
    let row = second(&paid(), "stripe/pi_1", "pi_0").unwrap();
    assert_eq!((row.answer, row.days), (Finding::PaidNotExtended, Some(30)));
    let refunded = Paid { refunded: 900, ..paid() };
    assert_eq!(second(&refunded, "stripe/pi_1", "pi_0").unwrap().answer, Finding::Matched);
}

#[test]
fn a_channel_that_is_none_is_not_shown() {
    let given = Given::new(None).paid(|p| p.channel = Some("\u{1b}[31m=x".into()));
    assert_eq!(given.judge(InRecord::Missing).row.unwrap().channel, None);
}

#[test]
fn what_a_person_granted_is_told_with_its_reason() {
    let reason = Some("granted by ada: trial".to_owned());
    let granted =
        |transfers| Booked { reason: reason.clone(), amount: None, currency: None, ..booked(transfers) };
    let later =
        |moved: u32| Booked { days_later: 30 - moved, ..granted(vec![transfer(1, moved, settled(5))]) };
    let hints = Hints::default();
    for (what, booked, history, want, days, why) in [
        (
            "all moved",
            granted(vec![transfer(1, 30, settled(30))]),
            None,
            Finding::Granted,
            30,
            "granted by ada: trial",
        ),
        ("in slices", later(5), None, Finding::Later, 25, "25 move when its channel needs them"),
        (
            "not yet",
            granted(vec![transfer(1, 30, held(Outcome::None))]),
            None,
            Finding::PaidNotExtended,
            30,
            "",
        ),
        (
            "twice in history",
            granted(vec![transfer(1, 30, settled(30))]),
            Some(vec![said(&[30]), said(&[30])]),
            Finding::ExtendedTwice,
            30,
            "",
        ),
    ] {
        let case = Case {
            key: "stripe/pi_1",
            listed: InRecord::Granted,
            booked: Some(&booked),
            history: history.as_deref(),
            covered: COVERED,
            hints: &hints,
        };
        let row = judge(&case).row.unwrap();
        assert_eq!((row.answer, row.days), (want, Some(days)), "{what}");
        assert!(row.why.contains(why), "{what}: {}", row.why);
        assert_eq!(row.open(), !matches!(want, Finding::Granted | Finding::Later), "{what}");
    }
}
