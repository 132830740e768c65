//! A worker's word that it runs, as long as it does: a ledger is not declared restored under it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::away;
use crate::ledger::Ledger;

/// How often it says so.
pub const BEAT_EVERY: Duration = Duration::from_secs(5);

/// Says so until it is ended.
pub struct Heartbeat {
    ledger: Arc<dyn Ledger>,
    worker: String,
    end: CancellationToken,
    beating: JoinHandle<()>,
}

impl Heartbeat {
    /// The first word is in the ledger before any channel is claimed. `None`: the worker was stopped before.
    pub async fn begin(ledger: Arc<dyn Ledger>, stop: &CancellationToken) -> Option<Self> {
        let worker = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
        let mut tries = 0;
        while let Err(error) = ledger.beat(&worker).await {
            if stop.is_cancelled() {
                return None;
            }
            tracing::warn!(%error, "the ledger does not take this worker's word that it runs; trying again");
            away(&mut tries, stop).await;
        }
        let end = CancellationToken::new();
        let beating = tokio::spawn(beat(ledger.clone(), worker.clone(), end.clone()));
        Some(Self { ledger, worker, end, beating })
    }

    /// The worker has finished what it had in hand.
    pub async fn end(self) {
        self.end.cancel();
        let _ = self.beating.await;
        // Else its word grows old by itself.
        let _ = self.ledger.rest(&self.worker).await;
    }
}

/// A word that the ledger does not take is missed by nobody: while it is away, the worker can do nothing either.
async fn beat(ledger: Arc<dyn Ledger>, worker: String, end: CancellationToken) {
    while tokio::time::timeout(BEAT_EVERY, end.cancelled()).await.is_err() {
        let _ = ledger.beat(&worker).await;
    }
}
