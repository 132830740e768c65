//! The partner's API behind one trait. A call is made once: fresh connection, no redirect, no retry in any
//! layer; what came back becomes a closed [`Reply`]. A channel's own token is dropped while parsing.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    config,
    domain::{
        Ms,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ReadError, Reading, Reply},
    },
};

/// The door to the partner.
#[async_trait]
pub trait Partner: Send + Sync {
    /// `GET /channels/{id}`; may be repeated.
    async fn read(&self, channel: &ChannelId) -> Result<Reading, ReadError>;
    /// `POST /channels/{id}/extend`, once. `trace_id` goes to the log line only.
    async fn extend(&self, channel: &ChannelId, days: u32, comment: &str, trace_id: &str) -> Reply;
    /// `PATCH /channels/{id}/mode {"mode":"live"}`; idempotent, may be repeated.
    async fn make_live(&self, channel: &ChannelId) -> Result<(), ReadError>;
    /// `DELETE /channels/{id}`, once.
    async fn delete(&self, channel: &ChannelId) -> Deletion;
    /// `GET /channels/list?count&offset`: at most `count` channels after the first `offset`; may be repeated.
    async fn list(&self, offset: u32, count: u32) -> Result<ChannelPage, ReadError>;
    /// Checks address and token with a harmless read (`GET /channels/list?count=1`), for `check`.
    async fn health(&self) -> Result<(), ReadError>;
    /// What time it is there, by any answer's `Date`; `None`: it does not answer, or does not tell.
    async fn clock(&self) -> Option<Ms>;
}

/// Opens the client the settings describe.
pub fn open(settings: &config::PartnerSettings) -> anyhow::Result<Arc<dyn Partner>> {
    Ok(Arc::new(client::Client::new(settings)?))
}

/// The HTTP client.
pub mod client;

/// From status and body to a closed answer.
pub mod answer;

/// The answer to a deletion.
mod deletion;

/// The list of channels.
mod listing;
