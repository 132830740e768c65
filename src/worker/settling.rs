//! Which channels are worked on, and when: claims due channels from the ledger, a bounded number at a time,
//! and wakes at once for a fresh payment. Nothing is remembered between claims; a restart finds everything.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{Quota, RateLimiter};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Outages, brake, breaker::Breaker, clock, millis, settle_policy, turn::Turns};
use crate::{
    config::Config,
    domain::settle::AccountNews,
    ledger::{Ledger, LedgerError},
    partner::Partner,
};

/// Beyond the two calls of a turn, in ms: time for commits and the rate limit.
const LEASE_SLACK_MS: i64 = 10_000;

/// Runs until `stop`, then waits for the turns in hand.
pub async fn run(
    config: Config,
    ledger: Arc<Ledger>,
    partner: Arc<dyn Partner>,
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    let per_second = NonZeroU32::new(config.partner.calls_per_second_max).unwrap_or(NonZeroU32::MIN);
    let settling = Settling {
        worker: format!("{}-{:08x}", std::process::id(), fastrand::u32(..)),
        lease_ms: lease_ms(config.partner.call_timeout),
        probe_ms: millis(config.worker.account_probe),
        channels_max: config.worker.channels_max,
        poll: config.worker.poll,
        turns: Arc::new(Turns {
            outages: Outages::new(ledger.clone(), config.partner.account.clone()),
            ledger,
            partner,
            policy: settle_policy(&config.partner),
            brake: brake(&config.brake),
            call_timeout: config.partner.call_timeout,
            probe_ms: millis(config.worker.account_probe),
            limiter: RateLimiter::direct(Quota::per_second(per_second)),
            breaker: Breaker::new(config.worker.breaker_unclear_max, millis(config.worker.breaker_pause)),
        }),
        account: config.partner.account,
    };
    if let Err(error) = settling.try_new_token().await {
        tracing::warn!(%error, "a refused token is tried again when its time has come");
    }
    let looking = tokio::spawn(settling.turns.clone().look(settling.poll, stop.clone()));
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let wait = match settling.claim(&mut running).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "due channels could not be claimed; trying again");
                settling.poll
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified(), if running.len() < settling.channels_max => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    let finish = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(config.worker.stop_timeout, finish).await.is_err() {
        tracing::warn!(
            "stopped with calls in hand; the next start finds them doubtful and settles them by readings"
        );
    }
    looking.abort();
}

/// How long a claimed channel is a worker's: a call may be sent one timeout after its intent, and take another.
fn lease_ms(call_timeout: Duration) -> i64 {
    millis(call_timeout).saturating_mul(2).saturating_add(LEASE_SLACK_MS)
}

struct Settling {
    worker: String,
    account: String,
    lease_ms: i64,
    probe_ms: i64,
    channels_max: usize,
    poll: Duration,
    turns: Arc<Turns>,
}

impl Settling {
    /// A worker that starts may have a new token: one that was refused is no reason to rest any longer.
    async fn try_new_token(&self) -> Result<(), LedgerError> {
        let ledger = &self.turns.ledger;
        let hold = ledger.account_hold(&self.account).await?;
        if hold.is_some_and(|hold| hold.news == AccountNews::NoToken) {
            let now = clock::now_ms();
            ledger.account_news(&self.account, AccountNews::NoToken, "", now, now).await?;
        }
        Ok(())
    }

    /// Starts turns on due channels; returns how long nothing else will be due.
    async fn claim(&self, running: &mut JoinSet<()>) -> Result<Duration, LedgerError> {
        while running.try_join_next().is_some() {}
        let ledger = &self.turns.ledger;
        let now = clock::now_ms();
        if let Some(hold) = ledger.account_hold(&self.account).await? {
            if hold.probe_due(now) {
                ledger.take_probe(&self.account, now, now.saturating_add(self.probe_ms)).await?;
            } else if hold.news == AccountNews::NoToken {
                return Ok(self.poll);
            }
        }
        let free = self.channels_max.saturating_sub(running.len());
        if free == 0 {
            return Ok(self.poll);
        }
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let lease_until = now.saturating_add(self.lease_ms);
        let claims = ledger.claim(&self.account, &self.worker, now, lease_until, limit).await?;
        if claims.len() == free {
            // There may be more; look again when a turn ends.
            for claim in claims {
                running.spawn(self.turns.clone().take(claim, lease_until));
            }
            return Ok(self.poll);
        }
        for claim in claims {
            running.spawn(self.turns.clone().take(claim, lease_until));
        }
        let due = ledger.next_due(&self.account).await?;
        let wait_ms = due.map_or(i64::MAX, |due| due.saturating_sub(clock::now_ms()).max(1));
        Ok(self.poll.min(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::CALL_TIMEOUT_MAX;

    /// Nothing correct rests on it, but two workers at one transfer are work for nothing, and doubt.
    #[test]
    fn a_lease_outlasts_the_call_that_is_sent_last() {
        for call_timeout in [Duration::from_millis(1), Duration::from_secs(30), CALL_TIMEOUT_MAX] {
            assert!(lease_ms(call_timeout) > millis(call_timeout * 2), "{call_timeout:?}");
        }
    }
}
