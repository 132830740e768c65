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
//! Limits: [`CONFIRM_MS_MAX`](super::publishes::CONFIRM_MS_MAX) for one publish, [`WINDOW_PUBLISHES_MAX`] sent,
//! `[queue] in_flight_max` in all.

use std::{future::poll_fn, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use lapin::{Connection, Event, options::ConfirmSelectOptions};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    explain::explain,
    link::Hosts,
    publishes::{Publish, Publishes, TICK_MS, WINDOW_PUBLISHES_MAX, why},
};
use crate::{
    backoff::Backoff,
    queue::{NotConfirmed, QueueError},
};

/// Between two tries to connect: 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5 … s, each shortened by up to a half at random so that many
/// processes do not come back in step.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// Longest time publishes in flight may take when the process stops.
pub(super) const DRAIN_MS_MAX: Duration = Duration::from_secs(10);

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

        let mut publishes = Publishes::new(&channel);
        let mut batch = Vec::with_capacity(WINDOW_PUBLISHES_MAX);
        let mut tick = interval(TICK_MS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let ended = loop {
            if publishes.are_drained() {
                break Ok(());
            }
            let over = tokio::select! {
                biased;
                event = events.next() => self.hear(event, &mut publishes),
                ended = poll_fn(|cx| publishes.confirms.poll_settle(cx)) => Err(why(&ended)),
                received = self.inbox.recv_many(&mut batch, WINDOW_PUBLISHES_MAX), if publishes.open => {
                    publishes.open = received > 0;
                    publishes.queue(batch.drain(..));
                    Ok(())
                }
                () = self.stop.cancelled(), if publishes.open => {
                    publishes.stop(&mut self.inbox);
                    Ok(())
                }
                _ = tick.tick() => publishes.check(connection),
            };
            if over.is_err() {
                break over;
            }
            publishes.refuse_blocked();
            publishes.send_waiting();
        };
        publishes.fail();
        ended
    }

    /// What the broker says of the connection. `Err`: it is over.
    fn hear(&self, event: Option<Event>, publishes: &mut Publishes<'_>) -> Result<(), QueueError> {
        match event {
            Some(Event::ConnectionBlocked(reason)) => {
                tracing::warn!(%reason, "the broker blocks publishers");
                publishes.block(reason.clone());
                self.state.send_replace(State::Blocked(reason));
            }
            Some(Event::ConnectionUnblocked) => {
                tracing::info!("the broker takes publishes again");
                publishes.unblock();
                self.state.send_replace(State::Up);
            }
            Some(Event::Error(error)) => return Err(QueueError(explain(&error))),
            Some(_) => {}
            None => return Err(QueueError("the connection ended".into())),
        }
        Ok(())
    }
}
