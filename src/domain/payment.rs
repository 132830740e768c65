//! From the facts of all events of a payment to a decision.
//!
//! The decision is a function of the *set* of events: their order, number and repetition change nothing.
//! So a payment held for want of a channel is decided again whenever a linked event or a changed setting
//! adds to the set, and a replay can never decide more than the first delivery did.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Ms,
    facts::{Facts, Family, Found, Meaning, Money, PaymentId},
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
    /// The days pointers, likewise.
    pub days_pointers: Vec<String>,
    /// Days per unit by price id; empty: no price table.
    pub prices: BTreeMap<String, u32>,
    /// Smallest units of a currency per day.
    pub per_day: Option<Money>,
    /// Most days one payment may buy.
    pub days_max: u32,
}

/// The cause of what a restored ledger cannot know.
pub const RESTORED: &str = "restored";

/// The same, of a payment that was refunded or disputed.
pub const RESTORED_REFUNDED: &str = "restored_refunded";

/// How far the provider's clock may be ahead of ours, in ms: when a payment was made is the provider's word, when
/// the ledger was declared restored is ours. A source's default tolerance, beyond which no delivery is accepted.
pub const CLOCKS_APART_MS: i64 = 300_000;

/// What the events of a payment come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Only linked events so far.
    NoMoneyYet,
    /// Money came in, but none that buys days.
    Nothing(&'static str),
    /// Days for a channel.
    Grant {
        /// Which channel.
        channel: ChannelId,
        /// How many days, 1 to `days_max`.
        days: u32,
    },
    /// Something is missing or contradictory; a person or a later event supplies it.
    Hold(Hold),
}

/// Why a payment is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Hold {
    /// No pointer hit.
    #[error("no channel: none of {0} is in any event of this payment")]
    NoChannel(String),
    /// Not of a channel id's alphabet.
    #[error("the channel {0:?} is not a channel id")]
    BadChannel(String),
    /// Two values under the same pointer.
    #[error("the events name different channels: {0:?} and {1:?}")]
    ChannelsDiffer(String, String),
    /// No pointer hit, no price table, no amount per day.
    #[error("no days: none of {0} is in any event of this payment, and no price or amount says how many")]
    NoDays(String),
    /// Not a whole number from 1.
    #[error("the days {0:?} are not a whole number from 1 to {1}")]
    BadDays(String, u32),
    /// Two values under the same pointer.
    #[error("the events name different days: {0:?} and {1:?}")]
    DaysDiffer(String, String),
    /// Not in the price table.
    #[error("the price {0:?} is not in the price table")]
    UnknownPrice(String),
    /// The lines come to no days, or to too many, or differ between events.
    #[error("the price lines come to {0} days, not to 1 to {1}")]
    BadLines(String, u32),
    /// Another currency than `per_day` knows.
    #[error("the currency {0} is not the one of per_day ({1})")]
    OtherCurrency(String, String),
    /// Not a whole number of days.
    #[error("the amount {0} is not a whole number of days at {1} a day, from 1 to {2} days")]
    BadAmount(i64, i64, u32),
    /// Refunded or disputed before its days moved.
    #[error("refunded or disputed before its days moved")]
    Refunded,
    /// Paid before `money_in` was changed and never seen under the old family.
    #[error("paid before money_in was changed to {0}, and never seen under the old setting")]
    BeforeRuleChange(String),
    /// Paid before the ledger was restored from a backup, which does not know whether its days moved.
    #[error("paid before the ledger was restored: its {days} days for {channel} may have moved already")]
    Restored {
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
    },
    /// As `Restored`, and the money went back.
    #[error(
        "paid before the ledger was restored, and refunded or disputed: its {days} days for {channel} may have moved already"
    )]
    RestoredRefunded {
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
    },
}

impl Hold {
    /// The cause in one word, for grouping.
    pub fn cause(&self) -> &'static str {
        match self {
            Hold::NoChannel(_) => "channel_missing",
            Hold::BadChannel(_) => "channel_malformed",
            Hold::ChannelsDiffer(..) => "channel_contradictory",
            Hold::NoDays(_) => "days_missing",
            Hold::BadDays(..) => "days_malformed",
            Hold::DaysDiffer(..) => "days_contradictory",
            Hold::UnknownPrice(_) => "price_unknown",
            Hold::BadLines(..) => "price_lines",
            Hold::OtherCurrency(..) => "currency",
            Hold::BadAmount(..) => "amount",
            Hold::Refunded => "refunded",
            Hold::BeforeRuleChange(_) => "rule_changed",
            Hold::Restored { .. } => RESTORED,
            Hold::RestoredRefunded { .. } => RESTORED_REFUNDED,
        }
    }

    /// What the operator does next.
    pub fn next(&self) -> &'static str {
        match self {
            Hold::NoChannel(_) | Hold::BadChannel(_) | Hold::ChannelsDiffer(..) => {
                "set the channel id where you create the payment (metadata channel_id or client_reference_id), or correct `channel` of the source; then restart the worker or replay the event"
            }
            Hold::NoDays(_) | Hold::BadDays(..) | Hold::DaysDiffer(..) => {
                "set metadata days to a whole number where you create the payment, or add prices or per_day to the source; then restart the worker or replay the event"
            }
            Hold::UnknownPrice(_) | Hold::BadLines(..) => {
                "add the price to the source's prices; then restart the worker or replay the event"
            }
            Hold::OtherCurrency(..) | Hold::BadAmount(..) => {
                "correct per_day of the source, or set metadata days; then restart the worker or replay the event"
            }
            Hold::Refunded => "decide whether days are due; `held cancel` closes it",
            Hold::BeforeRuleChange(_) => {
                "look in Billing History whether its days were moved by hand; `held cancel` closes it"
            }
            Hold::Restored { .. } => {
                "look for its key in Billing History; then `daybridge held settle KEY --applied --reason …` if it is there, or `--not-applied` if it is not"
            }
            Hold::RestoredRefunded { .. } => {
                "look for its key in Billing History; then `daybridge held settle KEY --applied --reason …` if it is there, or `daybridge held cancel KEY` if it is not"
            }
        }
    }
}

/// Decides on a payment from all its events. `restored_at`: when the ledger was last declared restored; what was
/// paid before may have been granted in the time that the backup does not know, and refunded since.
pub fn decide(events: &[Facts], rules: &Rules, restored_at: Option<Ms>) -> Decision {
    let paid: Vec<&Facts> = events.iter().filter(|e| e.meaning == Meaning::MoneyIn(rules.money_in)).collect();
    if paid.is_empty() {
        return Decision::NoMoneyYet;
    }
    if paid.iter().all(|e| e.money.as_ref().is_none_or(|m| m.amount == 0)) {
        return Decision::Nothing("the amount is 0");
    }
    let refunded = events.iter().any(|e| e.meaning == Meaning::Refund);
    let known_since = restored_at.map(|at| at.saturating_add(CLOCKS_APART_MS));
    let forgotten = known_since.is_some_and(|since| paid.iter().any(|e| e.occurred_at < since));
    if refunded && !forgotten {
        return Decision::Hold(Hold::Refunded);
    }
    if let Some(since) = rules.money_in_since
        && paid.iter().all(|e| e.occurred_at < since)
        && !events.iter().any(|e| matches!(e.meaning, Meaning::MoneyIn(f) if f != rules.money_in))
    {
        return Decision::Hold(Hold::BeforeRuleChange(rules.money_in.as_str().to_owned()));
    }
    let grant = channel(events, rules).and_then(|channel| Ok((channel, days(events, &paid, rules)?)));
    match grant {
        Ok((channel, days)) if forgotten && refunded => {
            Decision::Hold(Hold::RestoredRefunded { channel, days })
        }
        Ok((channel, days)) if forgotten => Decision::Hold(Hold::Restored { channel, days }),
        Ok((channel, days)) => Decision::Grant { channel, days },
        Err(hold) => Decision::Hold(hold),
    }
}

fn channel(events: &[Facts], rules: &Rules) -> Result<ChannelId, Hold> {
    let text = first_hit(events.iter().flat_map(|e| &e.channel))
        .map_err(|(a, b)| Hold::ChannelsDiffer(a, b))?
        .ok_or_else(|| Hold::NoChannel(rules.channel_pointers.join(", ")))?;
    ChannelId::parse(&text).ok_or(Hold::BadChannel(shown(&text)))
}

fn days(events: &[Facts], paid: &[&Facts], rules: &Rules) -> Result<u32, Hold> {
    let found = first_hit(events.iter().flat_map(|e| &e.days)).map_err(|(a, b)| Hold::DaysDiffer(a, b))?;
    if let Some(text) = found {
        return whole_days(&text, rules.days_max).ok_or(Hold::BadDays(shown(&text), rules.days_max));
    }
    if !rules.prices.is_empty()
        && let Some(days) = days_by_price(paid, rules)?
    {
        return Ok(days);
    }
    if let Some(per_day) = &rules.per_day {
        return days_by_amount(paid, per_day, rules.days_max);
    }
    Err(Hold::NoDays(rules.days_pointers.join(", ")))
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

fn days_by_amount(paid: &[&Facts], per_day: &Money, max: u32) -> Result<u32, Hold> {
    let mut days = None;
    for money in paid.iter().filter_map(|e| e.money.as_ref()).filter(|m| m.amount > 0) {
        if money.currency != per_day.currency {
            return Err(Hold::OtherCurrency(shown(&money.currency), per_day.currency.clone()));
        }
        let bad = || Hold::BadAmount(money.amount, per_day.amount, max);
        if money.amount.checked_rem(per_day.amount) != Some(0) {
            return Err(bad());
        }
        let this = money
            .amount
            .checked_div(per_day.amount)
            .and_then(|d| u32::try_from(d).ok())
            .filter(|d| *d >= 1 && *d <= max)
            .ok_or_else(bad)?;
        if days.is_some_and(|d| d != this) {
            return Err(bad());
        }
        days = Some(this);
    }
    days.ok_or(Hold::BadAmount(0, per_day.amount, max))
}

/// Longest value quoted in a reason, in characters.
const SHOWN_CHARS_MAX: usize = 80;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// A payment that some id of an event already names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: String,
    /// Every id that names it.
    pub ids: Vec<PaymentId>,
    /// Its days were granted: its key stands in a comment and never changes.
    pub granted: bool,
}

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// One payment, named by this id if it is not granted yet; the listed ones become part of it.
    Payment {
        /// Key of the granted payment that the event belongs to, if there is one.
        granted: Option<String>,
        /// The strongest id known; names the payment where it is not granted yet.
        name: PaymentId,
        /// Keys of the other payments that turn out to be this one; none of them is granted.
        absorbed: Vec<String>,
    },
    /// The event joins payments that are certainly different.
    Contradiction(Vec<String>),
    /// The event names no payment.
    Nowhere,
}

/// Finds the payment an event belongs to, among those its ids name.
///
/// Payments whose rank-0 ids differ are different payments: one invoice paid by two payment intents stays two.
pub fn home(event_ids: &[PaymentId], known: &[Known]) -> Home {
    let strong = |ids: &[PaymentId]| ids.iter().filter(|i| i.rank == 0).cloned().collect::<BTreeSet<_>>();
    let own = strong(event_ids);
    let joined: Vec<&Known> = known
        .iter()
        .filter(|k| {
            let theirs = strong(&k.ids);
            own.is_empty() || theirs.is_empty() || !own.is_disjoint(&theirs)
        })
        .collect();
    let names: BTreeSet<PaymentId> =
        own.iter().cloned().chain(joined.iter().flat_map(|k| strong(&k.ids))).collect();
    let granted: Vec<&&Known> = joined.iter().filter(|k| k.granted).collect();
    if names.len() > 1 || granted.len() > 1 {
        return Home::Contradiction(joined.iter().map(|k| k.key.clone()).collect());
    }
    let strongest = event_ids.iter().chain(joined.iter().flat_map(|k| &k.ids)).min();
    let Some(name) = strongest.cloned() else { return Home::Nowhere };
    let granted = granted.first().map(|k| k.key.clone());
    let absorbed = joined.iter().map(|k| k.key.clone()).filter(|key| granted.as_ref() != Some(key)).collect();
    Home::Payment { granted, name, absorbed }
}
