//! A worker's turn at a channel: its claim, what there is to do, and what a step told.

use super::AccountHold;
use crate::domain::{Ms, allocation::brake::Lately, channel::Channel, id::ChannelId, settle::State};

/// A channel in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The partner account.
    pub account: String,
    /// The channel.
    pub channel: ChannelId,
    /// Counts the claims of the channel; every write of the turn checks it.
    pub epoch: i64,
}

/// A transfer to take a step with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// Days to move.
    pub days: u32,
    /// Comment to send.
    pub comment: String,
    /// Where it stands.
    pub state: State,
    /// Trace context of the delivery that planned it.
    pub traceparent: String,
}

/// What there is to do with a claimed channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// What is known of the channel.
    pub channel: Channel,
    /// The transfer that is due now: the one with an open outcome if there is one (none if that one is not
    /// due), else the oldest planned, else one that is still watched.
    pub transfer: Option<Transfer>,
    /// When the ledger was last declared restored: a call of before, which it does not know, may be applied to
    /// the channel until the settle window after that is over.
    pub restored_at: Option<Ms>,
    /// The ledger is on another database server than it was, and nobody has said yet that nothing was lost: whatever
    /// the turn is, no call is made.
    pub moved: bool,
    /// Why the account's calls rest, if they do.
    pub hold: Option<AccountHold>,
    /// Calls of everything, the account or the channel are paused.
    pub paused: bool,
    /// The transfer is a slice: for the brake its days counted when its payment was granted.
    pub sliced: bool,
    /// At least what was settled or granted lately; the account's channels are not counted.
    pub lately: Lately,
}

/// What committing a step told besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advanced {
    /// The account is held.
    pub held: bool,
    /// When the receiver accepted the first delivery of the payment, where its transfer was settled by this step.
    pub accepted_at: Option<Ms>,
    /// When the channel is due again, where it was given back.
    pub due: Option<Ms>,
}
