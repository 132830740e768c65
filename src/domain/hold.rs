//! Why a payment is held, and what its operator does next.

use serde::{Deserialize, Serialize};

use super::id::ChannelId;

/// The cause of what a restored ledger cannot know.
pub const RESTORED: &str = "restored";

/// The same, of a payment that was refunded or disputed.
pub const RESTORED_REFUNDED: &str = "restored_refunded";

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
    /// Every line is a proration.
    #[error("it bills only a part of a period, after a change of plan; how many days that buys is not told")]
    PartOfPeriod,
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
            Hold::PartOfPeriod => "part_of_period",
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
            Hold::PartOfPeriod => {
                "say here with `daybridge held set KEY --days …` how many days the change of plan is worth; `held cancel` closes it where it is worth none"
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
