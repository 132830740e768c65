//! RabbitMQ over AMQP 0-9-1, 3.10 to 4.x.
//!
//! A connection for each [`publisher`], and one that consumes and measures. A broker short of memory or disk
//! blocks a connection that publishes, whole; acks on the same one would hang with it.
//!
//! Each HTTP thread has a publisher of its own. Rejected: one for all threads; each request then woke two
//! more threads, which cost more than all the rest of its way.

/// The connection and where it goes.
mod link;

/// Certificates.
mod tls;

/// Which protocol a host speaks.
mod speaks;

/// What exchanges and queues are called.
mod names;

/// Errors in words.
mod explain;

/// Exchanges, queues, bindings, and why each flag.
mod topology;

/// Envelope to message and back.
#[doc(hidden)]
pub mod codec;

/// A task that publishes.
mod publisher;

/// What one connection publishes.
mod publishes;

/// How many are on their way.
mod slot;

/// Publishes that wait for their confirm.
mod confirms;

/// Whether the broker stores.
mod proof;

/// What an administrator's policies make of the queues.
mod policies;

/// One consumer.
mod consumer;

use std::{
    sync::{Arc, Mutex as Lock, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use async_trait::async_trait;
use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};
use secrecy::SecretString;
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{
    confirms::Waiter,
    consumer::LaneConsumer,
    explain::explain,
    link::Hosts,
    proof::Proof,
    publisher::{Publisher, State},
    publishes::{Message, Publish},
    slot::Slot,
};
use super::{Consumer, Lane, NotConfirmed, Policies, Queue, QueueError, QueueState};
use crate::{
    config::{self, Topology},
    envelope::Envelope,
};

/// Longest time to open a consumer, to look at health or to measure a queue, connecting included.
const REACH_MS_MAX: Duration = Duration::from_secs(8);

/// Longest time to see what is on the broker: three hosts that do not answer, or one that is slow.
const LOOK_MS_MAX: Duration = Duration::from_secs(20);

/// Longest wait for the confirm of a probe.
const PROBE_MS_MAX: Duration = Duration::from_secs(5);

/// Longest time to take leave of the broker after the publishes are drained.
const LEAVE_MS_MAX: Duration = Duration::from_secs(2);

/// The door to a RabbitMQ cluster, with one publisher.
pub struct Rabbit {
    cluster: Arc<Cluster>,
    outbox: mpsc::Sender<Publish>,
}

/// What the doors of all threads share.
struct Cluster {
    hosts: Hosts,
    taken: Arc<AtomicUsize>,
    in_flight_max: usize,
    stop: CancellationToken,
    publishers: Lock<Vec<Running>>,
    proof: Arc<Proof>,
    /// One probe at a time.
    probing: Mutex<()>,
    management: Option<config::Secret>,
    /// The consuming connection; opened when first needed, again when it broke.
    consuming: Mutex<Option<Arc<Connection>>>,
}

/// A publisher at work.
struct Running {
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

impl Rabbit {
    /// Starts the publisher and returns at once, broker or not. Fails only for URLs that cannot be read.
    pub async fn open(urls: &[SecretString], settings: &config::QueueSettings) -> Result<Self, QueueError> {
        let cluster = Arc::new(Cluster {
            hosts: Hosts::parse(urls, settings)?,
            taken: Arc::new(AtomicUsize::new(0)),
            in_flight_max: settings.in_flight_max.max(1),
            stop: CancellationToken::new(),
            publishers: Lock::default(),
            proof: Arc::new(Proof::new()),
            probing: Mutex::new(()),
            management: settings.management_url.clone(),
            consuming: Mutex::new(None),
        });
        Ok(Self { outbox: cluster.publisher(), cluster })
    }
}

/// What is on the broker of what daybridge needs; nothing is made. `Err`: it is not reached, or what is missing could not
/// be made, or what is there is not as it must be.
pub(super) async fn look(
    urls: &[SecretString],
    settings: &config::QueueSettings,
) -> Result<QueueState, QueueError> {
    let hosts = Hosts::parse(urls, settings)?;
    let looked = async {
        let connection = hosts.look("daybridge check").await?;
        let missing = topology::missing(&connection, hosts.delivery_limit).await?;
        match hosts.topology {
            Topology::Declare => topology::could_declare(&connection, hosts.delivery_limit, &missing).await?,
            Topology::Verify if missing.is_empty() => {}
            Topology::Verify => return Err(topology::lacking(&missing, &hosts.vhost())),
        }
        let close = connection.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into());
        let _ = timeout(LEAVE_MS_MAX, close).await;
        Ok(match missing.is_empty() {
            true => QueueState::Whole,
            false => QueueState::Missing(topology::names(&missing)),
        })
    };
    let answer = timeout(LOOK_MS_MAX, looked).await;
    answer.unwrap_or_else(|_| Err(QueueError(format!("the broker did not answer within {LOOK_MS_MAX:?}"))))
}

impl Cluster {
    /// Starts a publisher on the current runtime.
    fn publisher(&self) -> mpsc::Sender<Publish> {
        let (outbox, inbox) = mpsc::channel(self.in_flight_max);
        let (state_in, state) = watch::channel(State::Starting);
        let publisher =
            Publisher { hosts: self.hosts.clone(), inbox, state: state_in, stop: self.stop.clone() };
        let task = tokio::spawn(publisher.run());
        let mut publishers = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of threads that have ended.
        publishers.retain(|publisher| !publisher.task.is_finished());
        publishers.push(Running { state, task });
        outbox
    }

    /// Waits until every publisher has connected, or failed to, for the first time.
    async fn started(&self) -> Result<(), QueueError> {
        let states: Vec<_> = {
            let publishers = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
            publishers.iter().map(|publisher| publisher.state.clone()).collect()
        };
        for mut state in states {
            // Err: its thread has ended, and with it the need.
            let _ = state.wait_for(|state| !matches!(state, State::Starting)).await;
        }
        Ok(())
    }

    /// The first publisher that cannot publish, and why.
    fn publishes(&self) -> Result<(), QueueError> {
        let publishers = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
        for publisher in publishers.iter().filter(|publisher| !publisher.task.is_finished()) {
            match &*publisher.state.borrow() {
                State::Up => {}
                State::Starting => return Err(QueueError("the publishing connection is not up yet".into())),
                State::Blocked(reason) => {
                    let what = format!("the broker blocks publishers: {reason}; free memory or disk there");
                    return Err(QueueError(what));
                }
                State::Down(why) => {
                    return Err(QueueError(format!("the publishing connection is down: {why}")));
                }
            }
        }
        Ok(())
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

impl Rabbit {
    /// Waits for the confirm of a message. `proof`: where its outcome counts.
    async fn send(&self, message: Message, proof: Option<Arc<Proof>>) -> Result<(), NotConfirmed> {
        let slot = Slot::take(&self.cluster.taken, self.cluster.in_flight_max).ok_or(NotConfirmed::Busy)?;
        let (done, confirmed) = oneshot::channel();
        let publish = Publish { message, waiter: Waiter { done, _slot: slot, proof } };
        self.outbox.try_send(publish).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotConfirmed::Busy,
            mpsc::error::TrySendError::Closed(_) => NotConfirmed::Unreachable,
        })?;
        confirmed.await.unwrap_or(Err(NotConfirmed::Unreachable))
    }

    /// Publishes an empty message where no confirm came lately.
    async fn prove(&self) -> Result<(), QueueError> {
        let proof = &self.cluster.proof;
        let _one = self.cluster.probing.lock().await;
        if proof.holds()? {
            return Ok(());
        }
        let confirmed = timeout(PROBE_MS_MAX, self.send(Message::Probe, None)).await;
        confirmed.unwrap_or(Err(NotConfirmed::Timeout(PROBE_MS_MAX))).map_err(|why| {
            QueueError(format!(
                "the broker is there and does not store: {why}; see `rabbitmqctl cluster_status` and the state of the \
                 queues daybridge.*: more than half of their nodes must run"
            ))
        })?;
        proof.probed();
        Ok(())
    }
}

#[async_trait]
impl Queue for Rabbit {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        self.send(Message::Event(envelope), Some(self.cluster.proof.clone())).await
    }

    fn on_this_thread(&self) -> Option<Arc<dyn Queue>> {
        Some(Arc::new(Self { outbox: self.cluster.publisher(), cluster: self.cluster.clone() }))
    }

    async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        let cluster = &self.cluster;
        cluster
            .within(async {
                let connection = cluster.reach().await?;
                // Again, although connecting did it: brings back a queue that was deleted meanwhile.
                cluster.hosts.prepare(&connection).await?;
                Ok(Box::new(LaneConsumer::open(connection, lane, prefetch).await?) as Box<dyn Consumer>)
            })
            .await
    }

    async fn health(&self) -> Result<(), QueueError> {
        let cluster = &self.cluster;
        cluster.within(async { cluster.hosts.prepare(&*cluster.reach().await?).await }).await?;
        cluster.within(cluster.started()).await?;
        cluster.publishes()?;
        self.prove().await
    }

    async fn policies(&self) -> Result<Policies, QueueError> {
        let hosts = &self.cluster.hosts;
        policies::look(self.cluster.management.as_ref(), hosts.ca()?.as_deref(), &hosts.vhost()).await
    }

    async fn depth(&self, lane: Lane) -> Option<u64> {
        let counted = self.cluster.within(async {
            let failed = |error: lapin::Error| QueueError(explain(&error));
            // A channel of its own: a missing queue closes it.
            let channel = self.cluster.reach().await?.create_channel().await.map_err(failed)?;
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
        self.cluster.stop.cancel();
        let publishers =
            std::mem::take(&mut *self.cluster.publishers.lock().unwrap_or_else(PoisonError::into_inner));
        // All drain at the same time; one whose thread has ended is over.
        let until = Instant::now() + publisher::DRAIN_MS_MAX;
        for mut publisher in publishers {
            if timeout_at(until, &mut publisher.task).await.is_err() {
                tracing::warn!(limit = ?publisher::DRAIN_MS_MAX, "publishes in flight were not confirmed in time");
                publisher.task.abort();
            }
        }
        if let Some(connection) = self.cluster.consuming.lock().await.take() {
            let close = connection.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into());
            // The broker may be gone; it drops the connection and gives unanswered messages back.
            let _ = timeout(LEAVE_MS_MAX, close).await;
        }
    }
}
