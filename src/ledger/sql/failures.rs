//! A connection may outlive what broke on it: SQLite rolls a transaction back by itself when the disk is full, sqlx
//! still counts it, and the connection never begins another; a session of a PostgreSQL that was demoted stays read-only.
//! So after a failure that is neither a conflict nor the statement's own fault, every connection made before it is closed
//! instead of used again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// When a connection failed last.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures(Arc<Mutex<Option<Instant>>>);

impl Failures {
    /// A connection failed now.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age was there when one failed.
    pub(super) fn spoil(&self, age: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| age >= at.elapsed())
    }
}
