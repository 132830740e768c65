//! Settings: `daybridge.toml`, each key overridable by `DAYBRIDGE_SECTION__KEY`. Read in two stages: what
//! was typed ([`load`]), then what it means together ([`check`]), all contradictions in one go.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::domain::allocation::slices;

/// From file and environment to [`Config`].
pub mod load;

/// Variables of the environment that set a key.
mod variables;

/// Days that move in slices.
mod allocation;

/// When somebody is told that the balance runs out.
mod balance;

/// When too many days move.
mod brake;

/// Relative paths.
mod anchor;

/// Contradictions, all in one go.
pub mod check;

/// What is probably not meant.
pub mod warn;

/// Who may look, and who may act.
pub mod console;

/// Secrets that stand in the file itself.
pub mod plain;

/// Providers as data.
pub mod preset;

/// What a source's payments buy, by period or amount.
pub mod days;

/// Webhook endpoints.
pub mod source;

/// Where the queue is.
pub mod queue_url;

/// Parameters of URLs.
pub mod parameters;

/// What a ledger's URL may say.
pub mod ledger_url;

/// What URL and settings say of a database server.
pub mod ledger_server;

/// Longest that one call to the partner may take.
pub const CALL_TIMEOUT_MAX: Duration = Duration::from_secs(300);

pub use crate::secret::Secret;
pub use allocation::AllocationSettings;
pub use balance::BalanceSettings;
pub use brake::BrakeSettings;
pub use console::ConsoleSettings;
pub use days::{Amount, Days};
pub use queue_url::QueueUrl;
pub use source::{PerDay, Price, Source};

/// The whole file.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The receiver.
    pub server: Server,
    /// Web console, health and metrics.
    pub console: ConsoleSettings,
    /// The broker.
    pub queue: QueueSettings,
    /// The way out.
    pub outbound: Outbound,
    /// The record.
    pub ledger: LedgerSettings,
    /// The partner's API and account.
    pub partner: PartnerSettings,
    /// Limits of the worker.
    pub worker: Worker,
    /// Days that move in slices.
    pub allocation: AllocationSettings,
    /// When somebody is told that the balance runs out.
    pub balance: BalanceSettings,
    /// When too many days move.
    pub brake: BrakeSettings,
    /// Webhook endpoints by name; each is served at `POST /webhooks/{name}`.
    pub sources: BTreeMap<String, Source>,
    /// Where this was read from.
    #[serde(skip)]
    pub file: Option<std::path::PathBuf>,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// `host:port` or `unix:/path`.
    pub listen: String,
    /// Addresses or networks whose `X-Forwarded-For` is believed; a UNIX socket's peer always is.
    pub trusted_proxies: Vec<String>,
    /// Longest body, in bytes; one more is answered 413.
    pub max_body_bytes: usize,
    /// Memory for all bodies that come in or wait for the queue, in bytes; beyond it 503, the oldest unfinished first.
    pub bodies_bytes_max: usize,
    /// Longest time from accept to a whole request head, and between requests of one connection.
    #[serde(with = "humantime_serde")]
    pub head_timeout: Duration,
    /// Longest time for a whole body; over it: 408.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// Longest time a request waits for the queue's confirm; over it: 503.
    #[serde(with = "humantime_serde")]
    pub confirm_timeout: Duration,
    /// Most open connections over all threads; further ones wait. Fewer where the system allows fewer open files.
    pub connections_max: usize,
    /// Threads that serve requests.
    pub threads: usize,
    /// Longest time accepted requests may take to finish after a stop signal.
    #[serde(with = "humantime_serde")]
    pub stop_timeout: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            trusted_proxies: vec!["127.0.0.1".into(), "::1".into()],
            max_body_bytes: 1_048_576,
            bodies_bytes_max: 16_777_216,
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            confirm_timeout: Duration::from_secs(8),
            connections_max: 4096,
            threads: 2,
            stop_timeout: Duration::from_secs(15),
        }
    }
}

/// `[queue]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSettings {
    /// `embedded`, `embedded:/path`, or `amqp://…` / `amqps://…`; several cluster hosts as
    /// `amqp://user:pw@a:5672,b:5672/%2f`.
    pub url: QueueUrl,
    /// PEM file of the private CA that signed the broker's certificate; trusted beside the system's, for the broker and
    /// for `management_url`.
    pub ca: Option<PathBuf>,
    /// PEM file with this client's certificate and those between it and its CA, for a broker that asks for one.
    pub client_cert: Option<PathBuf>,
    /// PEM file with the key of `client_cert`.
    pub client_key: Option<PathBuf>,
    /// Who makes exchanges and queues.
    pub topology: Topology,
    /// Publishes waiting for their confirm, over all requests; one more is answered 503.
    pub in_flight_max: usize,
    /// Unanswered messages in the worker's hands.
    pub prefetch: u16,
    /// Seconds between heartbeats; a silent broker is given up after two.
    pub heartbeat: u16,
    /// Tries of one message before it goes to `daybridge.dead`; only crashes of the worker use them up.
    pub delivery_limit: u16,
    /// RabbitMQ's management API, `http://user:password@host:15672`: where policies that lose messages are seen.
    pub management_url: Option<Secret>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            url: QueueUrl::default(),
            ca: None,
            client_cert: None,
            client_key: None,
            topology: Topology::Declare,
            in_flight_max: 4096,
            prefetch: 64,
            heartbeat: 10,
            delivery_limit: 20,
            management_url: None,
        }
    }
}

/// See [`Queue::topology`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// daybridge, where they are missing.
    Declare,
    /// The broker's administrator: daybridge looks whether they are there, and needs no right to configure.
    Verify,
}

/// `[outbound]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// The HTTP proxy through which every https call to the partner and the providers' APIs goes, by `CONNECT`:
    /// `http://user:password@host:3128`. Never taken from the environment.
    pub proxy: Option<Secret>,
}

/// `[ledger]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerSettings {
    /// `sqlite:path` or `postgres://…`.
    pub url: Secret,
    /// PEM file of the private CA that signed the PostgreSQL server's certificate; trusted beside the system's. With it,
    /// certificate and name are checked where the URL says no `sslmode`.
    pub ca: Option<PathBuf>,
    /// PEM file with this client's certificate and those between it and its CA, for a server that asks for one.
    pub client_cert: Option<PathBuf>,
    /// PEM file with the key of `client_cert`, which not every user of the machine may read.
    pub client_key: Option<PathBuf>,
    /// Connections to PostgreSQL; SQLite uses one to write and this many to read.
    pub connections_max: u32,
    /// How days are allocated: by [`crate::config::AllocationSettings`], the sources and the partner's comment.
    #[serde(skip)]
    pub allocation: slices::Allocation,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            url: Secret::plain("sqlite:daybridge.db"),
            ca: None,
            client_cert: None,
            client_key: None,
            connections_max: 8,
            allocation: slices::Allocation::default(),
        }
    }
}

/// `[partner]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartnerSettings {
    /// Base of the API; https unless it is on this machine.
    pub base_url: String,
    /// Name of the partner account; part of a channel's identity.
    pub account: String,
    /// The partner token.
    pub token: Option<Secret>,
    /// Longest time one call may take.
    #[serde(with = "humantime_serde")]
    pub call_timeout: Duration,
    /// How long a doubtful call is watched; must exceed `call_timeout`.
    #[serde(with = "humantime_serde")]
    pub settle_window: Duration,
    /// What follows when a doubtful call's channel did not move through the window.
    pub on_unmoved: OnUnmoved,
    /// Calls to the partner per second, per worker process.
    pub calls_per_second_max: u32,
    /// Switch a channel to live after its days were extended.
    pub ensure_live: bool,
    /// Text sent with each extension.
    pub comment: String,
    /// How far the partner's clock and ours may differ.
    #[serde(with = "humantime_serde")]
    pub skew: Duration,
    /// That of [`Outbound`].
    #[serde(skip)]
    pub proxy: Option<Secret>,
}

impl Default for PartnerSettings {
    fn default() -> Self {
        Self {
            base_url: "https://manager.whapi.cloud".into(),
            account: "main".into(),
            token: None,
            call_timeout: Duration::from_secs(30),
            settle_window: Duration::from_secs(15 * 60),
            on_unmoved: OnUnmoved::Retry,
            calls_per_second_max: 10,
            ensure_live: true,
            comment: "daybridge {key} {days}d".into(),
            skew: Duration::from_secs(60),
            proxy: None,
        }
    }
}

/// See [`Partner::on_unmoved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnmoved {
    /// One further attempt, ever.
    Retry,
    /// A person decides.
    Hold,
}

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Channels worked on at the same time.
    pub channels_max: usize,
    /// Deliveries recorded at the same time.
    pub intake_max: usize,
    /// Longest time between two looks into the ledger for due work that another worker recorded.
    #[serde(with = "humantime_serde")]
    pub poll: Duration,
    /// How long a provider's API that failed is left alone, and how often what waits for it is asked for again.
    #[serde(with = "humantime_serde")]
    pub fetch_again: Duration,
    /// Unclear outcomes in a row, over all channels, that open the circuit breaker.
    pub breaker_unclear_max: u32,
    /// How long the open breaker waits before it probes with a read.
    #[serde(with = "humantime_serde")]
    pub breaker_pause: Duration,
    /// How long the account's calls rest after the partner refused for balance or token, before one probe.
    #[serde(with = "humantime_serde")]
    pub account_probe: Duration,
    /// Longest time calls in hand may take to finish after a stop signal.
    #[serde(with = "humantime_serde")]
    pub stop_timeout: Duration,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            channels_max: 64,
            intake_max: 16,
            poll: Duration::from_secs(1),
            fetch_again: Duration::from_secs(15),
            breaker_unclear_max: 5,
            breaker_pause: Duration::from_secs(30),
            account_probe: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(40),
        }
    }
}
