//! What proves that the broker stores: a confirm, and nothing else. A cluster that lost its majority still takes
//! connections and declares; a full queue too.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::queue::{NotConfirmed, QueueError};

/// How long a confirm proves that messages are stored.
const PROVEN_FOR: Duration = Duration::from_secs(2);

/// How long a message that was not stored counts, where none was stored since: the next one may be.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// When the broker last stored something, and when it last did not; over all publishers.
pub(super) struct Proof {
    began: Instant,
    /// In ms since `began`, at least 1; 0: never.
    stored_at: AtomicU64,
    refused_at: AtomicU64,
    /// An empty message was stored.
    probed_at: AtomicU64,
}

impl Proof {
    pub(super) fn new() -> Self {
        let never = || AtomicU64::new(0);
        Self { began: Instant::now(), stored_at: never(), refused_at: never(), probed_at: never() }
    }

    /// An event was published with this outcome. What never left says nothing about the broker's queues.
    pub(super) fn note(&self, outcome: &Result<(), NotConfirmed>) {
        let at = match outcome {
            Ok(()) => &self.stored_at,
            Err(NotConfirmed::Refused | NotConfirmed::NoQueue | NotConfirmed::Timeout(_)) => &self.refused_at,
            Err(NotConfirmed::Unreachable | NotConfirmed::Blocked(_) | NotConfirmed::Busy) => return,
        };
        at.store(self.now(), Ordering::Relaxed);
    }

    /// A probe was stored.
    pub(super) fn probed(&self) {
        self.probed_at.store(self.now(), Ordering::Relaxed);
    }

    /// Whether something was stored lately. `Err`: what came last was not.
    pub(super) fn holds(&self) -> Result<bool, QueueError> {
        let [stored, refused, probed] =
            [&self.stored_at, &self.refused_at, &self.probed_at].map(|at| at.load(Ordering::Relaxed));
        let within =
            |at: u64, span: Duration| at > 0 && u128::from(self.now().saturating_sub(at)) < span.as_millis();
        if refused > stored && within(refused, REFUSED_FOR) {
            return Err(QueueError(
                "the broker did not store the last message: a full queue, a lost majority of its nodes, or a deleted \
                 queue; see `rabbitmqctl list_queues name messages state`"
                    .into(),
            ));
        }
        Ok(within(stored.max(probed), PROVEN_FOR))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}
