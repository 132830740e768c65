//! What the statements of a test cost: for the test that looks for those that grow with the ledger.

use std::sync::{Mutex, PoisonError};

use crate::ledger::Ledger;

impl Ledger {
    /// From now on every statement is explained before it runs, for [`plans_of_logged`](Self::plans_of_logged).
    #[doc(hidden)]
    pub fn log_statements(&self) {
        let _ = self.db.place().log.set(Mutex::default()); // Err: they are kept already
    }

    /// Each statement since the last time, with the plan of its last run.
    #[doc(hidden)]
    pub fn plans_of_logged(&self) -> Vec<(String, String)> {
        let Some(log) = self.db.place().log.get() else { return Vec::new() };
        std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }

    /// Pages that PostgreSQL read for the statements that were explained; 0 on SQLite.
    #[doc(hidden)]
    pub fn pages_of_logged(&self) -> u64 {
        self.db.place().counts.pages.load(std::sync::atomic::Ordering::Relaxed)
    }
}
