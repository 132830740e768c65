//! What travels on the queue: the body exactly as received, and the words that route and explain it.

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Version of the message format, sent as `x-daybridge-version`.
pub const VERSION: i64 = 1;

/// Longest source name, event id, event type and content type, in bytes; AMQP short strings end at 255
/// and `message_id` joins two of them.
pub const WORD_BYTES_MAX: usize = 120;

/// Event type of a body that cannot be read.
pub const UNREADABLE: &str = "unreadable";

closed! {
    /// Why a message is on the queue; the word on the wire and in the ledger.
    Trigger {
        /// The provider called the receiver.
        Webhook = "webhook",
        /// An operator applied a replay plan.
        Replay = "replay",
        /// The provider's own event list was asked for what it could not deliver.
        Backfill = "backfill",
    }
}

/// One delivery on its way from the receiver (or a replay) to intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The request body, byte for byte.
    pub body: Bytes,
    /// `Content-Type` of the request.
    pub content_type: String,
    /// Name of the source in the settings.
    pub source: String,
    /// The provider's event id; the body's digest where it has none or cannot be read.
    pub event_id: String,
    /// The provider's event type, or [`UNREADABLE`].
    pub event_type: String,
    /// When the receiver had the whole body, ms since epoch.
    pub received_at_ms: i64,
    /// Unique per accepted request; a broker's redelivery keeps it.
    pub delivery: String,
    /// Why it was published.
    pub trigger: Trigger,
    /// W3C trace context; its trace id is the request's id in every log line.
    pub traceparent: String,
}

impl Envelope {
    /// `source/event-id`, the AMQP `message_id`.
    pub fn message_id(&self) -> String {
        format!("{}/{}", self.source, self.event_id)
    }
}

/// SHA-256 of a body in lower-case hex.
pub fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A fresh delivery id.
pub fn new_delivery() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A fresh W3C `traceparent`.
pub fn new_traceparent() -> String {
    format!("00-{:032x}-{:016x}-01", fastrand::u128(1..), fastrand::u64(1..))
}

/// The trace id inside a `traceparent`; the whole text where it has no such part.
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or(traceparent)
}
