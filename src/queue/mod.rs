//! The broker behind one trait: RabbitMQ ([`rabbit`]) or a file on this machine ([`embedded`]).
//!
//! Cast: a *publisher* (receiver, replay) waits for [`Queue::publish`] to return before it tells anyone
//! that a message is safe. A *consumer* (intake) takes [`Delivery`]s, and answers each with exactly one of
//! [`Delivery::ack`], [`Delivery::dead`] or by dropping it (it comes again). Messages may come twice and
//! out of order; nobody behind this door may rely on once or on order.
//!
//! Not for: retries of business work. What could be read and recorded is acked; the ledger keeps the rest.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{config, envelope::Envelope};

/// Why a publish did not end in a confirm. All of them mean 503: the message may or may not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    /// The broker (or the disk) said no.
    #[error("the broker refused the message")]
    Refused,
    /// No queue of the broker took it.
    #[error("no queue of the broker took the message; the queues are declared again")]
    NoQueue,
    /// No connection, or it broke before the confirm came.
    #[error("the broker is not reachable")]
    Unreachable,
    /// The broker blocks publishers (memory or disk alarm).
    #[error("the broker blocks publishers: {0}")]
    Blocked(String),
    /// The confirm did not come in time.
    #[error("no confirm within {0:?}")]
    Timeout(Duration),
    /// More publishes in flight than the named limit.
    #[error("too many publishes in flight")]
    Busy,
}

/// What went wrong while opening or reading the queue; the text is for the operator.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct QueueError(pub String);

/// What the broker's administrator does to the queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policies {
    /// There are none here.
    None,
    /// They cannot be seen; this command keeps those of users away.
    Unseen {
        /// The command.
        shield: String,
    },
    /// How those in force lose accepted messages, a sentence each.
    Seen {
        /// The sentences.
        losses: Vec<String>,
        /// The command that keeps those of users away.
        shield: String,
    },
}

/// Which queue a consumer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Accepted deliveries on their way to intake.
    Events,
    /// What cannot be decoded or made the worker fail over and over.
    Dead,
    /// What the exchange could not route.
    Unroutable,
}

/// A message as it came off the queue: readable, or its bytes with the reason why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Decoded.
    Envelope(Envelope),
    /// The words around the body are missing or wrong.
    Undecodable {
        /// The body as it was on the queue.
        body: bytes::Bytes,
        /// What is wrong, in words for the operator; never quotes the body.
        reason: String,
    },
}

/// Answers for one message; implementations live beside their queue.
#[async_trait]
pub trait Answer: Send {
    /// The work is committed: forget the message. `Err`: it will come again.
    async fn ack(self: Box<Self>) -> Result<(), QueueError>;
    /// The message cannot be worked on: move it to [`Lane::Dead`]. `Err`: it will come again.
    async fn dead(self: Box<Self>) -> Result<(), QueueError>;
}

/// One message in a consumer's hands. Dropped unanswered, it comes again.
pub struct Delivery {
    /// What was read.
    pub content: Content,
    answer: Box<dyn Answer>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    /// Joins what was read with the way to answer it.
    pub fn new(content: Content, answer: Box<dyn Answer>) -> Self {
        Self { content, answer }
    }

    /// See [`Answer::ack`].
    pub async fn ack(self) -> Result<(), QueueError> {
        self.answer.ack().await
    }

    /// See [`Answer::dead`].
    pub async fn dead(self) -> Result<(), QueueError> {
        self.answer.dead().await
    }
}

/// A running consumer. Dropping it (or its connection breaking) gives every unanswered message back.
#[async_trait]
pub trait Consumer: Send {
    /// The next message. Cancel-safe. `Err`: this consumer is over; open a new one.
    async fn next(&mut self) -> Result<Delivery, QueueError>;
}

/// The door. One value serves the whole process and reconnects by itself.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Returns `Ok` only after the message is durably stored. Safe to call from many tasks at once;
    /// dropping the future abandons the wait, not the message.
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed>;
    /// The same queue with a publisher on the calling thread's own runtime, for a thread that publishes a lot:
    /// no other thread of this process is woken then. `None`: it would make no difference. Closed with `self`.
    fn on_this_thread(&self) -> Option<Arc<dyn Queue>> {
        None
    }
    /// Opens a consumer with at most `prefetch` unanswered messages.
    async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError>;
    /// Whether messages are stored now, for `check` and `/readyz`: a confirm (or a write) shows it, never a connection.
    async fn health(&self) -> Result<(), QueueError>;
    /// Looks whether policies lose accepted messages.
    async fn policies(&self) -> Result<Policies, QueueError> {
        Ok(Policies::None)
    }
    /// Number of messages waiting, for metrics and `check`; `None` where it cannot be told.
    async fn depth(&self, lane: Lane) -> Option<u64>;
    /// Finishes publishes in flight and closes connections, within a named limit.
    async fn close(&self);
}

/// What stands where the settings name the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueState {
    /// All that is needed.
    Whole,
    /// Not these, which `run`, `serve` and `work` make.
    Missing(String),
}

/// Looks what is there and makes nothing, for `check`.
pub async fn look(settings: &config::QueueSettings) -> Result<QueueState, QueueError> {
    match &settings.url {
        config::QueueUrl::Embedded(path) => embedded::look(path).await,
        config::QueueUrl::Amqp(urls) => rabbit::look(urls, settings).await,
    }
}

/// Opens the queue the settings name. Does not wait for a broker that is down.
pub async fn open(settings: &config::QueueSettings) -> Result<Arc<dyn Queue>, QueueError> {
    match &settings.url {
        config::QueueUrl::Embedded(path) => Ok(Arc::new(embedded::Embedded::open(path, settings).await?)),
        config::QueueUrl::Amqp(urls) => Ok(Arc::new(rabbit::Rabbit::open(urls, settings).await?)),
    }
}

/// The broker on this machine: one SQLite file.
pub mod embedded;

/// RabbitMQ over AMQP 0-9-1.
pub mod rabbit;
