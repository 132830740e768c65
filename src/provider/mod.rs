//! Webhooks in. The receiver knows the queue and nothing else: it verifies the raw bytes, publishes, and
//! answers 200 only after the confirm. Intake uses the same sources to read a body into
//! [`Facts`](crate::domain::facts::Facts).
//!
//! A provider is data: a signature scheme ([`signature::Scheme`]) and an event map ([`map::EventMap`]),
//! joined in a [`Preset`]; `stripe` is the first. One verifier and one reader serve all of them.
//! Rejected: a trait per provider. Providers differ in words, not in steps, and a table can be read beside
//! the provider's documentation.

/// Signature schemes: verify raw bytes, sign samples.
pub mod signature;

/// The shape of an event map.
pub mod map;

/// Walking a JSON value by paths.
mod path;

/// From a body to facts, by an event map.
pub mod read;

/// Event id and type of a body, at the price of one pass and no tree.
pub mod words;

/// Stripe's tables.
pub mod stripe;

/// The configured webhook endpoints, resolved.
pub mod source;

/// What a provider's own API tells of the past.
pub mod history;

/// Real-shaped event bodies for trying things out.
pub mod sample;

/// Who called, for log lines.
pub mod client_address;

/// Bounded reading of a request's body.
mod body;

/// What the receiver says.
mod answer;

/// One request from its bytes to its answer.
mod receiver;

/// Cuts connections that are silent or slow between requests.
mod deadline;

/// The listener: start, limits, graceful stop.
pub mod server;

pub use server::{Address, Running, StartError, serve};
pub use source::Sources;

/// Every webhook's path is this and the source's name.
pub const WEBHOOKS: &str = "/webhooks/";

/// One provider, as data.
#[derive(Debug)]
pub struct Preset {
    /// The word of the settings.
    pub name: &'static str,
    /// How its webhooks are signed.
    pub scheme: signature::Scheme,
    /// How its events are read.
    pub events: map::EventMap,
}

/// Every provider known.
pub const PRESETS: &[&Preset] = &[&stripe::PRESET];
