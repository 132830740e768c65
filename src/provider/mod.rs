//! Webhooks in. The receiver knows the queue and nothing else: it verifies the raw bytes, publishes, and
//! answers 200 only after the confirm. Intake uses the same sources to read a body into
//! [`Facts`](crate::domain::facts::Facts).
//!
//! A provider is data ([`config::preset`](crate::config::preset)): a signature scheme, an event map, and what is asked
//! of its API. One verifier and one reader serve all of them; the pages of those that come with us are in `presets/`.

/// Signature schemes: verify raw bytes, sign samples.
pub mod signature;

/// One message an event.
pub mod split;

/// Several events in one request.
pub mod items;

/// Reading JSON as it comes.
mod json;

/// Walking a JSON value by paths.
mod path;

/// Amounts, however written.
mod amount;

/// What an object tells of its payment.
mod object;

/// The money that went out again.
mod reversal;

/// Whose an event is.
mod whose;

/// A body that says not what is expected.
pub mod unreadable;

/// From a body to facts, by an event map.
pub mod read;

/// The door to a provider's API, and the network behind it.
mod wire;

/// What an event is about, asked for at the provider's API.
mod fetch;

/// When a provider's API is left alone.
mod circuit_breaker;

/// Event id and type of a body, at the price of one pass and no tree.
pub mod words;

/// Stripe's own lists of the past.
mod stripe;

/// The configured webhook endpoints, resolved.
pub mod source;

/// What a provider's own API tells of the past.
pub mod history;

/// Real-shaped event bodies for trying things out.
pub mod sample;

/// Who called, for log lines.
pub mod client_address;

/// Memory for bodies.
mod budget;

/// Bounded reading of a request's body.
mod body;

/// What the receiver says.
mod answer;

/// What was refused, counted.
mod refused;

/// Log lines of what was refused: the first at once, then counts.
mod refusal_log;

/// One request from its bytes to its answer.
mod receiver;

/// Cuts connections that are silent or slow between requests.
mod deadline;

/// The listener: start, limits, graceful stop.
pub mod server;

pub use refused::{Refused, RefusedRow};
pub use server::{Address, Running, StartError, serve};
pub use source::Sources;
pub use wire::{ANSWER_TIMEOUT, Trouble, Wire};

/// Every webhook's path is this and the source's name.
pub const WEBHOOKS: &str = "/webhooks/";
