//! The names of exchanges, queues and routing keys.

/// Where every publish goes.
pub(super) const EXCHANGE: &str = "daybridge";

/// Routing key of accepted deliveries.
pub(super) const EVENTS_KEY: &str = "events";

/// Routing key of probes.
pub(super) const PROBE_KEY: &str = "probe";

/// Exchange and queue of dead letters.
pub(super) const DEAD: &str = "daybridge.dead";

/// Exchange and queue of what no binding takes.
pub(super) const UNROUTABLE: &str = "daybridge.unroutable";

/// The queue of accepted deliveries.
pub(super) const EVENTS: &str = "daybridge.events";

/// The queue of probes. Bound to [`EXCHANGE`], for which every role has its permissions.
pub(super) const PROBE_QUEUE: &str = "daybridge.probe";
