//! Which channels are worked on, and when: claims due channels from the ledger, a bounded number at a time,
//! and wakes at once for a fresh payment. Nothing is remembered between claims; a restart finds everything.

use std::{iter, mem, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{Quota, RateLimiter};
use tokio::{
    sync::{Notify, mpsc},
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Outages,
    balance::BalanceWatch,
    breaker::Breaker,
    hands::{Hand, Hands},
    listing::Listing,
    meters, settle_policy,
    turn::Turns,
    watched::Watched,
};
use crate::{
    clock::{Clock, millis},
    config::Config,
    domain::{Ms, settle::AccountSignal},
    ledger::{Claim, Ledger, LedgerError},
    partner::Partner,
};

/// Beyond the two calls of a turn, in ms: time for commits and the rate limit.
const LEASE_SLACK_MS: i64 = 10_000;

/// Runs until `stop`, then waits for the turns in hand.
pub async fn run(
    config: Config,
    ledger: Arc<Ledger>,
    (partner, clock): (Arc<dyn Partner>, Arc<dyn Clock>),
    doors: (Hands, mpsc::UnboundedReceiver<(Hand, Claim)>),
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    let (hands, mut taken) = doors;
    let watch = BalanceWatch::new(&config, ledger.clone(), clock.clone());
    let mut settling = Settling::new(&config, ledger, (partner, clock), hands);
    if let Err(error) = settling.try_new_token().await {
        tracing::warn!(%error, "a refused token is tried again when its time has come");
    }
    let listing =
        Listing::new(settling.turns.clone(), settling.account.clone(), calls_per_second(&config).get());
    let beside = [
        tokio::spawn(settling.turns.clone().look(settling.poll, stop.clone())),
        tokio::spawn(listing.run(stop.clone())),
        tokio::spawn(watch.run(stop.clone())),
    ];
    settling.take_turns(&mut taken, &wake, &stop).await;
    settling.hands.set_behind(true);
    let finish = settling.finish(&mut taken);
    if tokio::time::timeout(config.worker.stop_timeout, finish).await.is_err() {
        tracing::warn!(
            "stopped with calls in hand; the next start finds them doubtful and settles them by readings"
        );
    }
    beside.iter().for_each(JoinHandle::abort);
}

fn calls_per_second(config: &Config) -> NonZeroU32 {
    NonZeroU32::new(config.partner.calls_per_second_max).unwrap_or(NonZeroU32::MIN)
}

/// How long a claimed channel is a worker's: a call may be sent one timeout after its intent, and take another.
pub(super) fn lease_ms(call_timeout: Duration) -> i64 {
    millis(call_timeout).saturating_mul(2).saturating_add(LEASE_SLACK_MS)
}

struct Settling {
    account: String,
    hands: Hands,
    probe_ms: i64,
    poll: Duration,
    turns: Arc<Turns>,
    /// Each ends with when its channel is due again.
    running: JoinSet<Option<Ms>>,
    /// It was said that the ledger is away.
    away: bool,
}

impl Settling {
    fn new(
        config: &Config,
        ledger: Arc<Ledger>,
        (partner, clock): (Arc<dyn Partner>, Arc<dyn Clock>),
        hands: Hands,
    ) -> Self {
        let turns = Turns {
            outages: Outages::new(ledger.clone(), config.partner.account.clone()),
            ledger,
            partner,
            clock,
            policy: settle_policy(&config.partner),
            brake: config.brake.rules(),
            call_timeout: config.partner.call_timeout,
            probe_ms: millis(config.worker.account_probe),
            limiter: RateLimiter::direct(Quota::per_second(calls_per_second(config))),
            breaker: Breaker::new(config.worker.breaker_unclear_max, millis(config.worker.breaker_pause)),
            watched: Watched::default(),
        };
        Self {
            account: config.partner.account.clone(),
            hands,
            probe_ms: millis(config.worker.account_probe),
            poll: config.worker.poll,
            turns: Arc::new(turns),
            running: JoinSet::new(),
            away: false,
        }
    }

    /// A worker that starts may have a new token: one that was refused is no reason to rest any longer.
    async fn try_new_token(&self) -> Result<(), LedgerError> {
        let ledger = &self.turns.ledger;
        let hold = ledger.account_hold(&self.account).await?;
        if hold.is_some_and(|hold| hold.news == AccountSignal::NoToken) {
            let now = self.turns.clock.now_ms();
            ledger.account_news(&self.account, AccountSignal::NoToken, "", now, now).await?;
        }
        Ok(())
    }

    /// Starts turns until `stop`: on what intake took, and on what is due.
    async fn take_turns(
        &mut self,
        taken: &mut mpsc::UnboundedReceiver<(Hand, Claim)>,
        wake: &Notify,
        stop: &CancellationToken,
    ) {
        let mut look_at = Instant::now();
        while !stop.is_cancelled() {
            if look_at <= Instant::now() {
                look_at = Instant::now() + self.look().await;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some((hand, claim)) = taken.recv() => self.begin(hand, claim),
                () = wake.notified() => look_at = Instant::now(),
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    look_at = look_at.min(self.next_look(ended.ok().flatten()));
                }
                () = tokio::time::sleep_until(look_at) => {}
            }
        }
    }

    /// Waits for the turns in hand.
    async fn finish(&self, taken: &mut mpsc::UnboundedReceiver<(Hand, Claim)>) {
        loop {
            tokio::select! {
                biased;
                // What was taken and not begun is another's; where that cannot be said, its lease ends.
                Some((_hand, claim)) = taken.recv() => drop(self.turns.ledger.release(&claim, 0).await),
                () = self.hands.empty() => break,
            }
        }
    }

    fn begin(&mut self, hand: Hand, claim: Claim) {
        let turn = self.turns.clone().take(claim, hand.lease_until());
        self.running.spawn(async move {
            let due = turn.await;
            drop(hand);
            due
        });
    }

    /// When to look again, now that a turn has ended whose channel is due then.
    fn next_look(&self, due: Option<Ms>) -> Instant {
        if self.hands.is_behind() {
            return Instant::now();
        }
        let wait = due.map_or(i64::MAX, |due| due.saturating_sub(self.turns.clock.now_ms()).max(0));
        Instant::now() + self.poll.min(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }

    /// Starts turns on due channels; returns how long nothing else will be due.
    async fn look(&mut self) -> Duration {
        meters::ledger(self.turns.ledger.database_counts());
        match self.claim().await {
            Ok(wait) => {
                if mem::take(&mut self.away) {
                    tracing::info!("due channels are claimed again");
                }
                wait
            }
            Err(error) => {
                if !mem::replace(&mut self.away, true) {
                    tracing::warn!(%error, "due channels could not be claimed; trying on");
                }
                self.poll
            }
        }
    }

    async fn claim(&mut self) -> Result<Duration, LedgerError> {
        let ledger = self.turns.ledger.clone();
        let now = self.turns.clock.now_ms();
        if let Some(hold) = ledger.account_hold(&self.account).await? {
            if hold.probe_due(now) {
                ledger.take_probe(&self.account, now, now.saturating_add(self.probe_ms)).await?;
            } else if hold.news == AccountSignal::NoToken {
                // None waits for a hand, then: all wait for a token.
                self.hands.set_behind(false);
                return Ok(self.poll);
            }
        }
        let free: Vec<Hand> = iter::from_fn(|| self.hands.any(now)).collect();
        self.hands.set_behind(free.is_empty());
        let Some(first) = free.first() else { return Ok(self.poll) };
        let limit = u32::try_from(free.len()).unwrap_or(u32::MAX);
        let lease_until = first.lease_until();
        let claims = ledger.claim(&self.account, self.hands.worker(), now, lease_until, limit).await?;
        // There may be more; look again when a turn ends.
        let behind = claims.len() == free.len();
        self.hands.set_behind(behind);
        for (hand, claim) in free.into_iter().zip(claims) {
            self.begin(hand, claim);
        }
        if behind {
            return Ok(self.poll);
        }
        let due = ledger.next_due(&self.account).await?;
        let wait_ms = due.map_or(i64::MAX, |due| due.saturating_sub(self.turns.clock.now_ms()).max(1));
        Ok(self.poll.min(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CALL_TIMEOUT_MAX;

    /// Nothing correct rests on it, but two workers at one transfer are work for nothing, and doubt.
    #[test]
    fn a_lease_outlasts_the_call_that_is_sent_last() {
        for call_timeout in [Duration::from_millis(1), Duration::from_secs(30), CALL_TIMEOUT_MAX] {
            assert!(lease_ms(call_timeout) > millis(call_timeout * 2), "{call_timeout:?}");
        }
    }
}
