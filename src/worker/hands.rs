//! The channels that a worker has in hand, a bounded number at once. Who records a payment takes its channel in the same
//! transaction where there is room, so that nobody has to look for it; where channels wait already, theirs is the turn.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    domain::Ms,
    ledger::{Claim, Take},
};

/// See the module.
#[derive(Clone)]
pub struct Hands {
    /// Of this process; stands in the rows of its channels.
    worker: Arc<str>,
    lease_ms: i64,
    free: Arc<Semaphore>,
    /// Channels wait for a free hand.
    behind: Arc<AtomicBool>,
    count: u32,
    taken: Arc<AtomicU64>,
    given: mpsc::UnboundedSender<(Hand, Claim)>,
}

/// Room for one channel.
pub struct Hand {
    token: String,
    lease_until: Ms,
    _permit: OwnedSemaphorePermit,
}

impl Hand {
    /// For the ledger.
    pub fn take(&self) -> Take<'_> {
        Take { token: &self.token, lease_until: self.lease_until }
    }

    /// Until when a channel taken with it is ours.
    pub fn lease_until(&self) -> Ms {
        self.lease_until
    }
}

impl Hands {
    /// So many, for leases of so long; and where channels come from that were taken while their payments were recorded.
    pub fn new(count: usize, lease_ms: i64) -> (Self, mpsc::UnboundedReceiver<(Hand, Claim)>) {
        let (given, come) = mpsc::unbounded_channel();
        let worker = format!("{}-{:08x}", std::process::id(), fastrand::u32(..)).into();
        let free = Arc::new(Semaphore::new(count));
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        (Self { worker, lease_ms, free, count, behind: Arc::default(), taken: Arc::default(), given }, come)
    }

    /// The worker's name.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// A free one, whoever waits.
    pub fn any(&self, now: Ms) -> Option<Hand> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let token = format!("{}/{number}", self.worker);
        Some(Hand { token, lease_until: now.saturating_add(self.lease_ms), _permit: permit })
    }

    /// A free one for a payment that is recorded, unless channels wait already.
    pub fn for_fresh(&self, now: Ms) -> Option<Hand> {
        if self.is_behind() { None } else { self.any(now) }
    }

    /// Says whether channels wait for a free hand.
    pub fn set_behind(&self, behind: bool) {
        self.behind.store(behind, Ordering::Relaxed);
    }

    /// Whether they do.
    pub fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Waits until none holds anything.
    pub async fn empty(&self) {
        let _ = self.free.acquire_many(self.count).await;
    }

    /// Gives a channel that was taken to who works on channels. Where that one has ended, the lease ends it.
    pub fn give(&self, hand: Hand, claim: Claim) {
        let _ = self.given.send((hand, claim));
    }
}
