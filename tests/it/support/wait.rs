//! Waiting on a mark with a deadline instead of sleeping and hoping.

use std::time::Duration;

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The future's value; panics with `what` when it takes too long.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    within(PATIENCE, what, future).await
}

/// Likewise, where it may take so long: several doubts one after the other, each watched for its window.
pub(crate) async fn within<F: Future>(patience: Duration, what: &str, future: F) -> F::Output {
    tokio::time::timeout(patience, future).await.unwrap_or_else(|_| panic!("too long: {what}"))
}

/// Calls `look` until it gives something; panics with `what` when it takes too long.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    soon(what, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}
