//! What persons did, planned and saved.

use serde::Serialize;

use crate::domain::Ms;

/// One act in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// Counts up.
    pub number: i64,
    /// When.
    pub at: Ms,
    /// Who.
    pub who: String,
    /// What.
    pub action: String,
    /// On what.
    pub key: String,
    /// Why.
    pub reason: String,
    /// What it was.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// What a replay would do with one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Payment key, or the event id where the event names no payment.
    pub payment: String,
    /// `skip`, `extend`, `held` or `conflict`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Days, where known.
    pub days: Option<u32>,
    /// `activeTill` of the channel as the ledger knows it, where days would move.
    pub active_till_before: Option<Ms>,
    /// And after, if it runs; an expired channel counts from now.
    pub active_till_after: Option<Ms>,
}

/// A filter of the console that a user gave a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// The query of the page's address.
    pub query: String,
}
