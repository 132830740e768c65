//! What waits for a person.

use serde::Serialize;

use super::CallOutcome;
use crate::domain::{Ms, closed::HeldCause};

closed! {
    /// What waits for a person.
    HeldKind {
        /// All calls, on another database server than before.
        Ledger = "ledger",
        /// The calls of a partner account.
        Account = "account",
        /// A transfer.
        Transfer = "transfer",
        /// A payment.
        Payment = "payment",
        /// An event.
        Event = "event",
        /// A channel that is not live.
        Channel = "channel",
    }
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// What waits.
    pub kind: HeldKind,
    /// Event id, payment key, transfer key, `channel:account/channel`, or account name.
    pub key: String,
    /// The payment it concerns.
    pub payment: Option<String>,
    /// What for.
    pub cause: HeldCause,
    /// The sentence.
    pub reason: String,
    /// Whether its call may have been applied, for a transfer.
    pub outcome: Option<CallOutcome>,
    /// What to do.
    pub next: String,
    /// Since when.
    pub since: Ms,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Days, where known.
    pub days: Option<u32>,
    /// Keys by which Billing History may name it, where its days may have moved.
    pub history: Vec<String>,
    /// Who paid, and how much, where it is of a payment.
    #[serde(flatten)]
    pub payer: Payer,
}

/// Who paid, and how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Payer {
    /// The provider's account name.
    pub realm: Option<String>,
    /// Connected account.
    pub account: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// Smallest unit of the currency.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// The channel that this customer paid for last, in another payment.
    pub last_channel: Option<String>,
}

impl Held {
    /// Days that moved and are not covered by money any more, or are covered again and did not move: a person decides,
    /// and closes it.
    pub fn is_gap(&self) -> bool {
        matches!(self.cause, HeldCause::DaysSpent | HeldCause::DaysOwed)
    }

    /// An event that was not sent yet brings it on, and no other: what is stored says nothing new when it is read again.
    pub fn waits_for_event(&self) -> bool {
        matches!(self.cause, HeldCause::Unpaid | HeldCause::PaymentUnknown)
    }
}

/// Held things of one kind and cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGroup {
    /// What waits.
    pub kind: HeldKind,
    /// What for.
    pub cause: HeldCause,
    /// How many.
    pub count: u64,
    /// Their days, where known.
    pub days: u64,
    /// Since when the oldest waits.
    pub oldest: Ms,
}

/// Counts by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HeldCounts {
    /// Payments whose days moved.
    pub credited: u64,
    /// Transfers planned or intended.
    pub planned: u64,
    /// Transfers in doubt.
    pub doubtful: u64,
    /// Events, payments, transfers and channels that wait for a person.
    pub held: u64,
    /// When the oldest planned or doubtful transfer was planned.
    pub oldest_open_at: Option<Ms>,
}
