//! From a delivery to ledger rows, acked only after commit.
//!
//! While the ledger is away, intake keeps what it has in hand, takes nothing more, and rejects nothing. A message that cannot be decoded goes to the dead queue and from there into the ledger as a held
//! event; business trouble never does.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Interpreter, away, clock};
use crate::{
    domain::facts::{UNFETCHED, Unread},
    envelope::{self, Envelope, Trigger, UNREADABLE},
    ledger::{Ledger, LedgerError},
    queue::{Content, Delivery, Lane, Queue},
};

/// Waits between two tries to ask a provider's API what events are about.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// Events read again from the ledger at once, when settings changed.
const REREAD_PAGE: u32 = 200;

/// Reads deliveries and records them.
pub struct Intake {
    /// Where deliveries come from.
    pub queue: Arc<dyn Queue>,
    /// Where they are recorded.
    pub ledger: Arc<dyn Ledger>,
    /// What they come to.
    pub interpreter: Interpreter,
    /// Unanswered messages in hand, per lane.
    pub prefetch: u16,
    /// Deliveries recorded at the same time, per lane.
    pub intake_max: usize,
    /// Tells settle that something was planned.
    pub wake: Arc<Notify>,
}

impl Intake {
    /// Reads all lanes until `stop`; what is in hand then is finished or given back.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut lanes = JoinSet::new();
        for lane in [Lane::Events, Lane::Unroutable, Lane::Dead] {
            lanes.spawn(self.clone().lane(lane, stop.clone()));
        }
        if let Err(error) = self.reread(None, &stop).await {
            tracing::warn!(%error, "held events were not read again; the next start tries again");
        }
        lanes.spawn(self.clone().ask_again(stop.clone()));
        while lanes.join_next().await.is_some() {}
    }

    async fn lane(self: Arc<Self>, lane: Lane, stop: CancellationToken) {
        let mut tries = 0;
        while !stop.is_cancelled() {
            if let Err(error) = self.ledger.health().await {
                tracing::warn!(%error, ?lane, "the ledger is away; not consuming");
                away(&mut tries, &stop).await;
                continue;
            }
            match self.consume(lane, &stop, &mut tries).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, ?lane, "consuming stopped; starting again");
                    away(&mut tries, &stop).await;
                }
            }
        }
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
                (unknown(body), Some(reason.clone()))
            }
        };
        let mut tries = 0;
        let recorded = loop {
            match self.record_all(&envelope, dead.as_deref()).await {
                // Kept in hand: giving it back would use up its tries, and more would come in its place.
                Err(LedgerError::Unavailable(why)) if !stop.is_cancelled() => {
                    tracing::warn!(%why, "the ledger is away; keeping the message in hand");
                    away(&mut tries, stop).await;
                }
                answer => break answer,
            }
        };
        match recorded {
            Ok(()) => delivery.ack().await.map_err(|e| e.to_string()),
            Err(error @ LedgerError::Unavailable(_)) => Err(error.to_string()),
            Err(error) if lane == Lane::Events => {
                let trace = envelope::trace_id(&envelope.traceparent);
                tracing::error!(%error, trace, "message moved to the dead queue");
                delivery.dead().await.map_err(|e| e.to_string())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Every event of a message, each in its own transaction: the message is answered after the last, and what was
    /// recorded before it came again is recorded once.
    async fn record_all(&self, envelope: &Envelope, dead: Option<&str>) -> Result<(), LedgerError> {
        if dead.is_some() {
            return self.record(envelope, dead).await;
        }
        for one in self.interpreter.split(envelope) {
            self.record(&one, None).await?;
        }
        Ok(())
    }

    async fn record(&self, envelope: &Envelope, dead: Option<&str>) -> Result<(), LedgerError> {
        let facts = match dead {
            Some(reason) => Err(Unread::Unreadable(reason.to_owned())),
            None => self.interpreter.read(envelope).await,
        };
        let entry = self.interpreter.entry(envelope, &facts, dead.is_some());
        let recorded = self.ledger.record(&entry, clock::now_ms()).await?;
        if recorded.planned.is_some() {
            self.wake.notify_one();
        }
        metrics::counter!("daybridge_recorded_total", "outcome" => recorded.outcome.as_str()).increment(1);
        if envelope.trigger == Trigger::Backfill && !recorded.again {
            metrics::counter!("daybridge_backfilled_total", "source" => envelope.source.clone()).increment(1);
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

    /// Reads what waits for a provider's API again and again.
    async fn ask_again(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let _ = tokio::time::timeout(ASK_AGAIN, stop.cancelled()).await; // Err: the time is up
            if stop.is_cancelled() {
                return;
            }
            if let Err(error) = self.reread(Some(UNFETCHED), &stop).await {
                tracing::warn!(%error, "what waits for a provider's API was not asked for again; the next turn does");
            }
        }
    }

    /// Reads everything held once more, or what is held for one cause, with the settings of today.
    async fn reread(&self, cause: Option<&str>, stop: &CancellationToken) -> Result<(), LedgerError> {
        let mut after = 0;
        while !stop.is_cancelled() {
            let page = self.ledger.held_envelopes(cause, after, REREAD_PAGE).await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (_, envelope, dead) in &page {
                if !dead && !stop.is_cancelled() {
                    self.record(envelope, None).await?;
                }
            }
        }
        Ok(())
    }
}

/// Words for a message that has none; the delivery id is the body's, so that it is recorded once.
fn unknown(body: &bytes::Bytes) -> Envelope {
    let digest = envelope::digest(body);
    Envelope {
        body: body.clone(),
        content_type: "application/octet-stream".into(),
        source: "unknown".into(),
        delivery: format!("undecodable-{digest}"),
        event_id: digest,
        event_type: UNREADABLE.into(),
        received_at_ms: clock::now_ms(),
        trigger: Trigger::Webhook,
        traceparent: envelope::new_traceparent(),
    }
}
