//! What several suites need.

/// A provider's API in a test's hands.
pub(crate) mod api;

/// A private certificate authority.
pub(crate) mod authority;

/// A headless browser.
pub(crate) mod browser;

/// daybridge's own processes.
pub(crate) mod daybridge;

/// A small disk that can be filled.
pub(crate) mod disk;

/// HTTP requests as raw bytes.
pub(crate) mod http;

/// A stand-in for Stripe's API.
pub(crate) mod localstripe;

/// Metrics as a scraper reads them.
pub(crate) mod metrics;

/// A private pool before PostgreSQL.
pub(crate) mod pgbouncer;

/// A private PostgreSQL cluster.
pub(crate) mod postgres;

/// A private RabbitMQ node.
pub(crate) mod rabbitmq;

/// A database seen from outside.
pub(crate) mod sql;

/// Waits on marks with a deadline.
pub(crate) mod wait;
