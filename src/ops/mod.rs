//! What an operator reads and decides. Nothing here calls the partner: a replay goes through the queue like
//! any delivery, a decision changes the ledger and the worker acts on it. What needs no operator but goes the same
//! road stands here too: the backfill.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    envelope::{Envelope, Trigger, new_traceparent},
    queue::{NotConfirmed, Queue},
};

/// A frozen preview, then exactly that, through the queue.
pub mod replay;

/// What waits for a person: tried again, corrected, closed.
pub mod held;

/// A file of customers and their channels.
pub mod customers;

/// Names that there are.
pub mod known;

/// Where no new call is made, by a person's word.
pub mod pause;

/// Events that never came, from the provider's own list.
pub mod backfill;

/// What was paid against what was extended.
pub mod reconcile;

/// Longest an operator's command waits for the queue to come back before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Wait between its tries.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Makes a stored event a delivery of its own.
fn again(mut envelope: Envelope, delivery: String) -> Envelope {
    envelope.trigger = Trigger::Replay;
    envelope.delivery = delivery;
    envelope.traceparent = new_traceparent();
    envelope
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
