//! What is owed on a channel, and what is known of the balance that it comes from.

use serde::Serialize;

use super::{channel::ChannelRow, transfer::TransferRow};
use crate::domain::{
    Ms,
    closed::{HeldCause, PaymentState},
};

/// A channel with the payments whose days are owed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelWhole {
    /// The channel.
    #[serde(flatten)]
    pub channel: ChannelRow,
    /// Whose days are owed; of those in slices the oldest first.
    pub payments: Vec<OwedPayment>,
    /// The next slice, where one is planned.
    pub next: Option<TransferRow>,
}

/// A payment of which days are owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwedPayment {
    /// `realm/payment`
    pub key: String,
    /// Where it stands.
    pub state: PaymentState,
    /// Days bought.
    pub days: u32,
    /// Of these: on the channel, or on their way.
    pub moved: u32,
    /// Of these: still to move.
    pub owed: u32,
    /// They move in slices.
    pub sliced: bool,
    /// Why none of them move although others of the channel do.
    pub stopped: Option<HeldCause>,
}

/// A slice that is late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LateSlice {
    /// When it was to be sent, or since when it is held for the balance or the token.
    pub since: Ms,
    /// The slice.
    #[serde(flatten)]
    pub transfer: TransferRow,
}

closed! {
    /// What is known of a balance.
    MarkKind {
        /// So many days are on it.
        Set = "set",
        /// So many were added.
        Add = "add",
        /// So many came back from a channel that was deleted.
        Returned = "returned",
    }
}

/// What is known of a partner account's balance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Balance {
    /// The partner account.
    pub account: String,
    /// When a person last said what is on it; `None`: nobody did.
    pub marked_at: Option<Ms>,
    /// Days on it at least; `None`: nothing is known, or the mark is stale.
    pub low: Option<i64>,
    /// Days on it at most.
    pub high: Option<i64>,
    /// What was said does not fit what happened since: it is to be said again.
    pub stale: bool,
    /// Days moved since.
    pub moved: i64,
    /// Days on their way, or in doubt.
    pub open: i64,
    /// Days by which channels moved since that nothing here explains.
    pub unexplained: i64,
    /// So many days were refused since.
    pub refused: Option<i64>,
    /// Days owed in all.
    pub owed: i64,
    /// Of these: that move within so many days.
    pub committed: Vec<Committed>,
    /// Channels that have run out while days are owed on them.
    pub dark: usize,
    /// Channels whose slice is more than an hour late.
    pub late: usize,
    /// Even at most it is less than what is committed within a day.
    pub short: bool,
    /// Days granted a day, by the last 28 days.
    pub granted_a_day: f64,
    /// Days for which `low` is enough for what is committed; 365: a year or more.
    pub runway_days: Option<u32>,
}

/// What is known of a balance, and what will be needed of it day by day.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The balance.
    pub balance: Balance,
    /// Each day from now on; what is late is the first one's.
    pub needs: Vec<Need>,
}

/// Days that move on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Of those that are owed.
    pub committed: i64,
    /// For new payments, as they came until now.
    pub new: i64,
}

/// Days that move until then, and what new payments add as they came until now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Committed {
    /// Within so many days.
    pub within_days: u32,
    /// Days owed that move.
    pub committed: i64,
    /// And with new payments.
    pub expected: i64,
}

/// Days that persons granted for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// As they gave it.
    pub reason: String,
    /// How many grants.
    pub grants: u32,
    /// Their days.
    pub days: i64,
}
