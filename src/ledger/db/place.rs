//! What a process knows of its database beside what stands in it.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
};

use crate::domain::{Ms, allocation::slices::Allocation};

/// Tells a time, in ms.
pub trait Time: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Ms;
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Place {
    /// SQLite's.
    pub(in crate::ledger) file: Option<PathBuf>,
    /// For people; no password.
    pub(in crate::ledger) name: String,
    /// How its server is asked who it is; `None`: it is a file, or does not tell.
    pub(in crate::ledger) question: OnceLock<Option<&'static str>>,
    /// The run of a server that connections lead to; `None`: it is a file.
    pub(in crate::ledger) run: Mutex<Option<String>>,
    /// The server that was seen last.
    pub(super) seen: Mutex<Option<Seen>>,
    pub(in crate::ledger) counts: Counts,
    /// How days are allocated.
    pub(in crate::ledger) allocation: Mutex<Arc<Allocation>>,
    /// The balance is short: slices have one day.
    pub(in crate::ledger) short: AtomicBool,
    /// What time it is there, where that is not the database's to tell.
    pub(in crate::ledger) time: Option<Arc<dyn Time>>,
    /// The statements that were run, where a test has them explained.
    pub(in crate::ledger) log: OnceLock<Mutex<Log>>,
}

/// Each statement, with the plan of its last run, and the pages that PostgreSQL read for all of its runs.
pub(in crate::ledger) type Log = BTreeMap<String, (String, u64)>;

/// Statements and transactions of this process.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Counts {
    pub(in crate::ledger) statements: AtomicU64,
    pub(in crate::ledger) commits: AtomicU64,
    pub(in crate::ledger) retries: AtomicU64,
    pub(in crate::ledger) steps: AtomicU64,
}

impl Place {
    /// Now, where that is not the database's to tell.
    pub(in crate::ledger) fn time_told(&self) -> Option<Ms> {
        self.time.as_ref().map(|time| time.now())
    }

    /// How days are allocated.
    pub(in crate::ledger) fn allocation(&self) -> Arc<Allocation> {
        self.allocation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on.
    pub(in crate::ledger) fn allocate(&self, allocation: Allocation) {
        *self.allocation.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(allocation);
    }

    /// The server that was seen last.
    pub(in crate::ledger) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn sees(&self, server: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Notes where a new connection leads; whether that is elsewhere than the ones before. A former primary may go on
    /// taking what its old sessions write, and nothing of that is on the server that took over.
    pub(super) fn is_moved_to(&self, run: &str) -> bool {
        let mut known = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        known.replace(run.to_owned()).is_some_and(|before| before != run)
    }
}

/// A server, and how many a person has accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Seen {
    pub(in crate::ledger) server: String,
    pub(in crate::ledger) servers: i64,
}
