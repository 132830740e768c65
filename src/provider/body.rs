//! Bounded reading of a request's body: in bytes and in time. A body that came in one piece is not copied;
//! one that is already here arms no timer (the body is polled before the clock).

use std::time::Duration;

use actix_http::{Payload, error::PayloadError};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::answer::Answer;

/// Reads the whole body; `declared` is the request's `Content-Length`.
pub(super) async fn read(
    payload: &mut Payload,
    declared: Option<u64>,
    bytes_max: usize,
    limit: Duration,
) -> Result<Bytes, Answer> {
    if declared.is_some_and(|bytes| usize::try_from(bytes).map_or(true, |bytes| bytes > bytes_max)) {
        return Err(Answer::TooLong);
    }
    tokio::time::timeout(limit, collect(payload, bytes_max)).await.unwrap_or(Err(Answer::Slow))
}

async fn collect(payload: &mut Payload, bytes_max: usize) -> Result<Bytes, Answer> {
    let Some(first) = next(payload, bytes_max).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(payload, bytes_max.saturating_sub(first.len())).await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next(payload, bytes_max.saturating_sub(whole.len())).await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

async fn next(payload: &mut Payload, bytes_max: usize) -> Result<Option<Bytes>, Answer> {
    match payload.next().await {
        None => Ok(None),
        Some(Ok(chunk)) if chunk.len() > bytes_max => Err(Answer::TooLong),
        Some(Ok(chunk)) => Ok(Some(chunk)),
        Some(Err(PayloadError::Overflow)) => Err(Answer::TooLong),
        Some(Err(_)) => Err(Answer::Broken),
    }
}
