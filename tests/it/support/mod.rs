//! What several suites need.

/// A private RabbitMQ node.
pub(crate) mod rabbitmq;

/// Waits on marks with a deadline.
pub(crate) mod wait;
