//! A frozen preview, then exactly that, through the queue.
//!
//! A plan names the stored events and what would happen to each payment; its hash is taken over both.
//! Applying publishes exactly those stored bytes again with trigger `replay`. It cannot credit twice: the
//! ledger knows each payment for ever, so a replayed payment that was credited is recorded as skipped.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    domain::Ms,
    envelope::{Envelope, Trigger, new_delivery, new_traceparent},
    ledger::{Ledger, LedgerError, Plan, Selection},
    queue::{NotConfirmed, Queue},
};

/// Most events of one plan.
pub const EVENTS_MAX: u32 = 10_000;

/// Longest a replay waits for the queue to come back before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Wait between its tries.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Hex digits of a plan's hash.
const HASH_HEX: usize = 16;

/// Why a plan was not applied, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such plan.
    #[error("no plan {0}; make one with `daybridge replay plan`")]
    NoPlan(String),
    /// The queue stopped confirming in the middle.
    #[error("{published} of {total} events were published, then: {cause}; applying again is safe")]
    NotConfirmed {
        /// Confirmed so far.
        published: usize,
        /// In the plan.
        total: usize,
        /// What the queue said.
        cause: NotConfirmed,
    },
}

/// What applying did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// All events are on the queue.
    Published(Plan, usize),
    /// It was applied before; nothing was published.
    Before(Plan),
}

/// Makes and keeps a plan.
pub async fn plan(ledger: &dyn Ledger, selection: &Selection, now: Ms) -> Result<Plan, LedgerError> {
    let payments = ledger.select(selection, EVENTS_MAX).await?;
    let text = serde_json::to_vec(&(&payments, now)).map_err(|e| LedgerError::Corrupt(e.to_string()))?;
    let mut hash = hex::encode(Sha256::digest(&text));
    hash.truncate(HASH_HEX);
    let plan = Plan { hash, created_at: now, applied_at: None, payments };
    if !plan.payments.is_empty() {
        ledger.save_plan(&plan).await?;
    }
    Ok(plan)
}

/// Publishes exactly the events of a plan.
pub async fn apply(
    ledger: &dyn Ledger,
    queue: &dyn Queue,
    hash: &str,
    now: Ms,
) -> Result<Applied, ReplayError> {
    let plan = ledger.plan(hash).await?.ok_or_else(|| ReplayError::NoPlan(hash.to_owned()))?;
    if plan.applied_at.is_some() {
        return Ok(Applied::Before(plan));
    }
    let total = plan.payments.iter().map(|p| p.numbers.len()).sum();
    let mut published = 0;
    for payment in &plan.payments {
        for mut envelope in ledger.envelopes(&payment.numbers).await? {
            envelope.trigger = Trigger::Replay;
            envelope.delivery = new_delivery();
            envelope.traceparent = new_traceparent();
            publish(queue, envelope).await.map_err(|cause| ReplayError::NotConfirmed {
                published,
                total,
                cause,
            })?;
            published += 1;
        }
    }
    ledger.plan_applied(&plan.hash, now).await?;
    Ok(Applied::Published(plan, published))
}

/// Publishes until it is confirmed. A second copy of the same delivery is recorded once, so that trying again
/// after an unknown outcome is safe here.
async fn publish(queue: &dyn Queue, envelope: Envelope) -> Result<(), NotConfirmed> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match queue.publish(envelope.clone()).await {
            Err(cause) if Instant::now() >= deadline => return Err(cause),
            Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            Ok(()) => return Ok(()),
        }
    }
}
