//! Webhooks in. The receiver knows the queue and nothing else: it verifies the raw bytes, publishes, and
//! answers 200 only after the confirm.

/// Signature schemes: verify raw bytes, sign samples.
pub mod signature;

/// Who called, for log lines.
pub mod client_address;

/// Memory for bodies.
mod budget;

/// Cuts connections that are silent or slow between requests.
mod deadline;

/// What the receiver says.
mod answer;

/// Bounded reading of a request's body.
mod body;

/// What was refused, counted.
mod refused;

/// Log lines of what was refused: the first at once, then counts.
mod refusal_log;

/// The configured webhook endpoints, with their secrets.
mod endpoint;

/// One request from its bytes to its answer.
mod receiver;

/// The listener: start, limits, graceful stop.
pub mod server;

pub use endpoint::Sources;
pub use refused::{Refused, RefusedRow};
pub use server::{Address, Running, StartError, serve};

/// Every webhook's path is this and the source's name.
pub const WEBHOOKS: &str = "/webhooks/";
