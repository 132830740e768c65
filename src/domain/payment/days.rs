//! Days by what was paid, and by the period that was billed. What is neither exactly is held, never guessed.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    DAY_MS,
    facts::{Facts, Money, Span},
    hold::{Hold, shown},
};

/// Days by currency and smallest units.
pub type Amounts = BTreeMap<(String, i64), u32>;

/// Days by the table of amounts. `money`: what was paid, where that is known.
pub(super) fn days_by_tier(paid: &[&Facts], money: Option<&Money>, amounts: &Amounts) -> Result<u32, Hold> {
    tier(some(money).ok_or_else(|| unread(paid, Hold::NoAmount))?, amounts)
}

/// Days of an amount that stands in the table.
pub(super) fn tier(money: &Money, amounts: &Amounts) -> Result<u32, Hold> {
    let key = (money.currency.clone(), money.amount);
    if let Some(days) = amounts.get(&key) {
        return Ok(*days);
    }
    let of_currency = |((currency, _), _): &(&(String, i64), &u32)| *currency == money.currency;
    let words =
        |((currency, amount), days): (&(String, i64), &u32)| format!("{amount} {currency} ({days} days)");
    let below = amounts.range(..&key).rev().find(of_currency).map(words);
    let above = amounts.range(&key..).find(of_currency).map(words);
    let (amount, currency) = (money.amount, shown(&money.currency));
    match (below, above) {
        (None, None) => Err(Hold::NoTierOfCurrency(currency)),
        (below, above) => {
            let nearest: Vec<String> = below.into_iter().chain(above).collect();
            Err(Hold::BetweenTiers { amount, currency, nearest: nearest.join(" and ") })
        }
    }
}

/// Days by an amount per day.
pub(super) fn days_by_amount(
    paid: &[&Facts],
    money: Option<&Money>,
    per_day: &Money,
    max: u32,
) -> Result<u32, Hold> {
    let money = some(money).ok_or_else(|| unread(paid, Hold::BadAmount(0, per_day.amount, max)))?;
    if money.currency != per_day.currency {
        return Err(Hold::OtherCurrency(shown(&money.currency), per_day.currency.clone()));
    }
    let bad = || Hold::BadAmount(money.amount, per_day.amount, max);
    if money.amount.checked_rem(per_day.amount) != Some(0) {
        return Err(bad());
    }
    let days = money.amount.checked_div(per_day.amount).and_then(|days| u32::try_from(days).ok());
    days.filter(|days| (1..=max).contains(days)).ok_or_else(bad)
}

fn some(money: Option<&Money>) -> Option<&Money> {
    money.filter(|money| money.amount > 0)
}

/// Why it is not known how much was paid; `otherwise`: nothing says why.
fn unread(paid: &[&Facts], otherwise: Hold) -> Hold {
    match paid.iter().filter_map(|event| event.amount_unread.as_ref()).min() {
        Some(why) => Hold::Unclear(format!("its amount buys its days, and is not known: {why}")),
        None => otherwise,
    }
}

/// Whole days of the one period that all events bill. A calendar's month, from a moment to the same time of another day,
/// is always whole days in UTC; where a clock was set in between it is not, and is held.
pub(super) fn days_by_period(events: &[Facts], max: u32) -> Result<u32, Hold> {
    let spans: BTreeSet<Span> = events.iter().flat_map(|event| event.spans.iter().copied()).collect();
    let mut spans = spans.into_iter();
    let period = match (spans.next(), spans.next()) {
        (None, _) => return Err(Hold::NoPeriod),
        (Some(one), Some(other)) => return Err(Hold::PeriodsDiffer(one, other)),
        (Some(period), None) => period,
    };
    let length = period.to.saturating_sub(period.from);
    let whole = length.checked_rem(DAY_MS) == Some(0);
    let days = length.checked_div(DAY_MS).and_then(|days| u32::try_from(days).ok());
    days.filter(|days| whole && (1..=max).contains(days)).ok_or(Hold::PartDays { period, days_max: max })
}
