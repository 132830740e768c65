//! From a plan to the queue, at a pace; it can be paused, aborted, broken off, and go on.

use std::time::Duration;

use futures_util::{
    FutureExt as _,
    stream::{FuturesOrdered, StreamExt as _},
};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    CHANGES_MAX, PER_SECOND_MAX, ReplayError,
    make::{Feed, draft, envelope},
};
use crate::{
    clock::Clock,
    domain::Ms,
    ledger::{
        Act, Ledger, Plan,
        plan::{Candidate, PlanState, Progress},
    },
    ops::{again, publish},
    queue::{NotConfirmed, Queue},
    worker::Interpreter,
};

/// Most events between two looks whether a person has paused or aborted the plan; never more than a second's.
const BETWEEN_LOOKS_MAX: u32 = 100;

/// Most events that the queue has not confirmed yet.
const ON_THEIR_WAY_MAX: usize = 64;

/// How far it may be behind its pace and catch up at once.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// A running plan whose progress is older than this is nobody's, in ms.
const LEFT_BEHIND_MS: i64 = 60_000;

/// What applying did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// All events are on the queue; so many by this call.
    Published(Plan, u64),
    /// It was applied before; nothing was published.
    Before(Plan),
    /// A person paused or aborted it, or this process is stopping; so many by this call.
    Stopped(Plan, u64),
}

/// How a plan is applied.
pub struct Applying<'a> {
    /// The record.
    pub ledger: &'a Ledger,
    /// The broker.
    pub queue: &'a dyn Queue,
    /// What bodies mean today.
    pub interpreter: &'a Interpreter,
    /// Who, and why.
    pub act: Act<'a>,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Events a second.
    pub per_second: u32,
    /// Breaks off; the plan is paused then.
    pub stop: &'a CancellationToken,
}

/// Publishes exactly the events of a plan; `tell` hears how many so far.
pub async fn apply(
    with: &Applying<'_>,
    hash: &str,
    mut tell: impl FnMut(&Plan, u64),
) -> Result<Applied, ReplayError> {
    let plan = with.find(hash).await?;
    if let Some(before) = over(&plan)? {
        return Ok(before);
    }
    still_holds(with, hash, &plan).await?;
    if let Some(before) = begin(with, hash, &plan).await? {
        return Ok(before);
    }
    let mut publishing = Publishing::of(with, hash, plan);
    loop {
        let state = publishing.page().await?;
        tell(&publishing.plan, publishing.published());
        if let Some(ended) = publishing.ended(state).await? {
            return Ok(ended);
        }
    }
}

impl Applying<'_> {
    fn now(&self) -> Ms {
        self.clock.now_ms()
    }

    async fn find(&self, hash: &str) -> Result<Plan, ReplayError> {
        self.ledger.plan(hash).await?.ok_or_else(|| ReplayError::NoPlan(hash.to_owned()))
    }
}

/// Whether there is nothing to do for a plan, or no more.
fn over(plan: &Plan) -> Result<Option<Applied>, ReplayError> {
    match plan.state {
        PlanState::Applied => Ok(Some(Applied::Before(plan.clone()))),
        PlanState::Aborted => Err(ReplayError::Aborted(plan.hash.clone())),
        PlanState::Draft | PlanState::Ready | PlanState::Running | PlanState::Paused => Ok(None),
    }
}

/// Refuses a plan that nobody is applying where it would say something else today.
async fn still_holds(with: &Applying<'_>, hash: &str, plan: &Plan) -> Result<(), ReplayError> {
    match plan.state {
        PlanState::Ready => match holds(with, plan, false, with.now()).await {
            // What a colleague who began to apply it a moment ago has changed makes nobody's plan stale.
            Err(ReplayError::Stale(_))
                if matches!(with.find(hash).await?.state, PlanState::Running | PlanState::Applied) =>
            {
                Ok(())
            }
            still => still,
        },
        PlanState::Paused => holds(with, plan, true, with.now()).await,
        // Left behind by a process that ended; one that is at work says so every second.
        PlanState::Running if with.now().saturating_sub(plan.changed_at) > LEFT_BEHIND_MS => {
            holds(with, plan, true, with.now()).await
        }
        PlanState::Draft | PlanState::Running | PlanState::Applied | PlanState::Aborted => Ok(()),
    }
}

/// Has it running; or tells that it is over meanwhile.
async fn begin(with: &Applying<'_>, hash: &str, plan: &Plan) -> Result<Option<Applied>, ReplayError> {
    let from = [PlanState::Ready, PlanState::Paused];
    if with.ledger.plan_move(plan, &from, PlanState::Running, &with.act, with.now()).await? {
        return Ok(None);
    }
    // Somebody else moved it meanwhile, or it was left running by a process that ended.
    over(&with.find(hash).await?)
}

/// A plan whose events are put on the queue.
struct Publishing<'a> {
    with: &'a Applying<'a>,
    hash: &'a str,
    plan: Plan,
    /// Events between two looks.
    at_once: u32,
    pace: Interval,
    /// Of the last event that the queue confirmed.
    position: i64,
    /// Events of this call.
    by_us: u64,
}

impl<'a> Publishing<'a> {
    fn of(with: &'a Applying<'a>, hash: &'a str, plan: Plan) -> Self {
        let per_second = with.per_second.clamp(1, PER_SECOND_MAX);
        let second = Duration::from_secs(1);
        let mut pace = interval(second.checked_div(per_second).unwrap_or(second));
        // A timer may be coarser than the pace: it catches up, but not with what a slow queue has kept.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let position = i64::try_from(plan.published).unwrap_or(i64::MAX);
        Self { with, hash, plan, at_once: per_second.min(BETWEEN_LOOKS_MAX), pace, position, by_us: 0 }
    }

    /// How many of the plan's events are on the queue.
    fn published(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(0)
    }

    /// Publishes the next events, keeps how far it came, and sees what became of the plan meanwhile.
    async fn page(&mut self) -> Result<PlanState, ReplayError> {
        let (ledger, number) = (self.with.ledger, self.plan.number);
        let page = ledger.plan_events(number, None, self.position, self.at_once).await?;
        let done = page.is_empty();
        let published = self.publish(page).await;
        // What is confirmed is kept also where the next one was not.
        let progress = Progress { position: self.position, done: done && published.is_ok() };
        let state = ledger.plan_published(number, progress, self.with.now()).await?;
        published.map(|()| state)
    }

    /// Publishes them in their order, many on their way at a time. It ends at the first that is not confirmed: those after
    /// it may be on the queue, and are recorded once when they come again.
    async fn publish(&mut self, page: Vec<(i64, Candidate)>) -> Result<(), ReplayError> {
        let (with, hash) = (self.with, self.plan.hash.clone());
        let mut left = page.into_iter().peekable();
        let mut on_their_way = FuturesOrdered::new();
        while left.peek().is_some() || !on_their_way.is_empty() {
            tokio::select! {
                biased;
                Some((place, told)) = on_their_way.next(), if !on_their_way.is_empty() => {
                    let told: Result<(), NotConfirmed> = told;
                    told.map_err(|cause| self.not_confirmed(cause))?;
                    self.position = place;
                    self.by_us = self.by_us.saturating_add(1);
                }
                tick = self.pace.tick(), if left.peek().is_some() && on_their_way.len() < ON_THEIR_WAY_MAX => {
                    if tick.elapsed() > BEHIND_MAX {
                        self.pace.reset();
                    }
                    if let Some((place, event)) = left.next() {
                        let read = envelope(with.ledger, &event, with.now()).await?;
                        let publishes = publish(with.queue, again(read, format!("replay-{hash}-{place}")));
                        on_their_way.push_back(publishes.map(move |told| (place, told)));
                    }
                }
            }
        }
        Ok(())
    }

    fn not_confirmed(&self, cause: NotConfirmed) -> ReplayError {
        ReplayError::NotConfirmed { published: self.published(), total: self.plan.events, cause }
    }

    /// What applying did, where it ends here: all is published, or somebody wants it to stop.
    async fn ended(&self, state: PlanState) -> Result<Option<Applied>, ReplayError> {
        match state {
            PlanState::Applied => Ok(Some(Applied::Published(self.with.find(self.hash).await?, self.by_us))),
            PlanState::Paused | PlanState::Aborted => self.stopped().await.map(Some),
            PlanState::Draft | PlanState::Ready | PlanState::Running if self.with.stop.is_cancelled() => {
                self.pause().await?;
                self.stopped().await.map(Some)
            }
            PlanState::Draft | PlanState::Ready | PlanState::Running => Ok(None),
        }
    }

    async fn pause(&self) -> Result<(), ReplayError> {
        let act = Act { who: self.with.act.who, reason: "broken off" };
        let (from, now) = ([PlanState::Running], self.with.now());
        self.with.ledger.plan_move(&self.plan, &from, PlanState::Paused, &act, now).await?;
        Ok(())
    }

    async fn stopped(&self) -> Result<Applied, ReplayError> {
        Ok(Applied::Stopped(self.with.find(self.hash).await?, self.by_us))
    }
}

/// Makes the same plan again, or the rest of one that was begun, and compares; refuses where it says anything else.
async fn holds(with: &Applying<'_>, plan: &Plan, rest: bool, now: Ms) -> Result<(), ReplayError> {
    let after = if rest { i64::try_from(plan.published).unwrap_or(i64::MAX) } else { 0 };
    let feed = Feed::Plan(plan.number, after);
    let (other, _) = draft(with.ledger, with.interpreter, feed, &plan.selection, with.act.who, now).await?;
    let changes = with.ledger.plan_changes(plan.number, other, rest, CHANGES_MAX).await;
    with.ledger.plan_drop(other).await?;
    match changes? {
        changes if changes.is_empty() => Ok(()),
        changes => Err(ReplayError::Stale(changes)),
    }
}
