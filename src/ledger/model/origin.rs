//! The ledger as a whole: where it stands, when it was made, and what was asked of its database.

use crate::domain::Ms;

/// When and where the ledger was made, and how far back it may grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// When; `None`: before ledgers knew that.
    pub made_at: Option<Ms>,
    /// What was paid before is held; `None`: the ledger is older than this rule.
    pub grants_since: Option<Ms>,
    /// Nothing was ever recorded in it.
    pub empty: bool,
    /// Its file, or its server and database; no password.
    pub place: String,
    /// It is on a server that does not tell its timeline.
    pub failover_unnoticed: bool,
}

/// Statements and transactions of this process since it opened the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseCounts {
    /// Statements, without those that begin, lock and end.
    pub statements: u64,
    /// Transactions that wrote.
    pub commits: u64,
    /// Transactions that met another one and ran again.
    pub retries: u64,
    /// Steps of SQLite's machine; 0 elsewhere.
    pub steps: u64,
}

/// What stands where the settings name the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerState {
    /// A ledger of this program's schema.
    Whole,
    /// One of an older schema, which `run` or `work` brings up to date.
    Older {
        /// Its schema.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// Nothing yet, here.
    Missing(String),
}
