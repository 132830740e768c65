//! What a process knows of its database beside what stands in it.

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock},
};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Place {
    /// SQLite's.
    pub(in crate::ledger) file: Option<PathBuf>,
    /// For people; no password.
    pub(in crate::ledger) name: String,
    /// How its server is asked who it is; `None`: it is a file, or does not tell.
    pub(in crate::ledger) question: OnceLock<Option<&'static str>>,
    /// The server that was seen last.
    pub(in crate::ledger) seen: Mutex<Option<Seen>>,
}

/// A server, and how many a person has accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Seen {
    pub(in crate::ledger) server: String,
    pub(in crate::ledger) servers: i64,
}
