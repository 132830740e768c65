//! Events, one row for each delivery.

use serde::Serialize;

use crate::{
    domain::{Ms, closed::HeldCause},
    envelope::Trigger,
    ledger::DeliveryOutcome,
};

closed! {
    /// What became of an event: how it ended, and of one that granted days how far they are.
    EventOutcome {
        /// The days that it granted are on the channel.
        Credited = "credited",
        /// The days that it granted are on their way.
        Pending = "pending",
        /// Its payment was granted before.
        Duplicate = "duplicate",
        /// Money went back; kept with its payment.
        Refund = "refund",
        /// Kept with its payment; no money by itself.
        Link = "link",
        /// Not needed, or its days will not move.
        Ignored = "ignored",
        /// It, its payment or the transfer of its days waits for a person.
        Held = "held",
    }
}

impl EventOutcome {
    /// What an ending is shown as; `None`: the transfer tells.
    pub fn of(ended: DeliveryOutcome) -> Option<Self> {
        match ended {
            DeliveryOutcome::Granted => None,
            DeliveryOutcome::Duplicate => Some(Self::Duplicate),
            DeliveryOutcome::Refund => Some(Self::Refund),
            DeliveryOutcome::Link => Some(Self::Link),
            DeliveryOutcome::Ignored => Some(Self::Ignored),
            DeliveryOutcome::Held => Some(Self::Held),
        }
    }
}

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
    /// How it came.
    pub trigger: Trigger,
    /// What became of it.
    pub outcome: EventOutcome,
    /// The cause, where it or its payment is held.
    pub cause: Option<HeldCause>,
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
