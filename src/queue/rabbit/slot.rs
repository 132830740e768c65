//! How many publishes may be on their way at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// One place among `[queue] in_flight_max`, given back when dropped.
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// `None`: all are taken.
    pub(super) fn take(taken: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        // The count guards no other memory.
        let before = taken.fetch_add(1, Ordering::Relaxed);
        let slot = Self(taken.clone());
        (before < max).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
