//! A task that publishes. It owns its connection and the confirm channel: lapin mixes up the confirms of tasks
//! that share a channel (a refused publish then looks stored).
//!
//! ```text
//! Queue::publish ─▶ bounded channel ─▶ waiting ─▶ at most 512 sent ─▶ confirm ─▶ oneshot ─▶ caller
//! ```
//!
//! When the connection breaks, everything that waits fails at once and the provider sends it again: the task
//! never publishes twice what it was given once. Rejected: holding publishes back until the connection is
//! there again; it hides an outage for some seconds and costs every caller those seconds.
//!
//! Limits: [`CONFIRM_MS_MAX`] for one publish, [`WINDOW_PUBLISHES_MAX`] sent, `[queue] in_flight_max` in all.

use std::{collections::VecDeque, future::poll_fn, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, Event,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    codec,
    confirms::{Confirms, Ended, Waiter},
    explain::explain,
    link::Hosts,
    names,
};
use crate::{
    backoff::Backoff,
    envelope::Envelope,
    queue::{NotConfirmed, QueueError},
};

/// Longest time from publish to confirm. An upper bound: the receiver gives up earlier.
pub(super) const CONFIRM_MS_MAX: Duration = Duration::from_secs(10);

/// Publishes sent and not confirmed. More do not make the broker faster, and lapin looks through all of them
/// for every confirm of several.
const WINDOW_PUBLISHES_MAX: usize = 512;

/// A confirm this late is not waited for any more: the connection is given up, and with it the publishes.
const SILENT_MS_MAX: Duration = Duration::from_secs(30);

/// How often deadlines, late confirms and the connection itself are looked at.
const TICK_MS: Duration = Duration::from_millis(100);

/// Between two tries to connect: 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5 … s, each shortened by up to a half at random so that many
/// processes do not come back in step.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// Longest time publishes in flight may take when the process stops.
pub(super) const DRAIN_MS_MAX: Duration = Duration::from_secs(10);

/// What is handed over.
pub(super) struct Publish {
    pub(super) message: Message,
    pub(super) waiter: Waiter,
}

/// What is published.
pub(super) enum Message {
    /// An accepted delivery.
    Event(Envelope),
    /// Nothing, to see whether it is stored.
    Probe,
}

/// How the publishing connection is, for `/readyz`.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// It connects for the first time.
    Starting,
    /// No connection, and why.
    Down(QueueError),
    /// Publishes go through.
    Up,
    /// The broker blocks publishers.
    Blocked(String),
}

/// The task.
pub(super) struct Publisher {
    pub(super) hosts: Hosts,
    pub(super) inbox: mpsc::Receiver<Publish>,
    pub(super) state: watch::Sender<State>,
    pub(super) stop: CancellationToken,
}

impl Publisher {
    /// Connects, publishes, and connects again, until stopped or until nobody can publish any more.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        let mut first_host = 0;
        // An outage is one line: each further try would say the same, or name another host.
        let mut said = false;
        while let Some(result) = self.connect(first_host).await {
            first_host = first_host.wrapping_add(1);
            let why = match result {
                Ok(connection) => {
                    failures = 0;
                    tracing::info!("publishing connection is up");
                    said = false;
                    let ended = self.serve(&connection).await;
                    // The socket may be gone; the broker drops the connection then.
                    let close = connection.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into());
                    let _ = tokio::time::timeout(TICK_MS, close).await;
                    match ended {
                        Ok(()) => break,
                        Err(why) => why,
                    }
                }
                Err(why) => why,
            };
            if !said {
                tracing::error!(
                    reason = %why,
                    next = "nothing is lost: webhooks get 503 and are sent again; `daybridge check` says what to do",
                    "publishing connection is down"
                );
                said = true;
            }
            self.state.send_replace(State::Down(why));
            let pause = BACKOFF.part(failures, 0.5, 1.0);
            failures = failures.saturating_add(1);
            if self.refuse_while(sleep(pause)).await.is_none() {
                break;
            }
        }
        self.inbox.close();
        while let Ok(publish) = self.inbox.try_recv() {
            publish.waiter.tell(Err(NotConfirmed::Unreachable));
        }
        self.state.send_replace(State::Down(QueueError("closed".into())));
    }

    async fn connect(&mut self, first_host: usize) -> Option<Result<Connection, QueueError>> {
        let hosts = self.hosts.clone();
        self.refuse_while(async move { hosts.connect("daybridge publish", first_host).await }).await
    }

    /// Answers every publish with "not reachable" while `work` runs. `None`: stop.
    async fn refuse_while<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                done = &mut work => return Some(done),
                publish = self.inbox.recv() => publish?.waiter.tell(Err(NotConfirmed::Unreachable)),
            }
        }
    }

    /// Publishes on one connection. `Ok`: stopped and drained; `Err`: the connection is over.
    async fn serve(&mut self, connection: &Connection) -> Result<(), QueueError> {
        let failed = |error: lapin::Error| QueueError(explain(&error));
        // Before the first publish: a broker blocks a connection no earlier than that. One listener only:
        // several would share the events among them.
        let mut events = connection.events_listener();
        let channel = connection.create_channel().await.map_err(failed)?;
        channel.confirm_select(ConfirmSelectOptions { nowait: false }).await.map_err(failed)?;
        self.state.send_replace(State::Up);

        let mut confirms = Confirms::default();
        let mut waiting: VecDeque<(Publish, Instant)> = VecDeque::new();
        let mut batch = Vec::with_capacity(WINDOW_PUBLISHES_MAX);
        let mut blocked: Option<String> = None;
        let mut free_since = Instant::now();
        let mut open = true;
        let mut tick = interval(TICK_MS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let ended = loop {
            if !open && waiting.is_empty() && confirms.len() == 0 {
                break Ok(());
            }
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(%reason, "the broker blocks publishers");
                        let why = NotConfirmed::Blocked(reason.clone());
                        confirms.give_up(Instant::now() + TICK_MS, &why);
                        self.state.send_replace(State::Blocked(reason.clone()));
                        blocked = Some(reason);
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!("the broker takes publishes again");
                        blocked = None;
                        free_since = Instant::now();
                        self.state.send_replace(State::Up);
                    }
                    Some(Event::Error(error)) => break Err(QueueError(explain(&error))),
                    Some(_) => {}
                    None => break Err(QueueError("the connection ended".into())),
                },
                ended = poll_fn(|cx| confirms.poll_settle(cx)) => break Err(why(&ended)),
                received = self.inbox.recv_many(&mut batch, WINDOW_PUBLISHES_MAX), if open => {
                    open = received > 0;
                    let now = Instant::now();
                    waiting.extend(batch.drain(..).map(|publish| (publish, now)));
                }
                () = self.stop.cancelled(), if open => {
                    open = false;
                    // What was handed over before stays welcome; what comes later is refused by `publish`.
                    self.inbox.close();
                    let now = Instant::now();
                    while let Ok(publish) = self.inbox.try_recv() {
                        waiting.push_back((publish, now));
                    }
                }
                _ = tick.tick() => {
                    if let Some(ended) = confirms.sweep() {
                        break Err(why(&ended));
                    }
                    expire(&mut confirms, &mut waiting);
                    let silent = blocked.is_none()
                        && confirms.oldest().is_some_and(|at| at.max(free_since).elapsed() > SILENT_MS_MAX);
                    if silent {
                        break Err(QueueError(format!("no confirm for {SILENT_MS_MAX:?}")));
                    }
                    if !connection.status().connected() || !channel.status().connected() {
                        break Err(QueueError("the connection or its channel was closed".into()));
                    }
                }
            }
            if let Some(reason) = &blocked {
                for (publish, _) in waiting.drain(..) {
                    publish.waiter.tell(Err(NotConfirmed::Blocked(reason.clone())));
                }
            }
            while confirms.len() < WINDOW_PUBLISHES_MAX
                && let Some((Publish { message, waiter }, since)) = waiting.pop_front()
            {
                let (key, encoded) = match message {
                    Message::Event(envelope) => (names::EVENTS_KEY, codec::encode(envelope)),
                    Message::Probe => (names::PROBE_KEY, Ok(codec::probe())),
                };
                match encoded {
                    Ok((body, properties)) => {
                        confirms.push(send(&channel, key, body, properties), waiter, since);
                    }
                    Err(refused) => waiter.tell(Err(refused)),
                }
            }
        };
        confirms.fail();
        for (publish, _) in waiting {
            publish.waiter.tell(Err(NotConfirmed::Unreachable));
        }
        ended
    }
}

/// Why the connection is given up. After a return too: the next one declares the queues again.
fn why(ended: &Ended) -> QueueError {
    match ended {
        Ended::Lost(error) => QueueError(explain(error)),
        Ended::Returned => {
            QueueError("no queue took a message (deleted?); the queues are declared again".into())
        }
    }
}

/// Tells the callers that waited too long.
fn expire(confirms: &mut Confirms<'_>, waiting: &mut VecDeque<(Publish, Instant)>) {
    let Some(until) = Instant::now().checked_sub(CONFIRM_MS_MAX) else { return };
    let why = NotConfirmed::Timeout(CONFIRM_MS_MAX);
    confirms.give_up(until, &why);
    while waiting.front().is_some_and(|(_, since)| *since < until)
        && let Some((publish, _)) = waiting.pop_front()
    {
        publish.waiter.tell(Err(why.clone()));
    }
}

/// Hands one message to the connection at the first poll; resolves with its confirm.
async fn send(
    channel: &Channel,
    key: &'static str,
    body: bytes::Bytes,
    properties: BasicProperties,
) -> Result<Confirmation, lapin::Error> {
    let options = BasicPublishOptions {
        mandatory: true, // the alternate exchange stores the unroutable; without its queue, this tells of them
        immediate: false, // RabbitMQ does not know it
    };
    let exchange = names::EXCHANGE.into();
    channel.basic_publish(exchange, key.into(), options, &body, properties).await?.await
}
