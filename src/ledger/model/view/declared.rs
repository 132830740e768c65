//! What a declaration about the ledger as a whole did, or would do.

use serde::Serialize;

use crate::domain::Ms;

/// What the declaration of a restored ledger did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup knows everything until then.
    pub since: Ms,
    /// When it was declared.
    pub declared_at: Ms,
    /// Transfers that were not settled in the backup and are held now.
    pub held: u64,
}

/// What an act would be done to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Several {
    /// How many.
    pub count: u64,
    /// Their days in all.
    pub days: u64,
    /// Since when the oldest is there.
    pub oldest_at: Option<Ms>,
}

/// What became of a declaration that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// It had said that the backup knows everything until then.
    pub since: Ms,
    /// When it was declared.
    pub declared_at: Ms,
    /// Transfers that stand again where they stood.
    pub released: u64,
    /// Payments that were held for it since, and are read again by `held retry`.
    pub payments_held: u64,
}

/// A worker that runs, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerSeen {
    /// Process and host.
    pub worker: String,
    /// How long ago it said so.
    pub silent_ms: i64,
}

/// How far back a new ledger may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// What came in since then is granted.
    pub since: Ms,
    /// When the ledger was made.
    pub made_at: Ms,
}

/// A database server that is accepted instead of another one; system and timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failover {
    /// Before.
    pub was: String,
    /// Now.
    pub is: String,
}
