//! A frozen replay: the events, what would become of each payment, and how far it was published.

use serde::Serialize;

use crate::{
    domain::{Ms, closed::PaymentState},
    envelope::Trigger,
    ledger::db::way::Walked,
};

/// Which events a replay takes; all that is named must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// Provider's event id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Payment or transfer key, or a provider id that names the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// Channel of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// State of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PaymentState>,
    /// Source name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The provider's event type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// How it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Received at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Ms>,
    /// Received before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Ms>,
    /// Only what came from the dead queue.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
}

/// An event that a selection names; the next page goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The event's number in the ledger.
    pub number: i64,
    /// The time that the selection goes by.
    pub(in crate::ledger) at: Ms,
    /// The payment's key, where it goes by payments.
    pub(in crate::ledger) key: String,
    /// What it walks, the same for all pages.
    pub(in crate::ledger) walked: Option<Walked>,
}

/// One event of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its payment, or its event id where it names none.
    pub payment: String,
    /// Its number in the ledger; `None` where it came from a file.
    pub number: Option<i64>,
    /// Source name.
    pub source: String,
    /// The provider's event id.
    pub event_id: String,
    /// The provider's event type.
    pub event_type: String,
    /// Its bytes, where it came from a file.
    pub body: Option<Vec<u8>>,
}

/// A stored event, and where its payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentStanding {
    /// The event.
    pub candidate: Candidate,
    /// What a replay does where that is certain: the payment's days were granted before.
    pub skip: Option<super::view::Planned>,
}

closed! {
    /// Where a plan stands.
    PlanState {
        /// Being made, or left behind by a process that ended.
        Draft = "draft",
        /// May be applied.
        Ready = "ready",
        /// Being published.
        Running = "running",
        /// Stopped by a person; may go on.
        Paused = "paused",
        /// All its events are on the queue.
        Applied = "applied",
        /// Given up by a person; never goes on.
        Aborted = "aborted",
    }
}

closed! {
    /// What a replay would do with a payment.
    PlanVerdict {
        /// Days will move.
        Extend = "extend",
        /// Names contradict each other; will wait for a person.
        Conflict = "conflict",
        /// Will wait for a person.
        Held = "held",
        /// Credited or decided before.
        Skip = "skip",
    }
}

/// A plan without its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Its number in the ledger.
    #[serde(skip)]
    pub number: i64,
    /// Names it for people.
    pub hash: String,
    /// What was selected, as JSON.
    #[serde(serialize_with = "as_json")]
    pub selection: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created_at: Ms,
    /// Where it stands.
    pub state: PlanState,
    /// Who applied it.
    pub applied_by: Option<String>,
    /// When its state or progress last changed.
    pub changed_at: Ms,
    /// Events in it.
    pub events: u64,
    /// Events published so far.
    pub published: u64,
    /// What it says, counted.
    pub totals: Totals,
}

/// JSON that is kept as a text stands in other JSON as itself.
fn as_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

/// What a plan says, counted in payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All.
    pub payments: u64,
    /// Credited or decided before.
    pub skip: u64,
    /// Days will move.
    pub extend: u64,
    /// Will wait for a person.
    pub held: u64,
    /// Names contradict each other; will wait for a person.
    pub conflict: u64,
    /// Days of those that extend.
    pub days: u64,
}

/// How far a plan was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Position of the last event that the queue confirmed.
    pub position: i64,
    /// It was the last one.
    pub done: bool,
}

/// One payment of which a plan's word does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Payment key.
    pub payment: String,
    /// What the plan says.
    pub planned: String,
    /// What would happen now.
    pub now: String,
}
