//! A worker's heartbeat in the ledger: while one is fresh, the ledger cannot be declared restored.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::away;
use crate::ledger::Ledger;

/// Between two heartbeats.
pub const BEAT_EVERY: Duration = Duration::from_secs(5);

/// Does the work that claims channels, with heartbeats from before it begins until it has ended. It does not begin before
/// the first heartbeat is in the ledger.
pub async fn during(ledger: Arc<Ledger>, stop: CancellationToken, work: impl Future<Output = ()>) {
    let worker = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
    let mut tries = 0;
    while let Err(error) = ledger.beat(&worker).await {
        if stop.is_cancelled() {
            return;
        }
        tracing::warn!(%error, "no heartbeat could be written to the ledger; trying again");
        away(&mut tries, &stop).await;
    }
    let end = CancellationToken::new();
    let beating = tokio::spawn(beat(ledger.clone(), worker.clone(), end.clone()));
    work.await;
    end.cancel();
    let _ = beating.await;
    // Where this fails, the last heartbeat grows old by itself.
    let _ = ledger.rest(&worker).await;
}

/// A heartbeat that cannot be written is not missed: while the ledger is away, the worker can do nothing either.
async fn beat(ledger: Arc<Ledger>, worker: String, end: CancellationToken) {
    while tokio::time::timeout(BEAT_EVERY, end.cancelled()).await.is_err() {
        let _ = ledger.beat(&worker).await;
    }
}
