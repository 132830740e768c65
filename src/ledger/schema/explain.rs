//! What the statements of a test cost: for the test that looks for those that grow with the ledger.

use std::sync::{Mutex, PoisonError};

use crate::ledger::Ledger;

/// A statement that was explained before it ran.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its text.
    pub statement: String,
    /// The plan of its last run.
    pub plan: String,
    /// Pages that PostgreSQL read for all of its runs; 0 on SQLite.
    pub pages: u64,
}

impl Ledger {
    /// From now on every statement is explained before it runs, for [`explained`](Self::explained).
    #[doc(hidden)]
    pub fn explain_statements(&self) {
        let _ = self.db.place().log.set(Mutex::default()); // Err: they are explained already
    }

    /// The statements since the last time.
    #[doc(hidden)]
    pub fn explained(&self) -> Vec<Explained> {
        let Some(log) = self.db.place().log.get() else { return Vec::new() };
        let log = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        log.into_iter().map(|(statement, (plan, pages))| Explained { statement, plan, pages }).collect()
    }
}
