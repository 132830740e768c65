//! What a set of events comes to, and which payment an event belongs to.

use daybridge::domain::{
    facts::{
        Facts, Family, Found, Line, Meaning, Money, PaymentId, Reversal, ReversalAmount, ReversalKind,
        ReversalState, Span,
    },
    id::ChannelId,
    payment::{
        Corrections, Decision, Rules,
        agreement::OnEnd,
        decide,
        directory::{Directory, Name, NameKind},
        duplicate::{Purchase, suspected_duplicate},
        entitlement::OnReversal,
        identity::{Home, Known, home},
        memory::Memory,
        more_days,
    },
};
use proptest::prelude::*;

fn rules() -> Rules {
    Rules {
        money_in: Family::new("charges"),
        money_in_since: None,
        channel_pointers: vec!["/metadata/channel_id".into(), "/client_reference_id".into()],
        channel_alias: false,
        days_pointers: vec!["/metadata/days".into()],
        prices: [("price_month".to_owned(), 30), ("price_week".to_owned(), 7)].into(),
        slices: [].into(),
        per_day: None,
        amounts: [].into(),
        period: false,
        days_max: 3650,
        on_refund: OnReversal::Report,
        on_dispute: OnReversal::Report,
        on_end: OnEnd::Finish,
    }
}

pub(super) fn event(meaning: Meaning) -> Facts {
    Facts {
        occurred_at: 1_000,
        paid_at: Some(1_000),
        livemode: true,
        account: None,
        meaning,
        ids: Vec::new(),
        channel: Vec::new(),
        days: Vec::new(),
        money: Some(Money { amount: 900, currency: "usd".into() }),
        ..Facts::ignored(0, String::new())
    }
}

pub(super) fn charge() -> Facts {
    event(Meaning::MoneyIn(Family::new("charges")))
}

fn with(mut facts: Facts, channel: &[(usize, &str)], days: &[&str]) -> Facts {
    let found = |(pointer, value): &(usize, &str)| Found { pointer: *pointer, value: (*value).into() };
    facts.channel = channel.iter().map(found).collect();
    facts.days = days.iter().map(|value| found(&(0, value))).collect();
    facts
}

fn lines(mut facts: Facts, lines: &[(&str, i64)]) -> Facts {
    let line = |(price, quantity): &(&str, i64)| Line { price: (*price).into(), quantity: *quantity };
    facts.lines = Some(lines.iter().map(line).collect());
    facts
}

/// `channel days`, or the cause of a hold, or the word of another decision.
fn said(events: &[Facts], rules: &Rules) -> String {
    told(decide(events, rules, &Corrections::default(), &Memory::default()))
}

fn told(decision: Decision) -> String {
    match decision {
        Decision::Grant { channel, days } => format!("{channel} {days}"),
        Decision::Hold(hold) => hold.cause().to_string(),
        Decision::NoMoneyYet => "no money yet".to_owned(),
        Decision::Nothing(why) => why,
    }
}

#[test]
fn days_are_whole_numbers_with_a_maximum() {
    for (days, want) in [
        ("30", "A 30"),
        ("1", "A 1"),
        ("3650", "A 3650"),
        ("3651", "days_malformed"),
        ("0", "days_malformed"),
        ("-1", "days_malformed"),
        ("+1", "days_malformed"),
        ("1.5", "days_malformed"),
        ("1e3", "days_malformed"),
        (" 30", "days_malformed"),
        ("30 ", "days_malformed"),
        ("030", "days_malformed"),
        ("", "days_malformed"),
        ("1000000000000", "days_malformed"),
        ("٣", "days_malformed"),
    ] {
        assert_eq!(said(&[with(charge(), &[(0, "A")], &[days])], &rules()), want, "{days:?}");
    }
}

#[test]
fn the_directory_counts_where_no_event_names_a_channel() {
    let mut known = Directory::default();
    known.add(Name::new(NameKind::Customer, "cus_1"), ChannelId::parse("B").unwrap());
    known.add(Name::new(NameKind::Alias, "shop-7"), ChannelId::parse("C").unwrap());
    let by_person = Corrections { channel: ChannelId::parse("D"), ..Corrections::default() };
    for (channel, alias, person, want) in [
        (&[][..], false, false, "B 30"),
        (&[][..], true, false, "B 30"),
        (&[(0, "A")][..], false, false, "A 30"),
        (&[(0, "shop-7")][..], false, false, "shop-7 30"),
        (&[(0, "shop-7")][..], true, false, "C 30"),
        (&[(0, "A")][..], true, false, "alias_unknown"),
        (&[][..], false, true, "D 30"),
    ] {
        let paid = Facts { customer: Some("cus_1".into()), ..with(charge(), channel, &["30"]) };
        let rules = Rules { channel_alias: alias, ..rules() };
        let said = if person { by_person.clone() } else { Corrections::default() };
        let said = Corrections { directory: known.clone(), ..said };
        let came = told(decide(&[paid], &rules, &said, &Memory::default()));
        assert_eq!(came, want, "{channel:?}, {alias}, {person}");
    }
}

#[test]
fn the_channel_is_the_first_hit_over_all_events() {
    let session = |channel: &[(usize, &str)]| with(event(Meaning::Link), channel, &[]);
    let paid = |channel: &[(usize, &str)]| with(charge(), channel, &["30"]);
    for (events, want) in [
        (vec![paid(&[(0, "A"), (1, "B")])], "A 30"),
        (vec![paid(&[(1, "B")]), session(&[(0, "A")])], "A 30"),
        (vec![paid(&[]), session(&[(1, "B")])], "B 30"),
        (vec![paid(&[]), session(&[])], "channel_missing"),
        (vec![paid(&[(0, "A")]), session(&[(0, "B")])], "channel_contradictory"),
        (vec![paid(&[(0, "../x")])], "channel_malformed"),
        (vec![paid(&[(0, "")])], "channel_malformed"),
        (vec![session(&[(0, "A")])], "no money yet"),
    ] {
        assert_eq!(said(&events, &rules()), want, "{events:?}");
    }
}

#[test]
fn prices_and_amounts_say_how_many_days() {
    let invoices = Rules { money_in: Family::new("invoices"), ..rules() };
    let invoice = |found: &[(&str, i64)]| {
        lines(with(event(Meaning::MoneyIn(Family::new("invoices"))), &[(0, "A")], &[]), found)
    };
    for (found, want) in [
        (vec![("price_month", 1)], "A 30"),
        (vec![("price_month", 2), ("price_week", 1)], "A 67"),
        (vec![("price_month", 1), ("price_other", 1)], "price_unknown"),
        (vec![("price_month", 0)], "price_lines"),
        (vec![("price_month", -1)], "price_lines"),
        (vec![("price_month", i64::MAX)], "price_lines"),
    ] {
        assert_eq!(said(&[invoice(&found)], &invoices), want, "{found:?}");
    }
    let per_day = Rules { per_day: Some(Money { amount: 30, currency: "usd".into() }), ..rules() };
    for (amount, currency, want) in [
        (900, "usd", "A 30"),
        (910, "usd", "amount"),
        (900, "eur", "currency"),
        (i64::MAX - 7, "usd", "amount"),
        (0, "usd", "the amount is 0"),
    ] {
        let mut paid = with(charge(), &[(0, "A")], &[]);
        paid.money = Some(Money { amount, currency: currency.into() });
        assert_eq!(said(&[paid], &per_day), want, "{amount} {currency}");
    }
    assert_eq!(said(&[with(charge(), &[(0, "A")], &[])], &rules()), "days_missing");
}

/// 30 days for 9.00, 95 for 25.00.
fn tiers() -> Rules {
    let tier = |amount, days| (("usd".to_owned(), amount), days);
    Rules { amounts: [tier(900, 30), tier(2500, 95)].into(), prices: [].into(), ..rules() }
}

fn paid_as(amount: i64, currency: &str, days: &[&str]) -> Facts {
    let money = Some(Money { amount, currency: currency.into() });
    Facts { money, ..with(charge(), &[(0, "A")], days) }
}

#[test]
fn a_table_of_amounts_is_never_guessed_between() {
    for (amount, currency, days, want) in [
        (900, "usd", vec![], "A 30"),
        (2500, "usd", vec![], "A 95"),
        (1800, "usd", vec![], "amount"),
        (899, "usd", vec![], "amount"),
        (5000, "usd", vec![], "amount"),
        (2500, "eur", vec![], "currency"),
        (2500, "usd", vec!["95"], "A 95"),
        (2500, "usd", vec!["365"], "days_and_money"),
        (1800, "usd", vec!["60"], "amount"),
    ] {
        assert_eq!(said(&[paid_as(amount, currency, &days)], &tiers()), want, "{amount} {currency} {days:?}");
    }
    let Decision::Hold(hold) =
        decide(&[paid_as(1800, "usd", &[])], &tiers(), &Corrections::default(), &Memory::default())
    else {
        panic!("granted")
    };
    let words = hold.to_string();
    assert!(words.contains("900 usd (30 days) and 2500 usd (95 days)"), "{words}");
    let unread = Facts { money: None, amount_unread: Some("no currency".into()), ..paid_as(1, "usd", &[]) };
    assert_eq!(said(&[unread], &tiers()), "unclear");
    // What comes in after the grant buys the rest of the next tier, and nothing between.
    let whole = |amount| vec![paid_as(amount, "usd", &[])];
    assert_eq!(more_days(&whole(2500), &tiers(), 900, 2500), 65);
    assert_eq!(more_days(&whole(1800), &tiers(), 900, 1800), 0);
}

#[test]
fn a_period_buys_its_whole_days() {
    const MADE: i64 = 1_760_000_000_000;
    const DAY: i64 = 86_400_000;
    let by_period = Rules { period: true, days_pointers: vec![], prices: [].into(), ..rules() };
    let billed = |spans: &[(i64, i64)]| {
        let spans = spans.iter().map(|(from, to)| Span { from: MADE + from, to: MADE + to }).collect();
        Facts { spans, ..paid_as(900, "usd", &[]) }
    };
    for (spans, want) in [
        (vec![(0, 31 * DAY)], "A 31"),
        (vec![(0, 28 * DAY)], "A 28"),
        (vec![(0, 365 * DAY)], "A 365"),
        (vec![], "days_missing"),
        (vec![(0, 31 * DAY), (0, 30 * DAY)], "days_contradictory"),
        (vec![(0, 31 * DAY), (0, 31 * DAY)], "A 31"),
        // A clock was set in between, or the span is a part of a day, none, or runs backwards.
        (vec![(0, 31 * DAY - 3_600_000)], "days_malformed"),
        (vec![(0, 31 * DAY - 1_000)], "days_malformed"),
        (vec![(0, 0)], "days_malformed"),
        (vec![(DAY, 0)], "days_malformed"),
        (vec![(0, 3651 * DAY)], "days_malformed"),
    ] {
        assert_eq!(said(&[billed(&spans)], &by_period), want, "{spans:?}");
    }
    // The invoice tells the period of a charge, whichever comes first.
    let invoice = Facts { meaning: Meaning::Link, money: None, ..billed(&[(0, 30 * DAY)]) };
    assert_eq!(said(&[invoice.clone(), billed(&[])], &by_period), "A 30");
    let no_period = Facts { no_period: Some("manual".into()), ..billed(&[(0, 30 * DAY)]) };
    assert_eq!(said(&[no_period], &by_period), "not_a_period");
}

#[test]
fn what_is_not_granted_without_a_person() {
    let paid = with(charge(), &[(0, "A")], &["30"]);
    assert_eq!(said(&[paid.clone(), event(Meaning::MoneyOut)], &rules()), "refunded");
    let changed = Rules { money_in_since: Some(2_000), ..rules() };
    assert_eq!(said(std::slice::from_ref(&paid), &changed), "rule_changed");
    let seen = event(Meaning::MoneyIn(Family::new("invoices")));
    assert_eq!(said(&[paid.clone(), seen], &changed), "A 30", "seen under the old family");
    let later = Facts { paid_at: Some(2_000), ..paid };
    assert_eq!(said(&[later], &changed), "A 30");
}

/// A payment of 30 days for 900, of which some went out again.
#[test]
fn money_out_before_days_are_granted() {
    use OnReversal::{CancelUnspent as Cancel, HoldChannelTransfers as Pause, Report};
    let paid = with(charge(), &[(0, "A")], &["30"]);
    let out = |kind, units| Facts {
        out: vec![Reversal {
            kind,
            state: ReversalState::Done,
            id: None,
            amount: ReversalAmount::Part(units),
            currency: None,
        }],
        ..event(Meaning::MoneyOut)
    };
    let refund = |units| out(ReversalKind::Refund, units);
    let dispute = |units| out(ReversalKind::Dispute, units);
    for (events, on_refund, on_dispute, want) in [
        (vec![refund(300)], Report, Report, "refunded"),
        (vec![refund(300)], Pause, Report, "refunded"),
        (vec![refund(1)], Report, Report, "refunded"),
        (vec![refund(300)], Cancel, Report, "A 20"),
        (vec![refund(1)], Cancel, Report, "A 30"),
        (
            vec![refund(900)],
            Cancel,
            Report,
            "9.00 of 9.00 USD refunded: what is left of it covers 0 of 30 days",
        ),
        (
            vec![event(Meaning::MoneyOut)],
            Cancel,
            Report,
            "9.00 of 9.00 USD refunded: what is left of it covers 0 of 30 days",
        ),
        (vec![dispute(300)], Cancel, Report, "disputed"),
        (vec![dispute(300)], Report, Cancel, "A 20"),
        (vec![refund(300), dispute(300)], Cancel, Report, "disputed"),
        (vec![refund(300), dispute(300)], Cancel, Cancel, "A 10"),
        (
            vec![refund(900), dispute(900)],
            Cancel,
            Report,
            "9.00 refunded and 9.00 disputed of 9.00 USD: what is left of it covers 0 of 30 days",
        ),
    ] {
        let rules = Rules { on_refund, on_dispute, ..rules() };
        let mut all = vec![paid.clone()];
        all.extend(events.clone());
        assert_eq!(said(&all, &rules), want, "{events:?} {on_refund:?} {on_dispute:?}");
    }
    // What is refunded needs no channel to be nothing, and a person's word counts until less is covered.
    let cancel = Rules { on_refund: Cancel, ..rules() };
    assert!(said(&[charge(), refund(900)], &cancel).contains("refunded"));
    assert_eq!(said(&[charge(), refund(300)], &cancel), "channel_missing");
    for (despite, want) in [(None, "refunded"), (Some((25, 20)), "A 25"), (Some((25, 21)), "refunded")] {
        let corrections = Corrections { despite, ..Corrections::default() };
        let decision = decide(&[paid.clone(), refund(300)], &rules(), &corrections, &Memory::default());
        assert_eq!(told(decision), want, "{despite:?}");
    }
    // The reason says how much of how much, and how many days would be left.
    let Decision::Hold(hold) =
        decide(&[paid, refund(300)], &rules(), &Corrections::default(), &Memory::default())
    else {
        panic!()
    };
    let reason = "3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days";
    assert_eq!(hold.to_string(), reason);
    assert!(hold.next().contains("held set") && hold.next().contains("held cancel"));
}

#[test]
fn twins() {
    let purchase = |channel: &str, amount, currency: &str, at, kinds: &[u8]| Purchase {
        channel: ChannelId::parse(channel).unwrap(),
        money: Money { amount, currency: currency.into() },
        at: [at].into(),
        kinds: kinds.iter().copied().collect(),
    };
    let one = purchase("A", 900, "usd", 1_000_000, &[0, 1]);
    for (other, want) in [
        (purchase("A", 900, "usd", 1_000_000, &[2, 3]), true),
        (purchase("A", 900, "usd", 1_600_000, &[3]), true),
        (purchase("A", 900, "usd", 400_000, &[3]), true),
        (purchase("A", 900, "usd", 1_600_001, &[3]), false),
        (purchase("A", 900, "usd", 399_999, &[3]), false),
        (purchase("A", 900, "usd", 1_000_000, &[1, 3]), false),
        (purchase("B", 900, "usd", 1_000_000, &[3]), false),
        (purchase("A", 901, "usd", 1_000_000, &[3]), false),
        (purchase("A", 900, "eur", 1_000_000, &[3]), false),
    ] {
        assert_eq!(suspected_duplicate(&one, &other), want, "{other:?}");
        assert_eq!(suspected_duplicate(&other, &one), want, "{other:?}");
    }
}

fn ids(text: &str) -> Vec<PaymentId> {
    let rank = |id: &str| ["pi", "ch", "in", "cs"].iter().position(|p| id.starts_with(p)).unwrap();
    text.split_whitespace().map(|id| PaymentId { rank: rank(id) as u8, id: id.into() }).collect()
}

#[test]
fn an_event_finds_its_payment() {
    let known = |key: &str, names: &str, granted| Known { key: key.into(), ids: ids(names), granted };
    let payment = |granted: Option<&str>, name: &str, absorbed: &[&str]| Home::Payment {
        granted: granted.map(str::to_owned),
        name: ids(name).remove(0),
        absorbed: absorbed.iter().map(|k| (*k).to_owned()).collect(),
    };
    for (event, recorded, want) in [
        ("ch_1 pi_1", vec![], payment(None, "pi_1", &[])),
        ("in_1", vec![known("k", "pi_1 in_1", true)], payment(Some("k"), "pi_1", &[])),
        ("pi_1 in_1", vec![known("k", "in_1", false)], payment(None, "pi_1", &["k"])),
        ("pi_1 in_1", vec![known("k", "in_1", true)], payment(Some("k"), "pi_1", &[])),
        // One invoice paid by two payment intents stays two payments.
        ("pi_2 in_1", vec![known("k", "pi_1 in_1", true)], payment(None, "pi_2", &[])),
        // A link joins what was recorded apart.
        (
            "pi_1 in_1",
            vec![known("a", "in_1 cs_1", false), known("b", "pi_1 ch_1", true)],
            payment(Some("b"), "pi_1", &["a"]),
        ),
        ("in_1 cs_1", vec![known("a", "pi_1 in_1", true), known("b", "pi_2 cs_1", true)], {
            Home::Contradiction(vec!["a".into(), "b".into()])
        }),
        ("in_1 cs_1", vec![known("a", "in_1", true), known("b", "cs_1", true)], {
            Home::Contradiction(vec!["a".into(), "b".into()])
        }),
        ("", vec![], Home::Nowhere),
    ] {
        assert_eq!(home(&ids(event), &recorded), want, "{event} {recorded:?}");
    }
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing(picks in prop::collection::vec(0_usize..6, 1..12), seed in any::<u64>()) {
        let pool = [
            with(charge(), &[(0, "A")], &["30"]),
            with(charge(), &[], &[]),
            with(event(Meaning::Link), &[(1, "B")], &[]),
            with(event(Meaning::MoneyIn(Family::new("payment_intents"))), &[(0, "A")], &["31"]),
            event(Meaning::MoneyOut),
            with(event(Meaning::Link), &[(0, "C")], &["30"]),
        ];
        let events: Vec<Facts> = picks.iter().map(|i| pool[*i].clone()).collect();
        let mut other = events.clone();
        other.extend(events.iter().take(3).cloned());
        fastrand::Rng::with_seed(seed).shuffle(&mut other);
        prop_assert_eq!(said(&events, &rules()), said(&other, &rules()));
    }

    #[test]
    fn no_text_panics(channel in ".*", days in ".*") {
        let granted = decide(&[with(charge(), &[(0, &channel)], &[&days])], &rules(), &Corrections::default(), &Memory::default());
        if let Decision::Grant { channel, days } = granted {
            prop_assert!(ChannelId::parse(channel.as_str()).is_some() && (1..=3650).contains(&days));
        }
    }
}
