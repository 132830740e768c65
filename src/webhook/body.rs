//! Bounded reading of a request's body: in bytes, in time and in memory.

use std::{sync::Arc, time::Duration};

use actix_http::{Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{
    answer::Answer,
    budget::{Budget, NoRoom, Room},
    deadline::Clock,
};

/// Chunks of a body after which it is looked at how long they are.
const CHUNKS_FREE: usize = 4_096;

/// A body of more chunks, shorter than this on average, is read slowly: no client sends such, and a stranger's would cost
/// as much work as a hundred of the same length.
const CHUNK_BYTES_MIN: usize = 16;

/// The limits of one body.
pub(super) struct Bounds {
    /// The request's `Content-Length`.
    pub(super) declared: Option<u64>,
    pub(super) bytes_max: usize,
    pub(super) timeout: Duration,
    /// Of its connection.
    pub(super) clock: Option<Clock>,
}

/// What came so far.
#[derive(Default)]
struct Came {
    bytes: usize,
    chunks: usize,
}

impl Bounds {
    /// What was declared, where it is not too long.
    fn declared(&self) -> Result<Option<usize>, Answer> {
        let fits = |bytes| usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.bytes_max);
        self.declared.map(|bytes| fits(bytes).ok_or(Answer::TooLong)).transpose()
    }
}

/// Reads the whole body and keeps it.
pub(super) async fn read(
    payload: &mut Payload,
    bounds: Bounds,
    budget: &Arc<Budget>,
) -> Result<(Bytes, Room), Answer> {
    let coming = budget.begin(bounds.declared()?);
    let all = async {
        let mut came = Came::default();
        while let Some(chunk) = next(payload, &bounds, &mut came).await? {
            coming.keep(&chunk)?;
        }
        Ok::<(), Answer>(())
    };
    tokio::time::timeout(bounds.timeout, all).await.unwrap_or(Err(Answer::Slow))?;
    Ok(coming.whole()?)
}

/// Reads the whole body and keeps nothing: it is answered the same, whatever stands in it.
pub(super) async fn drain(payload: &mut Payload, bounds: Bounds) -> Result<(), Answer> {
    bounds.declared()?;
    let all = async {
        let mut came = Came::default();
        while next(payload, &bounds, &mut came).await?.is_some() {}
        Ok::<(), Answer>(())
    };
    tokio::time::timeout(bounds.timeout, all).await.unwrap_or(Err(Answer::Slow))
}

async fn next(payload: &mut Payload, bounds: &Bounds, came: &mut Came) -> Result<Option<Bytes>, Answer> {
    match payload.next().await {
        None => Ok(None),
        Some(Ok(chunk)) => {
            came.bytes = came.bytes.saturating_add(chunk.len());
            came.chunks = came.chunks.saturating_add(1);
            if came.bytes > bounds.bytes_max {
                return Err(Answer::TooLong);
            }
            if came.chunks > CHUNKS_FREE
                && came.bytes < came.chunks.saturating_mul(CHUNK_BYTES_MIN)
                && let Some(clock) = &bounds.clock
            {
                clock.slow_down();
            }
            Ok(Some(chunk))
        }
        Some(Err(PayloadError::Overflow)) => Err(Answer::TooLong),
        Some(Err(_)) => Err(Answer::Broken),
    }
}

impl From<NoRoom> for Answer {
    fn from(_: NoRoom) -> Self {
        Answer::Crowded
    }
}
