//! From the facts of all events of a payment to a decision.
//!
//! The decision is a function of the *set* of events: their order, number and repetition change nothing.
//! So a payment held for want of a channel is decided again whenever a linked event or a changed setting
//! adds to the set, and a replay can never decide more than the first delivery did.

/// The refunds of a payment.
mod refunds;

/// How much of a payment's money went out again.
pub mod reversal;

/// The days that are due without it.
pub mod entitlement;

/// Where an agreement (subscription) stands.
pub mod agreement;

/// Which payment an event belongs to.
pub mod identity;

/// Purchases that are probably one.
pub mod duplicate;

/// How many days a billed period has, and a table of amounts buys.
mod days;

/// What the ledger does not know of the time before it.
pub mod memory;

/// Which channel a customer stands for, as a person said.
pub mod directory;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    agreement::OnEnd,
    days::{Amounts, days_by_amount, days_by_period, days_by_tier, tier},
    directory::Directory,
    entitlement::{Entitlement, OnReversal, entitlement},
    memory::{Forgotten, Memory},
    reversal::{came_in, money_out, most, paid_at_most},
};
use super::{
    Ms,
    facts::{Facts, Family, Found, Meaning, Money, ReversalKind},
    hold::{Hold, shown},
    id::ChannelId,
};

/// What a source's settings say about granting days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The one family that grants.
    pub money_in: Family,
    /// When this family replaced another one; `None` where there was no other.
    pub money_in_since: Option<Ms>,
    /// The channel pointers, for the sentence that tells what to set.
    pub channel_pointers: Vec<String>,
    /// What stands under them is an alias in the directory, not a channel.
    pub channel_alias: bool,
    /// The days pointers, likewise.
    pub days_pointers: Vec<String>,
    /// Days per unit by price id; empty: no price table.
    pub prices: BTreeMap<String, u32>,
    /// Days in one transfer, by price id.
    pub slices: BTreeMap<String, u32>,
    /// Smallest units of a currency per day.
    pub per_day: Option<Money>,
    /// Days by what was paid, currency and smallest units; empty: no such table.
    pub amounts: Amounts,
    /// Days are those of the billed period.
    pub period: bool,
    /// Most days one payment may buy.
    pub days_max: u32,
    /// What is done about money that was given back.
    pub on_refund: OnReversal,
    /// What is done about money that the payer's bank took.
    pub on_dispute: OnReversal,
    /// What is done about days that are owed when their agreement ends.
    pub on_end: OnEnd,
}

/// What a person said of a payment; it counts before anything that its events say, but for the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections {
    /// The channel.
    pub channel: Option<ChannelId>,
    /// The days that were bought.
    pub days: Option<u32>,
    /// The days that are due although money went out, and what it covered when that was said: where it covers less,
    /// that is a new question.
    pub despite: Option<(u32, u32)>,
    /// What was said of whoever paid. It counts where no event names a channel.
    pub directory: Directory,
}

/// What the events of a payment come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Only linked events so far.
    NoMoneyYet,
    /// Money came in, but none that buys days.
    Nothing(String),
    /// Days for a channel.
    Grant {
        /// Which channel.
        channel: ChannelId,
        /// How many days move, 1 to `days_max`: those bought, or fewer where money went out.
        days: u32,
    },
    /// Something is missing or contradictory; a person or a later event supplies it.
    Hold(Hold),
}

/// Decides on a payment from all its events. What was paid before the ledger's `memory` begins may have been granted,
/// and refunded since.
pub fn decide(events: &[Facts], rules: &Rules, corrections: &Corrections, memory: &Memory) -> Decision {
    let paid: Vec<&Facts> = events.iter().filter(|e| e.meaning.is_money_in(&rules.money_in)).collect();
    if paid.is_empty() {
        return Decision::NoMoneyYet;
    }
    if paid.iter().all(|e| is_nothing(e)) {
        return Decision::Nothing("the amount is 0".to_owned());
    }
    let channel =
        corrections.channel.clone().map_or_else(|| channel(events, rules, &corrections.directory), Ok);
    let days = corrections.days.map_or_else(|| days(events, &paid, rules), Ok);
    let known = (channel.as_ref().ok().cloned(), days.as_ref().ok().copied());
    let out = covers(events, rules, known.1);
    let refunded = !out.is_whole();
    let forgotten = memory.forgotten(&paid);
    let despite = corrections.despite.filter(|(_, then)| refunded && out.is_decided(Some(*then)));
    // As a person said; but where more is covered since, never less than that.
    let said = |(days, then): (u32, u32)| out.due.filter(|due| *due > then).map_or(days, |due| days.max(due));
    let moves = despite.map(said).or(out.left);
    if refunded && forgotten.is_none() && despite.is_none() {
        if out.left == Some(0) {
            return Decision::Nothing(out.words);
        }
        let (channel, days) = known;
        match out.ask {
            Some(ReversalKind::Refund) => {
                return Decision::Hold(Hold::Refunded { words: out.words, channel, days });
            }
            Some(ReversalKind::Dispute) => {
                return Decision::Hold(Hold::Disputed { words: out.words, channel, days });
            }
            None => {}
        }
    }
    if let Some(since) = rules.money_in_since
        && corrections.days.is_none()
        && paid.iter().all(|e| paid_at_most(e) < since)
        && !events.iter().any(|e| matches!(e.meaning, Meaning::MoneyIn(ref f) if *f != rules.money_in))
    {
        return Decision::Hold(Hold::BeforeRuleChange(rules.money_in.as_str().to_owned()));
    }
    let grant = match days {
        // Without a person's word nothing else about it matters.
        Err(Hold::Unclear(why)) => Err(Hold::Unclear(why)),
        days => channel.and_then(|channel| Ok((channel, days?))),
    };
    match (grant, forgotten) {
        (Ok((channel, days)), Some(forgotten)) => {
            Decision::Hold(held(forgotten, channel, days, refunded.then_some(out.words)))
        }
        (Ok((channel, days)), None) => Decision::Grant { channel, days: moves.unwrap_or(days) },
        (Err(hold), _) => Decision::Hold(hold),
    }
}

/// `refunded`: how much of its money went back, if any did.
fn held(forgotten: Forgotten, channel: ChannelId, days: u32, refunded: Option<String>) -> Hold {
    match (forgotten, refunded) {
        (Forgotten::Restored, None) => Hold::Restored { channel, days },
        (Forgotten::Restored, Some(words)) => Hold::RestoredRefunded { channel, days, words },
        (Forgotten::BeforeLedger, None) => Hold::BeforeLedger { channel, days },
        (Forgotten::BeforeLedger, Some(words)) => Hold::BeforeLedgerRefunded { channel, days, words },
    }
}

/// Whether an event of money in tells that none came in.
fn is_nothing(event: &Facts) -> bool {
    let told = event.amount_unread.is_none() && event.unclear.is_none();
    told && event.money.as_ref().is_none_or(|money| money.amount == 0)
}

/// What the money of a payment still covers of the days that it bought.
pub fn covers(events: &[Facts], rules: &Rules, bought: Option<u32>) -> Entitlement {
    entitlement(&money_out(events, &rules.money_in), rules.on_refund, rules.on_dispute, bought)
}

/// Days in one transfer, where a price says so; the fewest of several.
pub fn slice(events: &[Facts], rules: &Rules) -> Option<u32> {
    let paid = events.iter().filter(|event| event.meaning.is_money_in(&rules.money_in));
    let lines = paid.filter_map(|event| event.lines.as_ref()).flatten();
    lines.filter_map(|line| rules.slices.get(&line.price).copied()).min()
}

/// Channel and days that a payment bought, corrected by a person, each for itself.
pub fn sold(events: &[Facts], rules: &Rules, corrections: &Corrections) -> (Option<ChannelId>, Option<u32>) {
    let said = || channel(events, rules, &corrections.directory).ok();
    (corrections.channel.clone().or_else(said), corrections.days.or(bought(events, rules).1))
}

/// Channel and days that the events of a payment come to by themselves; `None` where missing or contradictory.
pub fn bought(events: &[Facts], rules: &Rules) -> (Option<ChannelId>, Option<u32>) {
    let paid: Vec<&Facts> = events.iter().filter(|e| e.meaning.is_money_in(&rules.money_in)).collect();
    (channel(events, rules, &Directory::default()).ok(), days(events, &paid, rules).ok())
}

/// What the events say counts; where none says anything, the directory.
fn channel(events: &[Facts], rules: &Rules, directory: &Directory) -> Result<ChannelId, Hold> {
    let told = first_hit(events.iter().flat_map(|e| &e.channel));
    match told.map_err(|(a, b)| Hold::ChannelsDiffer(a, b))? {
        Some(text) if rules.channel_alias => directory.of_alias(&text),
        Some(text) => ChannelId::parse(&text).ok_or(Hold::BadChannel(shown(&text))),
        None => {
            let none = || Hold::NoChannel(rules.channel_pointers.join(", "));
            directory.of_payer(events)?.ok_or_else(none)
        }
    }
}

/// In this order: what is told under the pointers (held to what the money buys), or the period that was billed; the
/// price table; the table of amounts, or the amount per day. What an event says for sure counts beside one that does not.
fn days(events: &[Facts], paid: &[&Facts], rules: &Rules) -> Result<u32, Hold> {
    let sure: Vec<&Facts> = paid.iter().copied().filter(|event| event.unclear.is_none()).collect();
    let unclear = paid.iter().filter_map(|event| event.unclear.as_ref()).min();
    if let (true, Some(why)) = (sure.is_empty(), unclear) {
        return Err(Hold::Unclear(why.clone()));
    }
    let paid = &sure;
    // The days in a subscription's metadata were bought with its period.
    if events.iter().any(|e| e.lines.as_ref().is_some_and(Vec::is_empty)) {
        return Err(Hold::PartOfPeriod);
    }
    if let Some(told) = days_told(events)? {
        let days = whole_days(&told, rules.days_max).ok_or(Hold::BadDays(shown(&told), rules.days_max))?;
        return as_paid_for(days, events, paid, rules);
    }
    if let Some(reason) = events.iter().find_map(|e| e.no_period.as_ref()) {
        return Err(Hold::NotAPeriod(shown(reason)));
    }
    if rules.period {
        return days_by_period(events, rules.days_max);
    }
    if let Some(days) = days_by_price(paid, rules)? {
        return Ok(days);
    }
    if !rules.amounts.is_empty() {
        let money = most(paid).or_else(|| came_in(events, &rules.money_in));
        return days_by_tier(paid, money.as_ref(), &rules.amounts);
    }
    if let Some(per_day) = &rules.per_day {
        let money = most(paid).or_else(|| came_in(events, &rules.money_in));
        return days_by_amount(paid, money.as_ref(), per_day, rules.days_max);
    }
    Err(Hold::NoDays(rules.days_pointers.join(", ")))
}

fn days_told(events: &[Facts]) -> Result<Option<String>, Hold> {
    first_hit(events.iter().flat_map(|e| &e.days)).map_err(|(a, b)| Hold::DaysDiffer(a, b))
}

/// Days that are told, where the money buys as many, or nothing says how many it buys. Custom data may be the payer's.
fn as_paid_for(days: u32, events: &[Facts], paid: &[&Facts], rules: &Rules) -> Result<u32, Hold> {
    let differ = |bought: String| Err(Hold::DaysAndMoney { told: days, bought });
    if let Some(priced) = days_by_price(paid, rules)? {
        return if priced == days { Ok(days) } else { differ(format!("{priced} by the price table")) };
    }
    let Some(money) = came_in(events, &rules.money_in) else { return Ok(days) };
    if !rules.amounts.is_empty() {
        return match tier(&money, &rules.amounts)? {
            bought if bought == days => Ok(days),
            bought => differ(format!("{bought} by the table of amounts")),
        };
    }
    let Some(per_day) = &rules.per_day else { return Ok(days) };
    if money.currency != per_day.currency {
        return Err(Hold::OtherCurrency(shown(&money.currency), per_day.currency.clone()));
    }
    if per_day.amount.checked_mul(i64::from(days)) == Some(money.amount) {
        return Ok(days);
    }
    let whole = money.amount.checked_div(per_day.amount).unwrap_or(0);
    let rest = if money.amount.checked_rem(per_day.amount) == Some(0) { "" } else { " and a part of one" };
    differ(format!("{whole}{rest} ({} {}, at {} a day)", money.amount, money.currency, per_day.amount))
}

/// How many more days are bought by money that came in after days were granted, for instance with a second capture:
/// what is granted by the amount grows with it. Days that are told, or bought by a price, stay what they are.
pub fn more_days(events: &[Facts], rules: &Rules, before: i64, after: i64) -> u32 {
    let paid: Vec<&Facts> = events.iter().filter(|e| e.meaning.is_money_in(&rules.money_in)).collect();
    let otherwise = !matches!(days_told(events), Ok(None))
        || events.iter().any(|e| e.no_period.is_some())
        || rules.period
        || !matches!(days_by_price(&paid, rules), Ok(None));
    if let (false, Some(money)) = (otherwise || rules.amounts.is_empty(), came_in(events, &rules.money_in)) {
        // What lies between two tiers buys no more than the lower one did.
        let at =
            |amount| tier(&Money { amount, currency: money.currency.clone() }, &rules.amounts).unwrap_or(0);
        return at(after).saturating_sub(at(before));
    }
    let Some(per_day) = rules.per_day.as_ref().filter(|_| !otherwise) else { return 0 };
    let days = |amount: i64| amount.checked_div(per_day.amount).and_then(|days| u32::try_from(days).ok());
    let max = rules.days_max;
    days(after)
        .map_or(max, |days| days.min(max))
        .saturating_sub(days(before).map_or(max, |days| days.min(max)))
}

/// The value under the lowest pointer that hits in any event; all events must agree on it.
fn first_hit<'a>(found: impl Iterator<Item = &'a Found>) -> Result<Option<String>, (String, String)> {
    let mut by_pointer: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for hit in found {
        by_pointer.entry(hit.pointer).or_default().insert(&hit.value);
    }
    let Some((_, values)) = by_pointer.first_key_value() else { return Ok(None) };
    let mut values = values.iter();
    match (values.next(), values.next()) {
        (Some(a), Some(b)) => Err((shown(a), shown(b))),
        (first, _) => Ok(first.map(|v| (*v).to_owned())),
    }
}

/// A whole number from 1 to `max`, in plain digits: no sign, blank, fraction, exponent or leading zero.
fn whole_days(text: &str, max: u32) -> Option<u32> {
    let plain = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|days| plain && *days >= 1 && *days <= max)
}

fn days_by_price(paid: &[&Facts], rules: &Rules) -> Result<Option<u32>, Hold> {
    if rules.prices.is_empty() {
        return Ok(None);
    }
    if let Some(quantity) = paid.iter().find_map(|e| e.cut_quantity.as_ref()) {
        return Err(Hold::Quantity(shown(quantity)));
    }
    let mut totals = BTreeSet::new();
    for lines in paid.iter().filter_map(|e| e.lines.as_ref()) {
        let mut total: i64 = 0;
        for line in lines {
            let days = rules.prices.get(&line.price).ok_or_else(|| Hold::UnknownPrice(shown(&line.price)))?;
            total = total.saturating_add(i64::from(*days).saturating_mul(line.quantity));
        }
        totals.insert(total);
    }
    let bad = |total: String| Hold::BadLines(total, rules.days_max);
    match (totals.first(), totals.len()) {
        (None, _) => Ok(None),
        (Some(total), 1) => match u32::try_from(*total) {
            Ok(days) if days >= 1 && days <= rules.days_max => Ok(Some(days)),
            Ok(_) | Err(_) => Err(bad(total.to_string())),
        },
        (Some(_), _) => Err(bad(totals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))),
    }
}
