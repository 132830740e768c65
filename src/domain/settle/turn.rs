//! What a step of a transfer goes by, and what it comes to.

use super::{
    super::{
        Ms,
        channel::{Channel, Movement},
    },
    Call, Policy, State,
};
use crate::domain::allocation::slices::Ahead;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new state, to be committed first.
    pub state: State,
    /// The channel as known now, committed with it.
    pub channel: Channel,
    /// What to do then.
    pub effect: Effect,
    /// Movement that the ledger cannot explain, to be recorded with it.
    pub movement: Option<Movement>,
    /// What it says about the account.
    pub account: Option<AccountSignal>,
}

/// What the driver does after it committed the new state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Read the channel.
    Read,
    /// Extend the channel, once, unless the deadline has passed.
    Call,
    /// Leave the transfer until it is due again.
    Rest,
}

/// What a step learned about the account as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountSignal {
    /// No days left: no call until a probe succeeds.
    NoBalance,
    /// The token is refused: no call and no read until a probe succeeds.
    NoToken,
    /// A read succeeded.
    Reads,
    /// An extension was applied.
    Extends,
}

/// What does not change within a step.
pub(super) struct Turn<'a> {
    pub(super) days: u32,
    pub(super) epoch: i64,
    pub(super) now: Ms,
    pub(super) policy: &'a Policy,
}

/// What stays the same until a planned transfer is called.
pub(super) struct Plan {
    pub(super) since: Ms,
    pub(super) tries: u32,
    pub(super) lag_since: Option<Ms>,
    pub(super) lag_reads: u32,
    pub(super) last: Option<Call>,
    pub(super) retried: bool,
    pub(super) ahead: Option<Ahead>,
}
