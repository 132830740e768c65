//! Bounded reading of a request's body: in bytes, in time and in memory.

use std::{sync::Arc, time::Duration};

use actix_http::{Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{
    answer::Answer,
    budget::{Budget, NoRoom, Room},
};

/// The limits of one body.
pub(super) struct Bounds {
    /// The request's `Content-Length`.
    pub(super) declared: Option<u64>,
    pub(super) bytes_max: usize,
    pub(super) timeout: Duration,
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
        let mut left = bounds.bytes_max;
        while let Some(chunk) = next(payload, &mut left).await? {
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
        let mut left = bounds.bytes_max;
        while next(payload, &mut left).await?.is_some() {}
        Ok::<(), Answer>(())
    };
    tokio::time::timeout(bounds.timeout, all).await.unwrap_or(Err(Answer::Slow))
}

async fn next(payload: &mut Payload, left: &mut usize) -> Result<Option<Bytes>, Answer> {
    match payload.next().await {
        None => Ok(None),
        Some(Ok(chunk)) => {
            *left = left.checked_sub(chunk.len()).ok_or(Answer::TooLong)?;
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
