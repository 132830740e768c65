//! RabbitMQ over AMQP 0-9-1, 3.10 to 4.x.
//!
//! Two connections: one publishes ([`publisher`]), one consumes and measures. A broker short of memory or
//! disk blocks a connection that publishes, whole; acks on the same one would hang with it.

/// The connection and where it goes.
mod link;

/// Exchanges, queues, bindings, and why each flag.
mod topology;

/// Envelope to message and back.
mod codec;

/// The one task that publishes.
mod publisher;

/// Publishes that wait for their confirm.
mod confirms;

/// One consumer.
mod consumer;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use async_trait::async_trait;
use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::{
    confirms::Waiter,
    consumer::LaneConsumer,
    link::{Hosts, explain},
    publisher::{Publish, Publisher, Slot, State},
};
use super::{Consumer, Lane, NotConfirmed, Queue, QueueError};
use crate::{config, envelope::Envelope};

/// Longest time to open a consumer, to look at health or to measure a queue, connecting included.
const REACH_MS_MAX: Duration = Duration::from_secs(8);

/// Longest time to take leave of the broker after the publishes are drained.
const LEAVE_MS_MAX: Duration = Duration::from_secs(2);

/// The door to a RabbitMQ cluster.
pub struct Rabbit {
    hosts: Hosts,
    outbox: mpsc::Sender<Publish>,
    taken: Arc<AtomicUsize>,
    in_flight_max: usize,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    publisher: Mutex<Option<JoinHandle<()>>>,
    /// The consuming connection; opened when first needed, again when it broke.
    consuming: Mutex<Option<Arc<Connection>>>,
}

impl Rabbit {
    /// Starts the publisher and returns at once, broker or not. Fails only for URLs that cannot be read.
    pub async fn open(urls: &[String], settings: &config::Queue) -> Result<Self, QueueError> {
        let hosts = Hosts::parse(urls, settings)?;
        let in_flight_max = settings.in_flight_max.max(1);
        let (outbox, inbox) = mpsc::channel(in_flight_max);
        let (state_in, state) =
            watch::channel(State::Down(QueueError("connecting for the first time".into())));
        let stop = CancellationToken::new();
        let publisher = Publisher { hosts: hosts.clone(), inbox, state: state_in, stop: stop.clone() };
        Ok(Self {
            hosts,
            outbox,
            taken: Arc::new(AtomicUsize::new(0)),
            in_flight_max,
            state,
            stop,
            publisher: Mutex::new(Some(tokio::spawn(publisher.run()))),
            consuming: Mutex::new(None),
        })
    }

    /// The consuming connection, with the topology declared.
    async fn reach(&self) -> Result<Arc<Connection>, QueueError> {
        let mut consuming = self.consuming.lock().await;
        if self.stop.is_cancelled() {
            return Err(QueueError("the queue is closed".into()));
        }
        if let Some(connection) = consuming.as_ref().filter(|c| c.status().connected()) {
            return Ok(connection.clone());
        }
        let connection = Arc::new(self.hosts.connect("daybridge consume", fastrand::usize(..)).await?);
        *consuming = Some(connection.clone());
        Ok(connection)
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
        timeout(REACH_MS_MAX, work)
            .await
            .unwrap_or_else(|_| Err(QueueError(format!("the broker did not answer within {REACH_MS_MAX:?}"))))
    }
}

#[async_trait]
impl Queue for Rabbit {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        let slot = Slot::take(&self.taken, self.in_flight_max).ok_or(NotConfirmed::Busy)?;
        let (done, confirmed) = oneshot::channel();
        let publish = Publish { envelope, waiter: Waiter { done, _slot: slot } };
        self.outbox.try_send(publish).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotConfirmed::Busy,
            mpsc::error::TrySendError::Closed(_) => NotConfirmed::Unreachable,
        })?;
        confirmed.await.unwrap_or(Err(NotConfirmed::Unreachable))
    }

    async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        self.within(async {
            let connection = self.reach().await?;
            // Again, although connecting did it: brings back a queue that was deleted meanwhile.
            self.hosts.declare(&connection).await?;
            Ok(Box::new(LaneConsumer::open(&connection, lane, prefetch).await?) as Box<dyn Consumer>)
        })
        .await
    }

    async fn health(&self) -> Result<(), QueueError> {
        self.within(async { self.hosts.declare(&*self.reach().await?).await }).await?;
        match &*self.state.borrow() {
            State::Up => Ok(()),
            State::Blocked(reason) => {
                Err(QueueError(format!("the broker blocks publishers: {reason}; free memory or disk there")))
            }
            State::Down(why) => Err(QueueError(format!("the publishing connection is down: {why}"))),
        }
    }

    async fn depth(&self, lane: Lane) -> Option<u64> {
        let counted = self.within(async {
            let failed = |error: lapin::Error| QueueError(explain(&error));
            // A channel of its own: a missing queue closes it.
            let channel = self.reach().await?.create_channel().await.map_err(failed)?;
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = channel
                .queue_declare(topology::queue(lane).into(), options, FieldTable::default())
                .await
                .map_err(failed)?;
            // Not closed, it would be closed when dropped, only later.
            let _ = channel.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into()).await;
            Ok(u64::from(queue.message_count()))
        });
        counted.await.ok()
    }

    async fn close(&self) {
        self.stop.cancel();
        if let Some(mut publisher) = self.publisher.lock().await.take()
            && timeout(publisher::DRAIN_MS_MAX, &mut publisher).await.is_err()
        {
            tracing::warn!(limit = ?publisher::DRAIN_MS_MAX, "publishes in flight were not confirmed in time");
            publisher.abort();
        }
        if let Some(connection) = self.consuming.lock().await.take() {
            let close = connection.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into());
            // The broker may be gone; it drops the connection and gives unanswered messages back.
            let _ = timeout(LEAVE_MS_MAX, close).await;
        }
    }
}
