//! Events, one row for each delivery.

use serde::Serialize;

use crate::domain::Ms;

/// One delivery of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The provider's event id.
    pub event: String,
    /// Source.
    pub source: String,
    /// The provider's event type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Id of the delivery.
    pub delivery: String,
    /// `webhook`, `replay` or `backfill`.
    pub trigger: String,
    /// `credited`, `duplicate`, `refund`, `link`, `ignored`, `held`; `pending` until its transfer is settled.
    pub outcome: String,
    /// The cause in one word, where it or its payment is held.
    pub cause: Option<String>,
    /// The sentence with it.
    pub reason: Option<String>,
    /// When the receiver had it.
    pub received_at: Ms,
    /// When it was recorded.
    pub recorded_at: Ms,
    /// Its payment.
    pub payment: Option<String>,
}

/// An event with its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventWhole {
    /// The delivery.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 of the body.
    pub digest: String,
    /// Length of the body in bytes.
    pub bytes: usize,
    /// The body, where it is UTF-8.
    pub body: Option<String>,
}

/// Deliveries received in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// When the minute began.
    pub at: Ms,
    /// Deliveries.
    pub deliveries: i64,
}
