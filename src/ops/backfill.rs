//! Finds the events that a provider made and that never came: asks for its own list of them, and puts what the
//! ledger has never recorded on the queue, as if it had just been delivered.
//!
//! Each source has a cursor in the ledger: everything made before it is on the queue or recorded. Of several workers
//! one at a time has the turn; correctness does not rest on that, for whatever two of them publish has the same
//! delivery id and is recorded once. A turn asks twice:
//!
//! 1. for *all* events from a little before the cursor until now, a window at a time. The cursor moves behind a
//!    window only when the queue has confirmed everything found in it;
//! 2. for events from before that, through `backfill_sweep`, that the provider still calls *undelivered*. They were
//!    seen at their time; this is a second look, and may be cut short.
//!
//! A failure ends the turn. Nothing is lost by it: the next one goes on from the same cursor.
//!
//! Rejected: asking for undelivered events only. What a receiver has answered with 200 counts as delivered, whatever
//! became of it, and so does what went to an endpoint of a wrong address that somebody else answers.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    domain::Ms,
    envelope::{Envelope, Trigger, new_traceparent},
    ledger::{Ledger, LedgerError, Sweep, SweepTurn},
    provider::history::{EventRange, History, HistoryError, KEPT, Listed, Walk, Which},
    queue::{NotConfirmed, Queue},
};

/// How far behind the cursor a turn begins, in ms: a provider may list an event late, and its clock is not ours.
const OVERLAP_MS: i64 = 600_000;

/// Younger events, in ms, are left to their webhook until the next turn; never more than a whole `backfill_every`.
const YOUNG_MS_MAX: i64 = 60_000;

/// Longest window asked for at once, in ms; halved where it holds too many events.
const WINDOW_MS_MAX: i64 = 3_600_000;

/// Shortest window, in ms: providers count whole seconds.
const WINDOW_MS_MIN: i64 = 1_000;

/// How long a turn is a worker's after its last window, in ms; then another goes on.
const LEASE_MS: i64 = 300_000;

/// Longest wait for the queue's confirm of one event.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

/// Shortest wait between two looks for a turn.
const LOOK_MIN: Duration = Duration::from_millis(100);

/// A source that can be asked.
pub struct Asked {
    /// Its name.
    pub source: String,
    /// Every source of its realm: what came in by one of them is not missing.
    pub realm_sources: Vec<String>,
    /// How often, in ms.
    pub every_ms: i64,
    /// How far the first turn looks back, in ms.
    pub sweep_ms: i64,
    /// Whom to ask.
    pub history: Arc<dyn History>,
}

const FAILED: &str = "daybridge_backfill_failed_total";

/// Makes the series of each source that is asked.
pub fn meters(asked: &[Asked]) {
    metrics::describe_counter!(FAILED, "Turns of the backfill that stopped before their end, by source");
    for asked in asked {
        failed(&asked.source, 0);
    }
}

fn failed(source: &str, many: u64) {
    metrics::counter!(FAILED, "source" => source.to_owned()).increment(many);
}

/// Why a turn ended before its time; none of them loses anything.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    NotConfirmed(#[from] NotConfirmed),
    #[error("another worker has taken the turn over")]
    TakenOver,
}

/// What a turn did.
#[derive(Debug, Default)]
struct Counts {
    listed: usize,
    published: usize,
}

/// Asks for every source until `stop`. A turn in hand is dropped then: its cursor stays.
pub async fn run(
    asked: Vec<Asked>,
    ledger: Arc<Ledger>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut sources = JoinSet::new();
    for asked in asked {
        let backfill = Backfill { asked, ledger: ledger.clone(), queue: queue.clone(), clock: clock.clone() };
        sources.spawn(stop.clone().run_until_cancelled_owned(backfill.run()));
    }
    while sources.join_next().await.is_some() {}
}

struct Backfill {
    asked: Asked,
    ledger: Arc<Ledger>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
}

impl Backfill {
    async fn run(self) {
        loop {
            let wait_ms = self.look().await.saturating_sub(self.clock.now_ms()).min(self.asked.every_ms);
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
            tokio::time::sleep(wait.max(LOOK_MIN)).await;
        }
    }

    /// Takes the turn if it is due, and goes through it; returns when to look again.
    async fn look(&self) -> Ms {
        let Asked { source, every_ms, .. } = &self.asked;
        let begun = self.clock.now_ms();
        let next_at = begun.saturating_add(*every_ms);
        let believed_until = begun.saturating_add(LEASE_MS.max(*every_ms));
        let taken =
            self.ledger.take_sweep(source, begun, begun.saturating_add(LEASE_MS), believed_until).await;
        let mut sweep = match taken {
            Ok(SweepTurn::Ours(sweep)) => sweep,
            Ok(SweepTurn::NotBefore(at)) => return at,
            Err(error) => {
                tracing::warn!(source, %error, "no backfill without the ledger; trying again");
                return next_at;
            }
        };
        let mut counts = Counts::default();
        let ended = self.turn(&mut sweep, begun, &mut counts).await;
        let ended = match ended {
            Ok(()) => self.ledger.save_sweep(&sweep, next_at).await.map(drop).map_err(Stopped::from),
            Err(stopped) => {
                // Where this fails too, the turn is free again when its lease ends.
                let _ = self.ledger.save_sweep(&sweep, next_at).await;
                Err(stopped)
            }
        };
        let Counts { listed, published } = counts;
        match ended {
            Ok(()) => tracing::info!(source, listed, published, seen_until = sweep.seen_until, "backfill"),
            Err(error) => {
                failed(source, 1);
                tracing::warn!(
                    source, listed, published, seen_until = sweep.seen_until, %error,
                    "backfill stopped; the next turn goes on from its cursor"
                );
            }
        }
        next_at
    }

    async fn turn(&self, sweep: &mut Sweep, now: Ms, counts: &mut Counts) -> Result<(), Stopped> {
        let young = YOUNG_MS_MAX.min(self.asked.every_ms);
        let until = whole_seconds(now.saturating_sub(young));
        let first = until.saturating_sub(self.asked.sweep_ms);
        // What a new ledger may not grant is not asked for.
        let first = match self.ledger.origin().await?.grants_since {
            Some(since) => first.max(whole_seconds(since)).min(until),
            None => first,
        };
        let kept = until.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
        if sweep.seen_until.is_some_and(|seen| seen < kept) {
            tracing::warn!(
                source = self.asked.source,
                seen_until = sweep.seen_until,
                "the provider lists no events of before {kept}: compare what was paid between with the ledger"
            );
        }
        if sweep.seen_until.is_some_and(|seen| seen > now.saturating_add(OVERLAP_MS)) {
            tracing::warn!(
                source = self.asked.source,
                seen_until = sweep.seen_until,
                "a clock was ahead: the events of the last backfill_sweep are looked through again"
            );
            sweep.seen_until = None;
        }
        let from = sweep.seen_until.map_or(first, |seen| seen.saturating_sub(OVERLAP_MS).max(kept));
        self.all(sweep, EventRange { from, until }, counts).await?;
        let again = EventRange { from: first, until: from };
        if again.from >= again.until {
            return Ok(());
        }
        match self.window(again, Which::Undelivered, counts).await {
            Err(Stopped::History(HistoryError::TooMany)) => {
                tracing::warn!(
                    source = self.asked.source,
                    "very many events count as undelivered: an endpoint of the account may be broken"
                );
                Ok(())
            }
            ended => ended,
        }
    }

    /// All events of the range, oldest window first; the cursor follows.
    async fn all(&self, sweep: &mut Sweep, range: EventRange, counts: &mut Counts) -> Result<(), Stopped> {
        let (mut at, mut length) = (range.from, WINDOW_MS_MAX);
        while at < range.until {
            let until = at.saturating_add(length).min(range.until);
            match self.window(EventRange { from: at, until }, Which::All, counts).await {
                Err(Stopped::History(HistoryError::TooMany)) if length > WINDOW_MS_MIN => {
                    length = whole_seconds(until.saturating_sub(at) / 2).max(WINDOW_MS_MIN);
                    continue;
                }
                ended => ended?,
            }
            at = until;
            length = length.saturating_mul(2).min(WINDOW_MS_MAX);
            sweep.seen_until = sweep.seen_until.max(Some(at));
            if !self.ledger.save_sweep(sweep, self.clock.now_ms().saturating_add(LEASE_MS)).await? {
                return Err(Stopped::TakenOver);
            }
        }
        Ok(())
    }

    /// Publishes what is not recorded of one window; returns after the queue has confirmed all of it.
    async fn window(&self, range: EventRange, which: Which, counts: &mut Counts) -> Result<(), Stopped> {
        let mut walk = Walk::default();
        while walk.more() {
            let page = self.asked.history.events(range, which, &mut walk).await?;
            counts.listed = counts.listed.saturating_add(page.len());
            let ids: Vec<String> = page.iter().map(|event| event.event_id.clone()).collect();
            let recorded = self.ledger.recorded(&self.asked.realm_sources, &ids).await?;
            let missing = page.into_iter().filter(|event| !recorded.contains(&event.event_id));
            let confirmed = try_join_all(missing.map(|event| self.publish(event))).await?;
            counts.published = counts.published.saturating_add(confirmed.len());
        }
        Ok(())
    }

    async fn publish(&self, event: Listed) -> Result<(), NotConfirmed> {
        let envelope = envelope(&self.asked.source, event, self.clock.now_ms());
        timeout(CONFIRM_TIMEOUT, self.queue.publish(envelope))
            .await
            .unwrap_or(Err(NotConfirmed::Timeout(CONFIRM_TIMEOUT)))
    }
}

/// The delivery id is the event's: found twice, by two workers or before the first was recorded, it is one delivery.
fn envelope(source: &str, event: Listed, now: Ms) -> Envelope {
    Envelope {
        body: event.body,
        content_type: "application/json".into(),
        source: source.to_owned(),
        delivery: format!("backfill-{source}-{}", event.event_id),
        event_id: event.event_id,
        event_type: event.event_type,
        received_at_ms: now,
        trigger: Trigger::Backfill,
        traceparent: new_traceparent(),
    }
}

fn whole_seconds(ms: Ms) -> Ms {
    ms.saturating_sub(ms.rem_euclid(1000))
}
