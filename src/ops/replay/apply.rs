//! From a plan to the queue, at a pace; it can be paused, aborted, broken off, and go on.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
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
        plan::{PlanState, Progress},
    },
    ops::{again, publish},
    queue::Queue,
    worker::Interpreter,
};

/// Most events between two looks whether a person has paused or aborted the plan; never more than a second's.
const BETWEEN_LOOKS_MAX: u32 = 100;

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
    let now = || with.clock.now_ms();
    let find = async || with.ledger.plan(hash).await?.ok_or_else(|| ReplayError::NoPlan(hash.to_owned()));
    let plan = find().await?;
    match plan.state {
        PlanState::Applied => return Ok(Applied::Before(plan)),
        PlanState::Aborted => return Err(ReplayError::Aborted(plan.hash)),
        PlanState::Ready => match holds(with, &plan, false, now()).await {
            // What a colleague who began to apply it a moment ago has changed makes nobody's plan stale.
            Err(ReplayError::Stale(_))
                if matches!(find().await?.state, PlanState::Running | PlanState::Applied) => {}
            still => still?,
        },
        PlanState::Paused => holds(with, &plan, true, now()).await?,
        // Left behind by a process that ended; one that is at work says so every second.
        PlanState::Running if now().saturating_sub(plan.changed_at) > LEFT_BEHIND_MS => {
            holds(with, &plan, true, now()).await?;
        }
        PlanState::Draft | PlanState::Running => {}
    }
    let from = [PlanState::Ready, PlanState::Paused];
    if !with.ledger.plan_move(&plan, &from, PlanState::Running, &with.act, now()).await? {
        // Somebody else moved it meanwhile, or it was left running by a process that ended.
        match find().await? {
            plan if plan.state == PlanState::Applied => return Ok(Applied::Before(plan)),
            plan if plan.state == PlanState::Aborted => return Err(ReplayError::Aborted(plan.hash)),
            _ => {}
        }
    }
    let per_second = with.per_second.clamp(1, PER_SECOND_MAX);
    let mut pace = interval(Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::from_secs(1)));
    // A timer may be coarser than the pace: it catches up, but not with what a slow queue has kept.
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut position = i64::try_from(plan.published).unwrap_or(i64::MAX);
    let mut by_us = 0_u64;
    loop {
        let page =
            with.ledger.plan_events(plan.number, None, position, per_second.min(BETWEEN_LOOKS_MAX)).await?;
        let done = page.is_empty();
        for (place, event) in page {
            if pace.tick().await.elapsed() > BEHIND_MAX {
                pace.reset();
            }
            let delivery = format!("replay-{}-{place}", plan.hash);
            let envelope = again(envelope(with.ledger, &event, now()).await?, delivery);
            if let Err(cause) = publish(with.queue, envelope).await {
                let progress = Progress { position, done: false };
                with.ledger.plan_published(plan.number, progress, now()).await?;
                let published = u64::try_from(position).unwrap_or(0);
                return Err(ReplayError::NotConfirmed { published, total: plan.events, cause });
            }
            position = place;
            by_us = by_us.saturating_add(1);
        }
        let state = with.ledger.plan_published(plan.number, Progress { position, done }, now()).await?;
        tell(&plan, u64::try_from(position).unwrap_or(0));
        match state {
            PlanState::Applied => return Ok(Applied::Published(find().await?, by_us)),
            PlanState::Paused | PlanState::Aborted => return Ok(Applied::Stopped(find().await?, by_us)),
            PlanState::Draft | PlanState::Ready | PlanState::Running if with.stop.is_cancelled() => {
                let act = Act { who: with.act.who, reason: "broken off" };
                with.ledger.plan_move(&plan, &[PlanState::Running], PlanState::Paused, &act, now()).await?;
                return Ok(Applied::Stopped(find().await?, by_us));
            }
            PlanState::Draft | PlanState::Ready | PlanState::Running => {}
        }
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
