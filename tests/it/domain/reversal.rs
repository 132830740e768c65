//! How much money is out, which days are due without it, and what becomes of a transfer.

use daybridge::domain::{
    facts::{
        Facts, Family, Meaning, Money, Reversal,
        ReversalAmount::{self, All, Part, Total},
        ReversalKind::{self, Dispute, Refund},
        ReversalState::{self, Done, Failed, Inquiry, Open, Undone},
    },
    payment::{
        entitlement::{Entitlement, OnReversal, days_due, entitlement},
        reversal::{Reversals, came_in, money_out},
    },
    settle::{
        Call, Cause, How, Kept, Outcome, State,
        reversal::{Coverage, Rest, Stage},
    },
};
use proptest::prelude::*;

use super::payment::{charge, event};

fn charges() -> Family {
    Family::new("charges")
}

/// Time, kind, state, id, amount.
type Told = (i64, ReversalKind, ReversalState, Option<&'static str>, ReversalAmount);

fn out((at, kind, state, id, amount): Told) -> Facts {
    let out = Reversal { kind, state, id: id.map(str::to_owned), amount, currency: None };
    Facts { occurred_at: at, out: vec![out], money: None, ..event(Meaning::MoneyOut) }
}

fn of(told: &[Told]) -> Reversals {
    let events: Vec<Facts> = std::iter::once(charge()).chain(told.iter().map(|told| out(*told))).collect();
    money_out(&events, &charges())
}

/// 900 came in.
#[test]
fn how_much_is_refunded() {
    let re = |at, state, id, amount| (at, Refund, state, id, amount);
    let one = Some("re_1");
    let two = Some("re_2");
    for (why, told, want) in [
        ("nothing", vec![], 0),
        ("a part", vec![re(1, Done, one, Part(300))], 300),
        ("told twice", vec![re(1, Done, one, Part(300)), re(9, Done, one, Part(300))], 300),
        ("two parts", vec![re(1, Done, one, Part(300)), re(1, Done, two, Part(300))], 600),
        ("more than came in", vec![re(1, Done, one, Part(600)), re(1, Done, two, Part(600))], 900),
        ("one is on its way", vec![re(1, Open, one, Part(300))], 300),
        ("one failed", vec![re(1, Done, one, Part(300)), re(3, Undone, one, Part(300))], 0),
        (
            "one failed, and is told of as made again",
            vec![re(3, Undone, one, Part(300)), re(9, Done, one, Part(300))],
            0,
        ),
        ("one that failed is known by that alone", vec![re(3, Undone, one, Part(300))], 0),
        ("a total", vec![re(1, Done, None, Total(300))], 300),
        ("a total of none", vec![re(1, Done, None, Total(0))], 0),
        ("totals grow", vec![re(2, Done, None, Total(500)), re(1, Done, None, Total(300))], 500),
        (
            "the total and its parts are the same money",
            vec![re(2, Done, None, Total(500)), re(1, Done, one, Part(300)), re(2, Done, two, Part(200))],
            500,
        ),
        (
            "a part that no total has yet",
            vec![re(1, Done, None, Total(300)), re(2, Done, two, Part(500))],
            500,
        ),
        (
            "a total has in it what failed later",
            vec![re(1, Done, None, Total(500)), re(1, Done, one, Part(200)), re(5, Undone, one, Part(200))],
            300,
        ),
        (
            "a total at that very time too",
            vec![re(5, Done, None, Total(500)), re(5, Undone, one, Part(200))],
            300,
        ),
        (
            "a total of after that has not",
            vec![re(6, Done, None, Total(300)), re(1, Done, one, Part(200)), re(5, Undone, one, Part(200))],
            300,
        ),
        (
            "nor has one of before it was made",
            vec![re(1, Done, None, Total(300)), re(2, Done, one, Part(200)), re(5, Undone, one, Part(200))],
            300,
        ),
        (
            "a total of what went through has none that failed before",
            vec![re(1, Done, None, ReversalAmount::Done(300)), re(5, Undone, one, Part(200))],
            300,
        ),
        (
            "but one that went through, and failed then",
            vec![
                re(3, Done, None, ReversalAmount::Done(300)),
                re(2, Done, one, Part(200)),
                re(5, Undone, one, Part(200)),
            ],
            100,
        ),
        ("a negative total is none", vec![re(1, Done, None, Total(100)), re(5, Undone, one, Part(200))], 0),
        ("all", vec![re(1, Done, one, All)], 900),
        (
            "an amount told elsewhere says how much all is",
            vec![re(1, Done, one, All), re(2, Done, one, Part(300))],
            300,
        ),
        ("all failed", vec![re(1, Done, None, All), re(5, Undone, None, All)], 0),
        ("no id, but another amount", vec![re(1, Done, None, Part(100)), re(1, Done, None, Part(200))], 300),
        ("no id, but another time", vec![re(1, Done, None, Part(100)), re(2, Done, None, Part(100))], 200),
        (
            "no id, the same amount and time: one",
            vec![re(1, Done, None, Part(100)), re(1, Done, None, Part(100))],
            100,
        ),
        (
            "no id, and one of them failed",
            vec![re(1, Done, None, Part(100)), re(2, Done, None, Part(100)), re(3, Undone, None, Part(100))],
            100,
        ),
        ("a total with an id", vec![re(1, Done, one, Total(300)), re(2, Done, one, Part(200))], 300),
        ("an inquiry is none", vec![re(1, Inquiry, one, All)], 0),
    ] {
        let found = of(&told);
        assert_eq!((found.refunded, found.disputed), (want, 0), "{why}");
    }
}

#[test]
fn how_much_is_disputed() {
    let du = |at, state| (at, Dispute, state, Some("du_1"), Part(400));
    for (why, told, want, asked) in [
        ("asked", vec![du(1, Inquiry)], 0, true),
        ("asked, then disputed", vec![du(1, Inquiry), du(2, Open)], 400, false),
        ("asked, and closed", vec![du(1, Inquiry), du(2, Undone)], 0, false),
        ("open", vec![du(1, Open)], 400, false),
        ("lost", vec![du(1, Open), du(2, Done)], 400, false),
        ("won", vec![du(1, Open), du(2, Undone)], 0, false),
        ("won, and told of as open later", vec![du(2, Undone), du(9, Open)], 0, false),
        ("won, then lost after all", vec![du(2, Undone), du(3, Done)], 400, false),
        ("lost, then won after all", vec![du(2, Done), du(3, Undone)], 0, false),
        ("lost and won at once", vec![du(2, Done), du(2, Undone)], 400, false),
        ("two", vec![du(1, Open), (1, Dispute, Open, Some("du_2"), Part(600))], 900, false),
        ("without an amount", vec![(1, Dispute, Open, None, All)], 900, false),
        (
            "without an id: one",
            vec![(1, Dispute, Open, None, Part(400)), (2, Dispute, Done, None, Part(400))],
            400,
            false,
        ),
    ] {
        let found = of(&told);
        assert_eq!((found.refunded, found.disputed, found.asked), (0, want, asked), "{why}");
    }
}

#[test]
fn what_tells_of_it() {
    // Of before amounts were read.
    assert_eq!(money_out(&[charge(), event(Meaning::MoneyOut)], &charges()).refunded, 900);
    // An object that came in tells what it lost.
    let told = vec![Reversal { kind: Refund, state: Done, id: None, amount: Total(300), currency: None }];
    let lost = Facts { out: told.clone(), ..charge() };
    assert_eq!(money_out(&[lost, charge()], &charges()).refunded, 300);
    let ignored = Facts { out: told, ..event(Meaning::Ignored("x".into())) };
    assert!(money_out(&[charge(), ignored], &charges()).is_nothing());
    // The largest amount of the family that grants; of another where that is all there is.
    let other = |amount, family: &str| Facts {
        money: Some(Money { amount, currency: "usd".into() }),
        ..event(Meaning::MoneyIn(Family::new(family)))
    };
    for (events, whole) in [
        (vec![other(500, "charges"), other(400, "charges"), other(1_000, "invoices")], Some(500)),
        (vec![other(1_000, "invoices")], Some(1_000)),
        (vec![other(0, "charges")], None),
        (vec![event(Meaning::Link)], None),
    ] {
        assert_eq!(money_out(&events, &charges()).whole(), whole);
    }
    let unknown = money_out(&[event(Meaning::MoneyOut)], &charges());
    assert_eq!(unknown.words(), "all refunded");
    assert_eq!(of(&[(1, Refund, Done, None, Part(300))]).words(), "3.00 of 9.00 USD refunded");
}

#[test]
fn a_started_day_stays_with_the_customer() {
    for (days, out, whole, want) in [
        (30, 0, Some(900), 30),
        (30, 1, Some(900), 30),
        (30, 29, Some(900), 30),
        (30, 30, Some(900), 29),
        (30, 450, Some(900), 15),
        (30, 899, Some(900), 1),
        (30, 900, Some(900), 0),
        (30, 1_000, Some(900), 0),
        (30, 1, None, 0),
        (7, 333, Some(1_000), 5),
        (1, 999, Some(1_000), 1),
        (3_650, i64::MAX - 1, Some(i64::MAX), 1),
        (30, -5, Some(900), 30),
    ] {
        assert_eq!(days_due(Some(days), out, whole), Some(want), "{days} {out} {whole:?}");
    }
    assert_eq!(days_due(None, 5, Some(9)), None);
    assert_eq!(days_due(None, 9, Some(9)), Some(0));
}

fn taken(refunded: i64, disputed: i64, on_refund: OnReversal, on_dispute: OnReversal) -> Entitlement {
    let came_in = Some(Money { amount: 900, currency: "usd".into() });
    entitlement(
        &Reversals { came_in, refunded, disputed, ..Reversals::default() },
        on_refund,
        on_dispute,
        Some(30),
    )
}

#[test]
fn what_the_settings_make_of_it() {
    use OnReversal::{CancelUnspent as Cancel, HoldChannelTransfers as Pause, Report};
    for (covered, due, left, ask, pause) in [
        (taken(0, 0, Report, Report), 30, 30, None, None),
        (taken(300, 0, Report, Report), 20, 30, Some(Refund), None),
        (taken(300, 0, Cancel, Report), 20, 20, None, None),
        (taken(300, 0, Pause, Report), 20, 30, Some(Refund), Some(Refund)),
        (taken(300, 0, Report, Pause), 20, 30, Some(Refund), None),
        (taken(0, 300, Cancel, Report), 20, 30, Some(Dispute), None),
        (taken(300, 300, Cancel, Pause), 10, 20, Some(Dispute), Some(Dispute)),
        (taken(300, 300, Report, Cancel), 10, 20, Some(Refund), None),
        (taken(900, 900, Cancel, Cancel), 0, 0, None, None),
    ] {
        let found = (covered.due, covered.left, covered.ask, covered.pause);
        assert_eq!(found, (Some(due), Some(left), ask, pause), "{covered:?}");
    }
}

const NOW: i64 = 5_000;
const CALL: Call = Call { attempt: 1, before: 7, at: 8, settles: 0, number: 1, moved_ms: 0, days: 30 };

fn stands(name: &str) -> State {
    let (at, last, retried) = (100, Some(CALL), false);
    match name {
        "planned" => State::planned(at),
        "planned again" => State::Planned {
            due: at,
            since: at,
            tries: 1,
            lag_since: None,
            lag_reads: 0,
            reason: None,
            last,
            retried: true,
            ahead: None,
        },
        "intended" => {
            State::Intended { call: CALL, epoch: 1, prior: None, since: at, tries: 0, retried, ahead: None }
        }
        "settled" => {
            State::Settled { how: How::Answered, before: 7, after: Some(9), at, attempt: 1, watch: None }
        }
        "open" => State::Held { cause: Cause::Unmoved, outcome: Outcome::Open, at, last, retried },
        "forgotten" => State::Held { cause: Cause::Restored, outcome: Outcome::Forgotten, at, last, retried },
        "no balance" => {
            State::Held { cause: Cause::Balance("x".into()), outcome: Outcome::None, at, last, retried }
        }
        "refunded" => {
            State::Held { cause: Cause::Refunded("x".into()), outcome: Outcome::None, at, last, retried }
        }
        "taken back" => {
            State::Cancelled { reason: "x".into(), at, attempt: 1, money_out: Some(Kept { last, retried }) }
        }
        "closed" => State::Cancelled { reason: "x".into(), at, attempt: 1, money_out: None },
        other => panic!("{other}"),
    }
}

fn shown(state: &State, days: u32) -> String {
    let cause = match state {
        State::Held { cause, .. } => format!(" {}", cause.word()),
        _ => String::new(),
    };
    format!("{}{cause} {days}", state.word())
}

/// A transfer of 30 days for 900.
#[test]
fn what_becomes_of_a_transfer() {
    use OnReversal::{CancelUnspent as Cancel, Report};
    let whole = taken(0, 0, Report, Report);
    let third = taken(300, 0, Report, Report);
    let third_off = taken(300, 0, Cancel, Report);
    let all_off = taken(900, 0, Cancel, Report);
    let both = taken(300, 300, Cancel, Report);
    for (state, covered, decided, want) in [
        ("planned", &whole, None, "planned 30"),
        ("planned", &third, None, "held refunded 30"),
        ("planned", &third_off, None, "planned 20"),
        ("planned", &all_off, None, "cancelled 30"),
        ("planned", &both, None, "held disputed 20"),
        ("planned again", &third, None, "held refunded 30"),
        // A person decided at 20; less is a new question, more is none.
        ("planned", &third, Some(20), "planned 30"),
        ("planned", &third, Some(25), "held refunded 30"),
        ("refunded", &third, Some(20), "planned 30"),
        ("refunded", &third, Some(25), "held refunded 30"),
        ("refunded", &whole, None, "planned 30"),
        ("refunded", &third_off, None, "planned 20"),
        ("no balance", &third, None, "held refunded 30"),
        ("no balance", &third_off, None, "held balance 20"),
        // Its call was refused, which may hide that it was applied: a person looks.
        ("no balance", &all_off, None, "held refunded 30"),
        ("planned again", &all_off, None, "held refunded 30"),
        ("taken back", &whole, None, "planned 30"),
        ("taken back", &third_off, None, "planned 20"),
        ("taken back", &all_off, None, "cancelled 30"),
        ("taken back", &third, None, "held refunded 30"),
        // Whatever was or may be called, and what a person closed, stays.
        ("intended", &all_off, None, "intended 30"),
        ("open", &all_off, None, "held unmoved 30"),
        ("forgotten", &third, None, "held restored 30"),
        ("settled", &all_off, None, "settled 30"),
        ("closed", &whole, Some(0), "cancelled 30"),
    ] {
        let asked = Coverage { covered, decided, restored_at: None, rest: Rest::default() };
        let (to, days) = asked.uncovered(&stands(state), 30, NOW);
        assert_eq!(shown(&to, days), want, "{state} {covered:?} {decided:?}");
        assert_eq!(asked.uncovered(&to, days, NOW), (to.clone(), days), "{state} {covered:?} {decided:?}");
        if let (State::Planned { last, .. } | State::Held { last, .. }, true) = (&to, state != "planned") {
            assert_eq!(*last, Some(CALL), "{state}: the last call is forgotten");
        }
    }
    // Reduced, then more of the money is back.
    let back = Coverage { covered: &whole, decided: None, restored_at: None, rest: Rest::default() };
    assert_eq!(back.uncovered(&stands("planned"), 20, NOW).1, 30);
    let given = Coverage { covered: &third, decided: Some(10), restored_at: None, rest: Rest::default() };
    assert_eq!(given.uncovered(&stands("planned"), 12, NOW).1, 20, "never less than is covered");
    // What was cancelled before the ledger was restored may have gone on in the time that is forgotten.
    for covered in [&whole, &third, &third_off] {
        let asked = Coverage { covered, decided: None, restored_at: Some(100), rest: Rest::default() };
        let (to, _) = asked.uncovered(&stands("taken back"), 30, NOW);
        assert!(matches!(to, State::Held { outcome: Outcome::Forgotten, .. }), "{to:?}");
    }
}

#[test]
fn what_is_spent_and_what_is_owed() {
    let third = taken(300, 0, OnReversal::Report, OnReversal::Report);
    let whole = taken(0, 0, OnReversal::Report, OnReversal::Report);
    for (state, days, covered, decided, want) in [
        ("settled", 30, &third, None, (10, 0, true)),
        // Whether they moved at all is found out first.
        ("intended", 30, &third, None, (10, 0, false)),
        ("open", 30, &third, None, (10, 0, false)),
        ("forgotten", 30, &third, None, (10, 0, false)),
        ("settled", 30, &third, Some(20), (10, 0, false)),
        ("settled", 30, &third, Some(21), (10, 0, true)),
        ("settled", 20, &third, None, (0, 0, false)),
        ("settled", 20, &whole, None, (0, 10, true)),
        ("settled", 20, &whole, Some(30), (0, 10, false)),
        ("settled", 20, &whole, Some(25), (0, 10, true)),
        ("settled", 30, &whole, Some(20), (0, 0, false)),
        ("planned", 30, &third, None, (0, 0, false)),
        ("no balance", 30, &third, None, (0, 0, false)),
        ("taken back", 30, &third, None, (0, 0, false)),
        // A person closed it when 0 were due; now some are.
        ("closed", 30, &third, Some(0), (0, 20, true)),
        ("closed", 30, &third, Some(20), (0, 0, false)),
        ("closed", 30, &third, None, (0, 0, false)),
    ] {
        let asked = Coverage { covered, decided, restored_at: None, rest: Rest::default() };
        let gap = asked.gap(Stage::Granted(&stands(state), days));
        assert_eq!((gap.spent, gap.owed, gap.open), want, "{state} {days} {decided:?}");
    }
    // What a person decided counts until more comes back, and from there on.
    let asked = |covered, decided| Coverage { covered, decided, restored_at: None, rest: Rest::default() };
    let settled = stands("settled");
    assert_eq!(asked(&third, Some(10)).gap(Stage::Granted(&settled, 30)).decided, Some(20));
    assert_eq!(asked(&whole, Some(10)).gap(Stage::Granted(&settled, 30)).decided, None);
    assert!(asked(&whole, Some(0)).gap(Stage::Closed).open);
    let weighed = asked(&third, Some(0)).gap(Stage::Weighed);
    assert_eq!((weighed.open, weighed.decided), (false, Some(0)), "what was said is granted later");
    assert_eq!(asked(&whole, Some(0)).gap(Stage::Weighed).decided, None);
}

fn any_told() -> impl Strategy<Value = Told> {
    let amount = prop_oneof![
        (0..10_i64).prop_map(|n| Part(n * 100)),
        (0..10_i64).prop_map(|n| Total(n * 100)),
        (0..10_i64).prop_map(|n| ReversalAmount::Done(n * 100)),
        Just(All)
    ];
    let id = prop_oneof![Just(None), Just(Some("a")), Just(Some("b"))];
    let state = prop_oneof![Just(Inquiry), Just(Open), Just(Done), Just(Undone)];
    (0..6_i64, prop_oneof![Just(Refund), Just(Dispute)], state, id, amount)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn order_and_repetition_change_no_amount(told in prop::collection::vec(any_told(), 0..12), seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut other = told.clone();
        for _ in 0..random.usize(0..4) {
            if !told.is_empty() {
                other.push(told[random.usize(0..told.len())]);
            }
        }
        random.shuffle(&mut other);
        let found = of(&told);
        prop_assert_eq!(&found, &of(&other));
        prop_assert!((0..=900).contains(&found.refunded) && (0..=900).contains(&found.disputed));
    }
}

fn paid_at(at: i64, amount: i64, part: Option<&str>) -> Facts {
    let money = Some(Money { amount, currency: "usd".into() });
    Facts { occurred_at: at, money, part: part.map(str::to_owned), ..charge() }
}

/// Parts add up, what came in so far does not.
#[test]
fn what_came_in() {
    for (why, events, want) in [
        ("so far", vec![paid_at(1, 300, None), paid_at(2, 900, None)], Some(900)),
        ("so far, told late", vec![paid_at(2, 900, None), paid_at(1, 300, None)], Some(900)),
        ("two parts", vec![paid_at(1, 300, Some("a")), paid_at(2, 600, Some("b"))], Some(900)),
        ("one part twice", vec![paid_at(1, 300, Some("a")), paid_at(2, 300, Some("a"))], Some(300)),
        (
            "parts beside what came in so far",
            vec![paid_at(1, 300, Some("a")), paid_at(2, 900, None)],
            Some(900),
        ),
        ("nothing", vec![], None),
    ] {
        assert_eq!(came_in(&events, &charges()).map(|money| money.amount), want, "{why}");
    }
}

#[test]
fn a_failure_stands_until_money_comes_in() {
    let failed = |at, id, amount| out((at, Refund, Failed, Some(id), amount));
    for (why, events, want) in [
        ("alone", vec![failed(1, "p", All)], i64::MAX),
        ("then paid", vec![failed(1, "p", All), paid_at(2, 900, None)], 0),
        ("late", vec![paid_at(1, 900, None), failed(2, "p", All)], 900),
        ("at once", vec![paid_at(1, 900, None), failed(1, "p", All)], 900),
        ("late, and paid again", vec![paid_at(1, 900, None), failed(2, "p", All), paid_at(3, 900, None)], 0),
        (
            "a part",
            vec![paid_at(1, 900, Some("a")), failed(2, "a", Part(900)), paid_at(3, 900, Some("b"))],
            900,
        ),
        ("a part that never counted", vec![paid_at(1, 900, Some("a")), failed(2, "x", Part(900))], 0),
    ] {
        assert_eq!(money_out(&events, &charges()).refunded, want, "{why}");
    }
}

#[test]
fn what_was_never_captured_is_not_out() {
    let captured = |amount: i64, total: i64, never_in: i64| Facts {
        out: vec![Reversal { kind: Refund, state: Done, id: None, amount: Total(total), currency: None }],
        never_in: Some(never_in),
        ..paid_at(1, amount, None)
    };
    let re = |id, units| out((2, Refund, Done, Some(id), Part(units)));
    for (why, events, want) in [
        ("a total", vec![captured(600, 400, 400)], 0),
        ("and its refund", vec![captured(600, 400, 400), re("a", 400)], 0),
        ("and another refund", vec![captured(600, 400, 400), re("a", 400), re("b", 100)], 100),
        ("and one as large", vec![captured(600, 400, 400), re("a", 400), re("b", 400)], 400),
        ("captured in parts", vec![captured(300, 0, 700), captured(900, 100, 100), re("a", 100)], 0),
        ("another amount", vec![captured(600, 0, 400), re("a", 300)], 300),
    ] {
        assert_eq!(money_out(&events, &charges()).refunded, want, "{why}");
    }
}

/// 900 usd came in.
#[test]
fn another_currency_is_not_compared() {
    let dispute = |at, state, currency: Option<&str>| {
        let mut told = out((at, Dispute, state, Some("du_1"), Part(300)));
        told.out[0].currency = currency.map(str::to_owned);
        told
    };
    let of = |events: &[Facts]| {
        let events: Vec<Facts> = std::iter::once(charge()).chain(events.iter().cloned()).collect();
        money_out(&events, &charges())
    };
    let same = of(&[dispute(1, Open, Some("usd"))]);
    assert_eq!((same.disputed, same.elsewhere.len()), (300, 0));
    let other = of(&[dispute(1, Open, Some("jpy"))]);
    assert_eq!((other.disputed, other.comparable(Dispute), other.of(Dispute)), (0, 0, 900));
    let words = "300 JPY disputed where 9.00 USD came in: two currencies are not compared";
    assert_eq!(other.words(), words);
    // Told before currencies were read, and of now: one dispute.
    for events in [
        [dispute(1, Open, None), dispute(2, Undone, Some("jpy"))],
        [dispute(2, Undone, None), dispute(1, Open, Some("jpy"))],
    ] {
        assert!(of(&events).is_nothing());
    }
    // Whatever is done about disputes, a person is asked, and nothing is cancelled unasked.
    for policy in [OnReversal::Report, OnReversal::CancelUnspent, OnReversal::HoldChannelTransfers] {
        let covered = entitlement(&other, policy, policy, Some(30));
        assert_eq!((covered.due, covered.left, covered.ask), (Some(0), Some(30), Some(Dispute)));
        assert!(covered.words.contains("300 JPY") && covered.words.contains("9.00 USD"), "{}", covered.words);
    }
}
