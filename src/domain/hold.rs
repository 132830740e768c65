//! Why a payment is held, and what its operator does next.

use serde::{Deserialize, Serialize};

use super::{closed::HeldCause, facts::Span, id::ChannelId};

/// Whether days of a payment that is held for this cause may have moved without the ledger knowing.
pub fn may_have_moved(cause: HeldCause) -> bool {
    matches!(cause, HeldCause::Restored | HeldCause::BeforeLedger) || may_have_moved_refunded(cause)
}

/// Whether that is so, and its money went back.
pub fn may_have_moved_refunded(cause: HeldCause) -> bool {
    matches!(cause, HeldCause::RestoredRefunded | HeldCause::BeforeLedgerRefunded)
}

/// Longest value quoted in a reason, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// A value as a reason quotes it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Why a payment is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Hold {
    /// No pointer hit.
    #[error("no channel: none of {0} is in any event of this payment")]
    NoChannel(String),
    /// Whoever paid has several channels, and nothing says which of them it is for.
    #[error("no event says for which channel it is, and {whose} has {}: {}", .channels.len(), listed(.channels))]
    ChannelAmbiguous {
        /// Whose they are.
        whose: String,
        /// The candidates.
        channels: Vec<ChannelId>,
    },
    /// The directory does not know the alias.
    #[error("{0:?} stands for the channel, and the directory knows no such alias")]
    AliasUnknown(String),
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
    /// Every line is a proration.
    #[error("it bills only a part of a period, after a change of plan; how many days that buys is not told")]
    PartOfPeriod,
    /// A subscription's invoice for something else than a period, as far as is known.
    #[error(
        "it bills a subscription, but for {0:?}, which is not known to be a new period: the subscription's days are not bought again"
    )]
    NotAPeriod(String),
    /// A part of a price.
    #[error("a quantity of its price lines is {0:?}, no whole number: how many days that buys is not told")]
    Quantity(String),
    /// The days that are told are not those that the money buys.
    #[error(
        "its events name {told} days, but what was paid buys {bought}: whoever pays may have set the days"
    )]
    DaysAndMoney {
        /// Days in the events.
        told: u32,
        /// Days for the money, and how that was reckoned.
        bought: String,
    },
    /// Another currency than `per_day` knows.
    #[error("the currency {0} is not the one of per_day ({1})")]
    OtherCurrency(String, String),
    /// Not a whole number of days.
    #[error("the amount {0} is not a whole number of days at {1} a day, from 1 to {2} days")]
    BadAmount(i64, i64, u32),
    /// Not in the table of amounts, nor known.
    #[error("how much was paid is not told, and the source's table of amounts says what it buys")]
    NoAmount,
    /// A currency that the table of amounts does not have.
    #[error("the currency {0} is in none of the source's amounts")]
    NoTierOfCurrency(String),
    /// An amount that the table does not have.
    #[error("the amount {amount} {currency} is none of the source's amounts; the nearest: {nearest}")]
    BetweenTiers {
        /// Smallest units.
        amount: i64,
        /// Its currency.
        currency: String,
        /// The tiers below and above it.
        nearest: String,
    },
    /// Days are those of the period, and there is none.
    #[error("its days are those of the period that it bills, and none of its events tells one")]
    NoPeriod,
    /// Lines, or events, of several periods.
    #[error("its lines bill different periods: {} and {}", span(.0), span(.1))]
    PeriodsDiffer(Span, Span),
    /// No whole number of days.
    #[error("the period that it bills, {}, is not a whole number of days from 1 to {days_max}", span(.period))]
    PartDays {
        /// The period.
        period: Span,
        /// The most days of one payment.
        days_max: u32,
    },
    /// What it buys is not told, or cannot be read.
    #[error("{0}")]
    Unclear(String),
    /// Money was given back before its days moved.
    #[error("{words}")]
    Refunded {
        /// How much, and what is left.
        words: String,
        /// What it would be granted, where known.
        channel: Option<ChannelId>,
        /// Days bought, where known.
        days: Option<u32>,
    },
    /// The payer's bank took money before its days moved.
    #[error("{words}")]
    Disputed {
        /// See `Refunded`.
        words: String,
        /// See `Refunded`.
        channel: Option<ChannelId>,
        /// See `Refunded`.
        days: Option<u32>,
    },
    /// Another payment was granted the same, at the same time, and no kind of id tells the two apart.
    #[error(
        "{this} is probably the purchase {other} under another name: same channel, same amount, minutes apart, and no kind of id that both have; {other} was granted"
    )]
    #[serde(rename = "Twin")]
    SuspectedDuplicate {
        /// Its key.
        this: String,
        /// The key of the one that was granted.
        other: String,
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
    },
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
        "paid before the ledger was restored, so its {days} days for {channel} may have moved already; and {words}"
    )]
    RestoredRefunded {
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
        /// How much money went back, and what is left.
        words: String,
    },
    /// Paid before the ledger was made: whoever extended then, by hand or with a ledger that is lost, may have done it.
    #[error("paid before this ledger was made: its {days} days for {channel} may have moved already")]
    BeforeLedger {
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
    },
    /// As `BeforeLedger`, and the money went back.
    #[error(
        "paid before this ledger was made, so its {days} days for {channel} may have moved already; and {words}"
    )]
    BeforeLedgerRefunded {
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
        /// How much money went back, and what is left.
        words: String,
    },
    /// A source of another realm has the same payment or event.
    #[error(
        "{this} is probably the purchase {other}: the same event or payment of the same provider, known in another realm"
    )]
    OtherRealm {
        /// Its key.
        this: String,
        /// The key of the one that is known.
        other: String,
        /// What it would be granted.
        channel: ChannelId,
        /// See `channel`.
        days: u32,
    },
}

/// Most candidates that are named.
const CANDIDATES_MAX: usize = 10;

fn listed(channels: &[ChannelId]) -> String {
    let named: Vec<&str> = channels.iter().take(CANDIDATES_MAX).map(ChannelId::as_str).collect();
    let more = if channels.len() > CANDIDATES_MAX { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

impl Hold {
    /// The cause in one word, for grouping.
    pub fn cause(&self) -> HeldCause {
        match self {
            Hold::NoChannel(_) => HeldCause::ChannelMissing,
            Hold::ChannelAmbiguous { .. } => HeldCause::ChannelAmbiguous,
            Hold::AliasUnknown(_) => HeldCause::AliasUnknown,
            Hold::BadChannel(_) => HeldCause::ChannelMalformed,
            Hold::ChannelsDiffer(..) => HeldCause::ChannelContradictory,
            Hold::NoDays(_) => HeldCause::DaysMissing,
            Hold::BadDays(..) => HeldCause::DaysMalformed,
            Hold::DaysDiffer(..) => HeldCause::DaysContradictory,
            Hold::UnknownPrice(_) => HeldCause::PriceUnknown,
            Hold::BadLines(..) => HeldCause::PriceLines,
            Hold::PartOfPeriod => HeldCause::PartOfPeriod,
            Hold::NotAPeriod(_) => HeldCause::NotAPeriod,
            Hold::Quantity(_) => HeldCause::Quantity,
            Hold::DaysAndMoney { .. } => HeldCause::DaysAndMoney,
            Hold::OtherCurrency(..) | Hold::NoTierOfCurrency(_) => HeldCause::Currency,
            Hold::BadAmount(..) | Hold::NoAmount | Hold::BetweenTiers { .. } => HeldCause::Amount,
            Hold::NoPeriod => HeldCause::DaysMissing,
            Hold::PeriodsDiffer(..) => HeldCause::DaysContradictory,
            Hold::PartDays { .. } => HeldCause::DaysMalformed,
            Hold::Unclear(_) => HeldCause::Unclear,
            Hold::Refunded { .. } => HeldCause::Refunded,
            Hold::Disputed { .. } => HeldCause::Disputed,
            Hold::SuspectedDuplicate { .. } | Hold::OtherRealm { .. } => HeldCause::SuspectedDuplicate,
            Hold::BeforeRuleChange(_) => HeldCause::RuleChanged,
            Hold::Restored { .. } => HeldCause::Restored,
            Hold::RestoredRefunded { .. } => HeldCause::RestoredRefunded,
            Hold::BeforeLedger { .. } => HeldCause::BeforeLedger,
            Hold::BeforeLedgerRefunded { .. } => HeldCause::BeforeLedgerRefunded,
        }
    }

    /// What the operator does next.
    #[expect(clippy::too_many_lines, reason = "one flat table of what is done next, by cause")]
    pub fn next(&self) -> &'static str {
        match self {
            Hold::ChannelAmbiguous { .. } => {
                "say here which of them with `daybridge held set KEY --channel …` (with `--remember` its subscription, if it has one, is known by it from now on), or leave one to the customer: `daybridge customers set ID --channel …`"
            }
            Hold::AliasUnknown(_) => {
                "say it here with `daybridge held set KEY --channel … --remember`, which remembers the alias; or `daybridge customers set ALIAS --kind alias --channel …`"
            }
            Hold::NoChannel(_) => {
                "say it here with `daybridge held set KEY --channel …` (with `--remember` the next payments of this customer go there by themselves); or set the channel id where you create the payment (metadata channel_id or client_reference_id), or correct `channel` of the source and restart the worker, which reads it again"
            }
            Hold::BadChannel(_) | Hold::ChannelsDiffer(..) => {
                "say it here with `daybridge held set KEY --channel …`; and for the next ones, set the channel id where you create the payment (metadata channel_id or client_reference_id), or correct `channel` of the source and restart the worker, which reads it again"
            }
            Hold::NoDays(_) | Hold::BadDays(..) | Hold::DaysDiffer(..) => {
                "say it here with `daybridge held set KEY --days …`; and for the next ones, set metadata days to a whole number where you create the payment, or add prices or per_day to the source and restart the worker, which reads it again"
            }
            Hold::UnknownPrice(_) | Hold::BadLines(..) => {
                "add the price to the source's prices and restart the worker, which reads it again; or say it here with `daybridge held set KEY --days …`"
            }
            Hold::OtherCurrency(..) | Hold::BadAmount(..) => {
                "correct per_day of the source, or set metadata days and restart the worker, which reads it again; or say it here with `daybridge held set KEY --days …`"
            }
            Hold::NoAmount | Hold::NoTierOfCurrency(_) | Hold::BetweenTiers { .. } => {
                "say here how many days it buys with `daybridge held set KEY --days …`; or add the amount to the source's amounts and restart the worker, which reads it again"
            }
            Hold::NoPeriod | Hold::PeriodsDiffer(..) | Hold::PartDays { .. } => {
                "see at the provider what was billed, and from when to when; then say here how many days it is worth with `daybridge held set KEY --days …`, or close it with `daybridge held cancel KEY --reason …`"
            }
            Hold::PartOfPeriod => {
                "say here with `daybridge held set KEY --days …` how many days the change of plan is worth; `held cancel` closes it where it is worth none"
            }
            Hold::Unclear(_) => {
                "see at the provider what was paid, and for what; then say here how many days it buys with `daybridge held set KEY --days …`, or close it with `daybridge held cancel KEY --reason …`"
            }
            Hold::NotAPeriod(_) | Hold::Quantity(_) => {
                "see at the provider what was billed; say here with `daybridge held set KEY --days …` how many days it is worth; `held cancel` closes it where it is worth none"
            }
            Hold::DaysAndMoney { .. } => {
                "see at the provider what was sold; say here with `daybridge held set KEY --days …` how many days are due, or correct the source's prices or per_day and restart the worker; `held cancel` closes it"
            }
            Hold::Refunded { .. } | Hold::Disputed { .. } => {
                "say how many days are due with `daybridge held set KEY --days …`; `daybridge held cancel KEY --reason …` closes it; where the money comes back it goes on by itself"
            }
            Hold::SuspectedDuplicate { .. } => {
                "compare the two at the provider: `daybridge held resolve KEY --not-applied --reason …` if they are two purchases (its days are planned), `daybridge held cancel KEY --reason …` if they are one"
            }
            Hold::BeforeRuleChange(_) => {
                "look in Billing History whether its days were moved by hand: if they were, `daybridge held cancel KEY --reason …` closes it; if not, `daybridge held set KEY --days …` moves them"
            }
            Hold::Restored { .. } => {
                "look for its key in Billing History; then `daybridge held resolve KEY --applied --reason …` if it is there (with `--days N` where it shows other days), or `--not-applied` if it is not"
            }
            Hold::OtherRealm { .. } => {
                "`daybridge held cancel KEY --reason …` if they are one, and give both sources one `realm`; `daybridge held resolve KEY --not-applied --reason …` if they are two purchases (its days are planned)"
            }
            Hold::BeforeLedger { .. } => {
                "look in Billing History, or in your own list, whether its days were moved; then `daybridge held resolve KEY --applied --reason …` if they were, `--not-applied` if not (its days are planned), `daybridge held cancel KEY --reason …` closes it; or say how far back this ledger grants: `daybridge ledger adopt --since TIME`, then `daybridge held retry KEY`"
            }
            Hold::RestoredRefunded { .. } | Hold::BeforeLedgerRefunded { .. } => {
                "look for its key in Billing History; then `daybridge held resolve KEY --applied --reason …` if it is there (with `--days N` where it shows other days), or if it is not: `--not-applied` where some of its money is left (the days that it covers are planned), else `daybridge held cancel KEY --reason …`"
            }
        }
    }
}

/// From when to when, in UTC.
fn span(span: &Span) -> String {
    let time = |at: &i64| {
        jiff::Timestamp::from_millisecond(*at).map_or_else(|_| format!("{at} ms"), |time| time.to_string())
    };
    format!("{} to {}", time(&span.from), time(&span.to))
}
