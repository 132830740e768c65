//! From a delivery to ledger rows, acked only after commit.
//!
//! While the ledger is away, intake keeps what it has in hand, takes nothing more, and rejects nothing. A message that
//! cannot be decoded, or that the ledger refuses though it takes others, goes to the dead queue and from there into the
//! ledger as a held event with its bytes; business trouble never does.
//!
//! A provider's API gets little patience here, so that one that is slow keeps no hand from the other sources' messages:
//! what it does not tell in that time is held, and asked for again beside the messages, with more patience.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex, Notify},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Interpreter, away,
    hands::{Hand, Hands},
    message::{Message, Part, unknown},
    meters,
};
use crate::{
    clock::Clock,
    domain::facts::{Facts, Meaning, Unread},
    envelope::{self, Envelope, Trigger},
    ledger::{Entry, Ledger, LedgerError},
    queue::{Content, Delivery, Lane, Queue},
};

/// Longest wait for what a provider's API tells of one event, while its message is in hand.
const IN_HAND_PATIENCE: Duration = Duration::from_secs(5);

/// Longest wait for what it tells of all events of one message: a broker takes back what is in hand for too long.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Tries of one message that a healthy ledger refuses, about 40 s; then it counts as one that can never be recorded.
const ALONE_TRIES_MAX: u32 = 12;

/// Longest wait for the ledger to show that it is well.
const WELL_PATIENCE: Duration = Duration::from_secs(1);

/// Reads deliveries and records them.
pub struct Intake {
    /// Where deliveries come from.
    pub queue: Arc<dyn Queue>,
    /// Where they are recorded.
    pub ledger: Arc<Ledger>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What they come to.
    pub interpreter: Interpreter,
    /// Unanswered messages in hand, per lane.
    pub prefetch: u16,
    /// Deliveries recorded at the same time, per lane.
    pub intake_max: usize,
    /// Wait between two turns of asking providers' APIs again.
    pub fetch_again: Duration,
    /// Held while one is recorded, where channels wait for a hand.
    pub recording: Mutex<()>,
    /// Room for the channels of payments that are recorded.
    pub hands: Hands,
    /// Tells settle that something was planned.
    pub wake: Arc<Notify>,
    /// Whether it was said that the ledger is away.
    pub ledger_away: AtomicBool,
}

impl Intake {
    /// Reads all lanes until `stop`; what is in hand then is finished or given back. `Err`: no wait makes the ledger one
    /// that this program may write.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), LedgerError> {
        let stop = stop.child_token();
        let mut lanes = JoinSet::new();
        for lane in [Lane::Events, Lane::Unroutable, Lane::Dead] {
            lanes.spawn(self.clone().lane(lane, stop.clone()));
        }
        if let Err(error) = self.reread(None, &stop).await {
            tracing::warn!(%error, "held events were not read again; the next start tries again");
        }
        let asking = self.clone().ask_again(stop.clone());
        lanes.spawn(async move {
            asking.await;
            Ok(())
        });
        let mut ended = Ok(());
        while let Some(lane) = lanes.join_next().await {
            if let Ok(Err(error)) = lane {
                stop.cancel();
                ended = Err(error);
            }
        }
        ended
    }

    async fn lane(self: Arc<Self>, lane: Lane, stop: CancellationToken) -> Result<(), LedgerError> {
        let mut tries = 0;
        // Said once; each further try would say the same.
        let mut said = String::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.ledger.health().await {
                if matches!(error, LedgerError::Newer { .. }) {
                    return Err(error);
                }
                tracing::warn!(%error, ?lane, "the ledger is away; not consuming");
                away(&mut tries, &stop).await;
                continue;
            }
            match self.consume(lane, &stop, &mut tries).await {
                Ok(()) => {}
                Err(error) => {
                    if tries == 0 || error != said {
                        tracing::warn!(%error, ?lane, "consuming stopped; starting again");
                        said = error;
                    }
                    away(&mut tries, &stop).await;
                }
            }
        }
        Ok(())
    }

    /// Consumes until `stop`, or until something is away.
    async fn consume(
        self: &Arc<Self>,
        lane: Lane,
        stop: &CancellationToken,
        tries: &mut u32,
    ) -> Result<(), String> {
        let mut consumer = self.queue.consume(lane, self.prefetch).await.map_err(|e| e.to_string())?;
        let mut in_hand: JoinSet<Result<(), String>> = JoinSet::new();
        let outcome = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                Some(ended) = in_hand.join_next(), if !in_hand.is_empty() => {
                    if let Err(error) = ended.map_err(|e| e.to_string()).and_then(|r| r) {
                        break Err(error);
                    }
                    *tries = 0;
                }
                next = consumer.next(), if in_hand.len() < self.intake_max => match next {
                    Ok(delivery) => {
                        let this = self.clone();
                        let stop = stop.clone();
                        in_hand.spawn(async move { this.deliver(lane, delivery, &stop).await });
                    }
                    Err(error) => break Err(error.to_string()),
                },
            }
        };
        // The ledger's transactions in hand end by themselves; acks still go out on the open consumer.
        while in_hand.join_next().await.is_some() {}
        outcome
    }

    async fn deliver(&self, lane: Lane, delivery: Delivery, stop: &CancellationToken) -> Result<(), String> {
        let (envelope, dead) = match (&delivery.content, lane) {
            (Content::Envelope(envelope), Lane::Events | Lane::Unroutable) => (envelope.clone(), None),
            (Content::Envelope(envelope), Lane::Dead) => {
                (envelope.clone(), Some("the worker failed over and over on this message".to_owned()))
            }
            (Content::Undecodable { reason, .. }, Lane::Events) => {
                tracing::warn!(%reason, "undecodable message; moved to the dead queue");
                return delivery.dead().await.map_err(|e| e.to_string());
            }
            (Content::Undecodable { body, reason }, Lane::Unroutable | Lane::Dead) => {
                (unknown(body, self.clock.now_ms()), Some(reason.clone()))
            }
        };
        let mut message = self.message(&envelope, dead);
        let mut alone = 0;
        let mut tries = 0;
        let recorded = loop {
            match self.record_rest(&mut message).await {
                // The ledger is well and does not take this one: it is not an outage, whatever the error is called.
                Err(LedgerError::Unavailable(why)) if alone >= ALONE_TRIES_MAX => {
                    break Err(LedgerError::Unstorable(why));
                }
                // Kept in hand: giving it back would use up its tries, and more would come in its place.
                Err(LedgerError::Unavailable(why)) if !stop.is_cancelled() => {
                    alone = if self.ledger_is_well().await { alone + 1 } else { 0 };
                    self.tell_ledger(alone > 0, &why);
                    away(&mut tries, stop).await;
                }
                answer => break answer,
            }
        };
        if recorded.is_ok() && self.ledger_away.swap(false, Ordering::Relaxed) {
            tracing::info!("the ledger is there again: messages are recorded");
        }
        match recorded {
            Ok(()) => delivery.ack().await.map_err(|e| e.to_string()),
            Err(error @ (LedgerError::Unavailable(_) | LedgerError::Newer { .. })) => Err(error.to_string()),
            Err(error) if lane != Lane::Dead => {
                let trace = envelope::trace_id(&envelope.traceparent);
                tracing::error!(%error, trace, "message moved to the dead queue");
                delivery.dead().await.map_err(|e| e.to_string())
            }
            Err(error) => {
                self.record_bytes(&envelope.body, &error).await.map_err(|e| e.to_string())?;
                delivery.ack().await.map_err(|e| e.to_string())
            }
        }
    }

    /// An outage is one ERROR line, however many messages wait for its end. `well`: it refuses this message alone.
    fn tell_ledger(&self, well: bool, why: &str) {
        if well {
            tracing::warn!(why, "the ledger does not take this message; keeping the message in hand");
        } else if !self.ledger_away.swap(true, Ordering::Relaxed) {
            tracing::error!(
                why,
                next = "`daybridge check` says what to do; nothing is lost, and it goes on by itself",
                "the ledger is away; keeping the message in hand"
            );
        }
    }

    async fn ledger_is_well(&self) -> bool {
        matches!(tokio::time::timeout(WELL_PATIENCE, self.ledger.health()).await, Ok(Ok(())))
    }

    /// The end of a message whose words cannot be recorded: its bytes are, as a held event.
    async fn record_bytes(&self, body: &bytes::Bytes, why: &LedgerError) -> Result<(), LedgerError> {
        let says = Some(Err(Unread::Unreadable(why.to_string())));
        self.record(&Part { event: unknown(body, self.clock.now_ms()), says, dead: true }, Duration::ZERO)
            .await
    }

    /// Takes a message apart.
    fn message(&self, envelope: &Envelope, dead: Option<String>) -> Message {
        let until = Instant::now().checked_add(MESSAGE_PATIENCE);
        let parts = match dead {
            Some(reason) => {
                let says = Some(Err(Unread::Unreadable(reason)));
                vec![Part { event: envelope.clone(), says, dead: true }]
            }
            None => self.parts(envelope, envelope.trigger == Trigger::Replay),
        };
        Message { parts, recorded: 0, until }
    }

    /// The events of a message. `stored`: the ledger keeps it whole, as one held event, which ends here.
    pub(super) fn parts(&self, envelope: &Envelope, stored: bool) -> Vec<Part> {
        let mut parts: Vec<Part> = self.interpreter.split(envelope).into_iter().map(Part::unread).collect();
        let apart = parts.iter().any(|part| part.event.delivery != envelope.delivery);
        if stored && apart {
            let why = format!("it was taken apart; events in it, each recorded by itself: {}", parts.len());
            let says = Some(Ok(Facts::ignored(envelope.received_at_ms, why)));
            parts.push(Part { event: envelope.clone(), says, dead: false });
        }
        parts
    }

    /// The events of a message that are not recorded yet, each in its own transaction: the message is answered after
    /// the last, and what was recorded before it came again is recorded once.
    async fn record_rest(&self, message: &mut Message) -> Result<(), LedgerError> {
        while let Some(part) = message.parts.get(message.recorded) {
            let left = message.until.map(|until| until.saturating_duration_since(Instant::now()));
            self.record(part, left.unwrap_or_default().min(IN_HAND_PATIENCE)).await?;
            message.recorded = message.recorded.saturating_add(1);
        }
        Ok(())
    }

    pub(super) async fn record(&self, part: &Part, patience: Duration) -> Result<(), LedgerError> {
        let envelope = &part.event;
        let (asked, facts) = match &part.says {
            Some(says) => (None, says.clone()),
            None => (self.question(envelope).await?, self.interpreter.read(envelope, patience).await),
        };
        // Where channels wait for a hand, the ledger's time is theirs: days move as fast as payments are recorded, however
        // long the queue is.
        let _one_at_a_time = if self.hands.is_behind() { Some(self.recording.lock().await) } else { None };
        let now = self.clock.now_ms();
        let may_grant =
            !part.dead && facts.as_ref().is_ok_and(|facts| matches!(facts.meaning, Meaning::MoneyIn(_)));
        let hand = if may_grant { self.hands.for_fresh(now) } else { None };
        let take = hand.as_ref().map(Hand::take);
        let entry = Entry { asked, take, ..self.interpreter.entry(envelope, &facts, part.dead) };
        let mut recorded = self.ledger.record(&entry, now).await?;
        match (hand, recorded.claim.take()) {
            (Some(hand), Some(claim)) => self.hands.give(hand, claim),
            _ if recorded.planned.is_some() => self.wake.notify_one(),
            _ => {}
        }
        meters::recorded(recorded.outcome, 1);
        if envelope.trigger == Trigger::Backfill && !recorded.again {
            meters::backfilled(&envelope.source, 1);
        }
        tracing::info!(
            trace = envelope::trace_id(&envelope.traceparent),
            source = envelope.source,
            event = envelope.event_id,
            trigger = envelope.trigger.as_str(),
            outcome = recorded.outcome.as_str(),
            reason = recorded.reason,
            payment = recorded.payment,
            transfer = recorded.planned,
            "event recorded"
        );
        Ok(())
    }

    /// The number of a question that is about to be asked; `None`: nothing is asked.
    async fn question(&self, envelope: &Envelope) -> Result<Option<i64>, LedgerError> {
        match self.interpreter.asks(envelope) {
            true => self.ledger.question().await.map(Some),
            false => Ok(None),
        }
    }
}
