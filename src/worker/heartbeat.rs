//! A worker's word that it runs, as long as it does: a ledger is not declared restored under it.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::away;
use crate::ledger::Ledger;

/// How often it says so.
pub const BEAT_EVERY: Duration = Duration::from_secs(5);

/// Does the work that claims channels, and says so from before its beginning to its end. It is not begun where the worker
/// is stopped before its first word is in the ledger.
pub async fn during(ledger: Arc<dyn Ledger>, stop: CancellationToken, work: impl Future<Output = ()>) {
    let worker = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
    let mut tries = 0;
    while let Err(error) = ledger.beat(&worker).await {
        if stop.is_cancelled() {
            return;
        }
        tracing::warn!(%error, "the ledger does not take this worker's word that it runs; trying again");
        away(&mut tries, &stop).await;
    }
    let end = CancellationToken::new();
    let beating = tokio::spawn(beat(ledger.clone(), worker.clone(), end.clone()));
    work.await;
    end.cancel();
    let _ = beating.await;
    // Else its word grows old by itself.
    let _ = ledger.rest(&worker).await;
}

/// A word that the ledger does not take is missed by nobody: while it is away, the worker can do nothing either.
async fn beat(ledger: Arc<dyn Ledger>, worker: String, end: CancellationToken) {
    while tokio::time::timeout(BEAT_EVERY, end.cancelled()).await.is_err() {
        let _ = ledger.beat(&worker).await;
    }
}
