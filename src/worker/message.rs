//! A message in hand, and its events.

use tokio::time::Instant;

use crate::{
    domain::facts::{Facts, Unread},
    envelope::{self, Envelope, Trigger, UNREADABLE},
};

/// A message in hand.
pub(super) struct Message {
    pub(super) parts: Vec<Part>,
    /// How many of them are in the ledger.
    pub(super) recorded: usize,
    /// How long a provider's API is asked for them.
    pub(super) until: Option<Instant>,
}

/// One event of a message.
pub(super) struct Part {
    pub(super) event: Envelope,
    /// `None`: it is to be read.
    pub(super) says: Option<Result<Facts, Unread>>,
    pub(super) dead: bool,
}

impl Part {
    pub(super) fn unread(event: Envelope) -> Self {
        Self { event, says: None, dead: false }
    }
}

/// Words for a message that has none; the delivery id is the body's, so that it is recorded once.
pub(super) fn unknown(body: &bytes::Bytes, received_at_ms: i64) -> Envelope {
    let digest = envelope::digest(body);
    Envelope {
        body: body.clone(),
        content_type: "application/octet-stream".into(),
        source: "unknown".into(),
        delivery: format!("undecodable-{digest}"),
        event_id: digest,
        event_type: UNREADABLE.into(),
        received_at_ms,
        trigger: Trigger::Webhook,
        traceparent: envelope::new_traceparent(),
    }
}
