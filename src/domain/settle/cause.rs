//! Why a transfer is held: a closed set, stored as it is.

use serde::{Deserialize, Serialize};

use super::super::{Ms, closed::HeldCause};

/// Why a transfer is held.
#[derive(Debug, Clone, PartialEq, Hash, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Cause {
    /// The partner refused; status and its words.
    #[error("the partner refused the extension: {0} {1}")]
    Refused(u16, String),
    /// Too few days on the account's balance.
    #[error("too little balance: {0}")]
    Balance(String),
    /// The partner token was refused.
    #[error("the partner token was refused")]
    Unauthorized,
    /// The partner does not know the channel.
    #[error("the partner does not know the channel")]
    UnknownChannel,
    /// `activeTill` stays below what was read before.
    #[error("activeTill reads {0}, below {1} that was read before")]
    Below(Ms, Ms),
    /// Tried in vain for the whole age limit.
    #[error("could not be tried for three days: {0}")]
    TooOld(String),
    /// Unmoved through the window, and the one retry is used up or switched off.
    #[error("the channel did not move through the whole window, so the call was probably not applied")]
    Unmoved,
    /// Accepted by the partner, but the channel did not move.
    #[error("the partner said yes, but the channel did not move through the whole window")]
    AcceptedUnmoved,
    /// Moved by something other than these days.
    #[error("evidence conflicts: activeTill was {before}, {days} days were sent, it now reads {reading}")]
    Conflict {
        /// Before the call.
        before: Ms,
        /// What was sent.
        days: u32,
        /// What was read.
        reading: Ms,
    },
    /// No reading for a day beyond the window.
    #[error("the channel could not be read since the call: {0}")]
    Unobserved(String),
    /// Money was given back before the days moved.
    #[error("{0}")]
    Refunded(String),
    /// The payer's bank took money before the days moved.
    #[error("{0}")]
    Disputed(String),
    /// A person stopped its payment.
    #[error("stopped: {0}")]
    Stopped(String),
    /// Its agreement ended, and what it did not use up stays.
    #[error("its agreement ended, and the source's on_end is stop: {0}")]
    Ended(String),
    /// Not settled in the backup that the ledger was restored from.
    #[error("not settled when the ledger was backed up, and then restored: its days may have moved since")]
    Restored,
}

impl Cause {
    /// The cause in one word, for grouping.
    pub fn word(&self) -> HeldCause {
        match self {
            Cause::Refused(..) => HeldCause::Refused,
            Cause::Balance(_) => HeldCause::Balance,
            Cause::Unauthorized => HeldCause::Unauthorized,
            Cause::UnknownChannel => HeldCause::ChannelUnknown,
            Cause::Below(..) => HeldCause::ActivetillBelow,
            Cause::TooOld(_) => HeldCause::TooOld,
            Cause::Unmoved => HeldCause::Unmoved,
            Cause::AcceptedUnmoved => HeldCause::AcceptedUnmoved,
            Cause::Conflict { .. } => HeldCause::EvidenceConflicts,
            Cause::Unobserved(_) => HeldCause::Unobserved,
            Cause::Refunded(_) => HeldCause::Refunded,
            Cause::Disputed(_) => HeldCause::Disputed,
            Cause::Stopped(_) => HeldCause::Stopped,
            Cause::Ended(_) => HeldCause::Ended,
            Cause::Restored => HeldCause::Restored,
        }
    }
}
