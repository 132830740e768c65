//! Channels: what was read of them, and where their calls are paused.

use serde::Serialize;

use crate::{
    domain::{Ms, closed::PauseCause, payment::agreement::AgreementState},
    ledger::Scope,
};

/// A channel that days were planned for, or that the partner lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRow {
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// What persons call it, as the partner lists it.
    pub name: Option<String>,
    /// Its phone number, likewise.
    pub phone: Option<String>,
    /// `activeTill` as the ledger can explain it or as the partner lists it, whichever is later; `None`: never read.
    pub active_till: Option<Ms>,
    /// Mode at that reading.
    pub mode: Option<String>,
    /// Days that are owed on it.
    pub owed: i64,
    /// Its last granted payment.
    pub payment: Option<String>,
    /// When that was first seen.
    pub paid_at: Option<Ms>,
    /// Where that payment's agreement stands.
    pub agreement: Option<AgreementState>,
    /// When the partner last listed it; `None`: not in the last two lists.
    pub listed_at: Option<Ms>,
    /// Days of all its transfers that were not cancelled.
    pub days_bought: i64,
    /// Those that are on it.
    pub days_moved: i64,
    /// Unexplained movements.
    pub movements: i64,
}

/// A reading above what the ledger explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MovementRow {
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// When it was read.
    pub at: Ms,
    /// What the ledger could explain.
    pub from: Ms,
    /// What was read.
    pub to: Ms,
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Where.
    pub scope: Scope,
    /// What brought it on.
    pub cause: PauseCause,
    /// Since when.
    pub since: Ms,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}
