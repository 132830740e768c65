//! How much of a payment's money went out again: refunded, or disputed.
//!
//! A function of the *set* of the payment's events: their order, number and repetition change nothing.
//!
//! * A refund that failed anywhere stays failed. A dispute is what its latest final word says (lost beats won at the
//!   same time), a final word beats an open dispute, and an inquiry takes nothing: it is only told.
//! * A refund or dispute with an id is one, however often it is told; the largest amount told of it counts, and
//!   everything where none is. Without an id, refunds of one amount at one time are one, for a set cannot hold them
//!   twice; a failed one undoes one made of the same amount; and all disputes without an id are one dispute.
//! * A total of all refunds so far still has in it what failed later; that is taken off. Totals and the sum of the single
//!   refunds tell of the same money, so the larger one counts.
//! * Neither kind is more than what came in, nor are both together.
//! * A payment that failed is out until money comes in later. What was reserved and never captured is no money out.
//! * What is out in another currency than came in is not compared: it may be everything, and a person looks.

use std::collections::{BTreeMap, BTreeSet};

use super::refunds::Refunds;
use crate::domain::{
    Ms,
    facts::{Facts, Family, Meaning, Money, Reversal, ReversalAmount, ReversalKind, ReversalState},
    money,
};

/// The money of a payment that is out now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reversals {
    /// What came in; `None` where no event tells an amount.
    pub came_in: Option<Money>,
    /// Given back, in the smallest unit; `i64::MAX` where all of an amount that is not known is.
    pub refunded: i64,
    /// Taken by the payer's bank, likewise.
    pub disputed: i64,
    /// What is out in another currency than came in, which nothing here compares.
    pub elsewhere: BTreeMap<(ReversalKind, String), i64>,
    /// The payer's bank asks, and has taken nothing.
    pub asked: bool,
}

/// The money that came in, by the family that grants, else by any: the largest amount that an event tells, or the sum of
/// the parts that are told by their ids.
pub fn came_in(events: &[Facts], family: &Family) -> Option<Money> {
    let own: Vec<&Facts> = events.iter().filter(|e| e.meaning.is_money_in(family)).collect();
    let any = || events.iter().filter(|e| matches!(e.meaning, Meaning::MoneyIn(_))).collect::<Vec<_>>();
    most(&own).or_else(|| most(&any()))
}

/// The largest amount that these events tell, or the sum of their parts.
pub(super) fn most(paid: &[&Facts]) -> Option<Money> {
    let larger =
        |one: &&Money, other: &&Money| (one.amount, &one.currency).cmp(&(other.amount, &other.currency));
    let whole = paid.iter().filter(|e| e.part.is_none()).filter_map(|e| e.money.as_ref()).max_by(larger);
    let mut parts: BTreeMap<&str, &Money> = BTreeMap::new();
    for (part, money) in paid.iter().filter_map(|e| Some((e.part.as_deref()?, e.money.as_ref()?))) {
        let known = parts.entry(part).or_insert(money);
        *known = std::cmp::max_by(*known, money, larger);
    }
    let sum = parts.values().copied().max_by(larger).map(|largest| {
        let same = parts.values().filter(|money| money.currency == largest.currency);
        let amount = same.fold(0_i64, |sum, money| sum.saturating_add(money.amount));
        Money { amount, currency: largest.currency.clone() }
    });
    [whole.cloned(), sum].into_iter().flatten().max_by(|one, other| larger(&one, &other))
}

/// Until when the money of an event of money in had certainly come in, by the provider's clock: an event is never made
/// before what it tells of.
pub fn paid_at_most(event: &Facts) -> Ms {
    event.paid_at.unwrap_or(event.occurred_at)
}

/// Every time that is told of a payment's money: when it came in, and when an event of it was made.
pub fn times(events: &[Facts]) -> BTreeSet<Ms> {
    let paid = events.iter().filter(|e| matches!(e.meaning, Meaning::MoneyIn(_)));
    paid.flat_map(|e| e.paid_at.into_iter().chain([e.occurred_at])).collect()
}

/// Whether an event tells of money out. An object that only says that none of it was given back does not.
pub fn tells(event: &Facts) -> bool {
    let nothing = |out: &Reversal| {
        matches!(out.amount, ReversalAmount::Part(0) | ReversalAmount::Total(0) | ReversalAmount::Done(0))
    };
    event.meaning == Meaning::MoneyOut || event.out.iter().any(|out| !nothing(out))
}

/// Whether all that an event tells is that the payer's bank asks.
pub fn only_asks(event: &Facts) -> bool {
    !event.out.is_empty() && event.out.iter().all(|out| out.state == ReversalState::Inquiry)
}

/// What an event tells of it. Of before the amount was read it says none, so all went back.
fn told(event: &Facts) -> Vec<Reversal> {
    match &event.meaning {
        Meaning::Ignored(_) => Vec::new(),
        Meaning::MoneyOut if event.out.is_empty() => {
            let (kind, state, amount) = (ReversalKind::Refund, ReversalState::Done, ReversalAmount::All);
            vec![Reversal { kind, state, id: None, amount, currency: None }]
        }
        Meaning::MoneyIn(_) | Meaning::Link | Meaning::MoneyOut => event.out.clone(),
    }
}

/// The money of a payment that is out, by all its events.
pub fn money_out(events: &[Facts], family: &Family) -> Reversals {
    let came_in = came_in(events, family);
    let whole = came_in.as_ref().map(|money| money.amount).filter(|amount| *amount > 0).unwrap_or(i64::MAX);
    let currency = came_in.as_ref().map(|money| money.currency.as_str());
    let currencies = currencies(events);
    let mut own = Outs::of(whole);
    let mut elsewhere: BTreeMap<String, Outs> = BTreeMap::new();
    for event in events {
        for mut out in told(event) {
            if out.state == ReversalState::Failed {
                if !still_failed(events, &out, event.occurred_at, family) {
                    continue;
                }
                out.state = ReversalState::Done;
            }
            if let ReversalAmount::Total(units) | ReversalAmount::Done(units) = &mut out.amount {
                *units = units.saturating_sub(event.never_in.unwrap_or(0));
            }
            let named = out.id.as_ref().and_then(|id| currencies.get(&(out.kind, id)).copied());
            match (out.currency.as_deref().or(named), currency) {
                (Some(of), Some(ours)) if of != ours && out.amount != ReversalAmount::All => {
                    let of = of.to_owned();
                    elsewhere.entry(of).or_insert_with(|| Outs::of(i64::MAX)).take(out, event.occurred_at);
                }
                _ => own.take(out, event.occurred_at),
            }
        }
    }
    let mut sums = BTreeMap::new();
    for (of, outs) in &elsewhere {
        sums.insert((ReversalKind::Refund, of.clone()), outs.refunds.sum(0));
        sums.insert((ReversalKind::Dispute, of.clone()), outs.disputed());
    }
    sums.retain(|_, units| *units > 0);
    Reversals {
        refunded: own.refunds.sum(never_in(events)).min(whole),
        disputed: own.disputed().min(whole),
        elsewhere: sums,
        asked: elsewhere.values().chain([&own]).any(Outs::asked),
        came_in: came_in.filter(|money| money.amount > 0),
    }
}

/// In which currency a refund or a dispute is, by all that is told of it.
fn currencies(events: &[Facts]) -> BTreeMap<(ReversalKind, &String), &str> {
    let all = events.iter().flat_map(|event| &event.out);
    all.filter_map(|out| Some(((out.kind, out.id.as_ref()?), out.currency.as_deref()?))).collect()
}

/// What was never captured after all: captures that follow make it less.
fn never_in(events: &[Facts]) -> i64 {
    events.iter().filter_map(|event| event.never_in).min().unwrap_or(0)
}

/// Whether a failure still stands: a part that failed never counts, and is out only where it had counted as in; a
/// payment that failed is paid after all by money that came in later.
fn still_failed(events: &[Facts], out: &Reversal, at: Ms, family: &Family) -> bool {
    let parts: BTreeSet<&String> = events
        .iter()
        .filter(|event| event.meaning.is_money_in(family))
        .filter_map(|event| event.part.as_ref())
        .collect();
    match &out.id {
        Some(id) if !parts.is_empty() => parts.contains(id),
        _ => {
            !events.iter().any(|event| matches!(event.meaning, Meaning::MoneyIn(_)) && event.occurred_at > at)
        }
    }
}

/// What is out in one currency.
struct Outs {
    refunds: Refunds,
    disputes: BTreeMap<Option<String>, Dispute>,
}

impl Outs {
    /// Of so much at most.
    fn of(whole: i64) -> Self {
        Self { refunds: Refunds::of(whole), disputes: BTreeMap::new() }
    }

    fn take(&mut self, out: Reversal, at: Ms) {
        match out.kind {
            ReversalKind::Refund => self.refunds.take(out, at),
            ReversalKind::Dispute => {
                self.disputes.entry(out.id).or_default().take(out.state, &out.amount, at)
            }
        }
    }

    fn disputed(&self) -> i64 {
        self.disputes
            .values()
            .filter(|dispute| dispute.takes())
            .fold(0_i64, |sum, dispute| sum.saturating_add(dispute.part.unwrap_or(self.refunds.whole)))
    }

    fn asked(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.asked && !dispute.takes() && dispute.last.is_none())
    }
}

impl Reversals {
    /// The amount that came in, where it is known.
    pub fn whole(&self) -> Option<i64> {
        self.came_in.as_ref().map(|money| money.amount)
    }

    /// Of one kind. What cannot be compared may be all, and never counts as a small part.
    pub fn of(&self, kind: ReversalKind) -> i64 {
        if self.elsewhere.keys().any(|(of, _)| *of == kind) {
            return self.whole().unwrap_or(i64::MAX);
        }
        self.comparable(kind)
    }

    /// Of one kind, in the currency that came in.
    pub fn comparable(&self, kind: ReversalKind) -> i64 {
        match kind {
            ReversalKind::Refund => self.refunded,
            ReversalKind::Dispute => self.disputed,
        }
    }

    /// The first kind of which something is out in another currency than came in.
    pub fn not_comparable(&self) -> Option<ReversalKind> {
        self.elsewhere.keys().map(|(kind, _)| *kind).next()
    }

    /// Nothing is out.
    pub fn is_nothing(&self) -> bool {
        self.refunded == 0 && self.disputed == 0 && self.elsewhere.is_empty()
    }

    /// In words: `3.00 of 9.00 USD refunded`.
    pub fn words(&self) -> String {
        let other: Vec<String> = self
            .elsewhere
            .iter()
            .map(|((kind, currency), units)| format!("{} {}", money::shown(*units, currency), past(*kind)))
            .collect();
        if other.is_empty() {
            return self.in_own_currency();
        }
        let came_in = self.came_in.as_ref().map(|m| money::shown(m.amount, &m.currency)).unwrap_or_default();
        let own = match (self.refunded, self.disputed) {
            (0, 0) => String::new(),
            _ => format!("{}, and ", self.in_own_currency()),
        };
        format!("{own}{} where {came_in} came in: two currencies are not compared", other.join(" and "))
    }

    fn in_own_currency(&self) -> String {
        let whole = self.came_in.as_ref().map(|m| format!(" of {}", money::shown(m.amount, &m.currency)));
        let amount = |units: i64| match &self.came_in {
            _ if units == i64::MAX => "all".to_owned(),
            Some(money) => money::number(units, &money.currency),
            None => units.to_string(),
        };
        let whole = whole.unwrap_or_default();
        match (self.refunded, self.disputed) {
            (0, 0) => format!("nothing{whole} refunded or disputed"),
            (refunded, 0) => format!("{}{whole} refunded", amount(refunded)),
            (0, disputed) => format!("{}{whole} disputed", amount(disputed)),
            (refunded, disputed) => {
                format!("{} refunded and {} disputed{whole}", amount(refunded), amount(disputed))
            }
        }
    }
}

fn past(kind: ReversalKind) -> &'static str {
    match kind {
        ReversalKind::Refund => "refunded",
        ReversalKind::Dispute => "disputed",
    }
}

/// One dispute.
#[derive(Debug, Default)]
struct Dispute {
    /// `None`: no amount was told.
    part: Option<i64>,
    /// The latest final word: when, and whether it was lost.
    last: Option<(Ms, bool)>,
    open: bool,
    asked: bool,
}

impl Dispute {
    fn take(&mut self, state: ReversalState, amount: &ReversalAmount, at: Ms) {
        match state {
            ReversalState::Inquiry => {
                self.asked = true;
                return;
            }
            ReversalState::Open => self.open = true,
            ReversalState::Done | ReversalState::Failed => self.last = self.last.max(Some((at, true))),
            ReversalState::Undone => self.last = self.last.max(Some((at, false))),
        }
        let told = match amount {
            ReversalAmount::Part(units) | ReversalAmount::Total(units) | ReversalAmount::Done(units) => {
                Some((*units).max(0))
            }
            ReversalAmount::All => None,
        };
        self.part = self.part.max(told);
    }

    fn takes(&self) -> bool {
        self.last.map_or(self.open, |(_, lost)| lost)
    }
}
