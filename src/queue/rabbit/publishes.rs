//! What one connection publishes: what waits to be sent, and what waits for its confirm.

use std::{collections::VecDeque, iter, time::Duration};

use lapin::{BasicProperties, Channel, Confirmation, Connection, options::BasicPublishOptions};
use tokio::{sync::mpsc, time::Instant};

use super::{
    codec,
    confirms::{Confirms, Ended, Waiter},
    explain::explain,
    names,
};
use crate::{
    envelope::Envelope,
    queue::{NotConfirmed, QueueError},
};

/// Longest time from publish to confirm. An upper bound: the receiver gives up earlier.
pub(super) const CONFIRM_MS_MAX: Duration = Duration::from_secs(10);

/// Publishes sent and not confirmed. More do not make the broker faster, and lapin looks through all of them
/// for every confirm of several.
pub(super) const WINDOW_PUBLISHES_MAX: usize = 512;

/// A confirm this late is not waited for any more: the connection is given up, and with it the publishes.
const SILENT_MS_MAX: Duration = Duration::from_secs(30);

/// How often deadlines, late confirms and the connection itself are looked at.
pub(super) const TICK_MS: Duration = Duration::from_millis(100);

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

/// The publishes of one connection: those that wait to be sent, and those that wait for their confirm.
pub(super) struct Publishes<'a> {
    channel: &'a Channel,
    pub(super) confirms: Confirms<'a>,
    waiting: VecDeque<(Publish, Instant)>,
    /// Why the broker takes none now.
    blocked: Option<String>,
    /// Since when it takes them.
    free_since: Instant,
    /// More may be handed over.
    pub(super) open: bool,
}

impl<'a> Publishes<'a> {
    pub(super) fn new(channel: &'a Channel) -> Self {
        Self {
            channel,
            confirms: Confirms::default(),
            waiting: VecDeque::new(),
            blocked: None,
            free_since: Instant::now(),
            open: true,
        }
    }

    pub(super) fn are_drained(&self) -> bool {
        !self.open && self.waiting.is_empty() && self.confirms.len() == 0
    }

    /// The broker takes none: whoever waits for a confirm is told so.
    pub(super) fn block(&mut self, reason: String) {
        self.confirms.give_up(Instant::now() + TICK_MS, &NotConfirmed::Blocked(reason.clone()));
        self.blocked = Some(reason);
    }

    /// The broker takes them again.
    pub(super) fn unblock(&mut self) {
        self.blocked = None;
        self.free_since = Instant::now();
    }

    pub(super) fn queue(&mut self, handed: impl Iterator<Item = Publish>) {
        let now = Instant::now();
        self.waiting.extend(handed.map(|publish| (publish, now)));
    }

    /// What was handed over before stays welcome; what comes later is refused by `publish`.
    pub(super) fn stop(&mut self, inbox: &mut mpsc::Receiver<Publish>) {
        self.open = false;
        inbox.close();
        self.queue(iter::from_fn(|| inbox.try_recv().ok()));
    }

    /// Looks at deadlines, late confirms and the connection itself. `Err`: it is over.
    pub(super) fn check(&mut self, connection: &Connection) -> Result<(), QueueError> {
        if let Some(ended) = self.confirms.sweep() {
            return Err(why(&ended));
        }
        self.expire();
        if self.is_silent() {
            return Err(QueueError(format!("no confirm for {SILENT_MS_MAX:?}")));
        }
        if !connection.status().connected() || !self.channel.status().connected() {
            return Err(QueueError("the connection or its channel was closed".into()));
        }
        Ok(())
    }

    /// Tells the callers that waited too long.
    fn expire(&mut self) {
        let Some(until) = Instant::now().checked_sub(CONFIRM_MS_MAX) else { return };
        let why = NotConfirmed::Timeout(CONFIRM_MS_MAX);
        self.confirms.give_up(until, &why);
        while self.waiting.front().is_some_and(|(_, since)| *since < until)
            && let Some((publish, _)) = self.waiting.pop_front()
        {
            publish.waiter.tell(Err(why.clone()));
        }
    }

    fn is_silent(&self) -> bool {
        let late = |at: Instant| at.max(self.free_since).elapsed() > SILENT_MS_MAX;
        self.blocked.is_none() && self.confirms.oldest().is_some_and(late)
    }

    pub(super) fn refuse_blocked(&mut self) {
        let Some(reason) = &self.blocked else { return };
        for (publish, _) in self.waiting.drain(..) {
            publish.waiter.tell(Err(NotConfirmed::Blocked(reason.clone())));
        }
    }

    /// As many as the window has room for.
    pub(super) fn send_waiting(&mut self) {
        while self.confirms.len() < WINDOW_PUBLISHES_MAX
            && let Some((Publish { message, waiter }, since)) = self.waiting.pop_front()
        {
            let (key, encoded) = match message {
                Message::Event(envelope) => (names::EVENTS_KEY, codec::encode(envelope)),
                Message::Probe => (names::PROBE_KEY, Ok(codec::probe())),
            };
            match encoded {
                Ok((body, properties)) => {
                    self.confirms.push(send(self.channel, key, body, properties), waiter, since);
                }
                Err(refused) => waiter.tell(Err(refused)),
            }
        }
    }

    /// Tells everybody that still waits how it ended.
    pub(super) fn fail(self) {
        self.confirms.fail();
        for (publish, _) in self.waiting {
            publish.waiter.tell(Err(NotConfirmed::Unreachable));
        }
    }
}

/// Why the connection is given up. After a return too: the next one declares the queues again.
pub(super) fn why(ended: &Ended) -> QueueError {
    match ended {
        Ended::Lost(error) => QueueError(explain(error)),
        Ended::Returned => {
            QueueError("no queue took a message (deleted?); the queues are declared again".into())
        }
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
