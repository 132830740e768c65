//! One channel's turn: step, commit, effect, until the transfer rests. The rules are in
//! [`domain::settle`](crate::domain::settle); here is only their order.
//!
//! A worker that was paused past its lease does no harm: its commits fail on the channel's epoch, and a call
//! is sent only within `call_timeout` of the intent by the boot clock, checked as the last thing before it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use governor::DefaultDirectRateLimiter;
use tokio_util::sync::CancellationToken;

use super::{Outages, breaker::Breaker, meters, watched::Watched};
use crate::{
    clock::Clock,
    domain::{
        Ms,
        brake::{Brake, passed},
        channel::Channel,
        reply::Reply,
        settle::{AccountSignal, Effect, Input, Moment, Policy, State, Step, step},
    },
    envelope::trace_id,
    ledger::{Advanced, Claim, DUE_AHEAD_MS_MAX, Ledger, LedgerError, Transfer, Turn},
    partner::Partner,
};

/// Wait between tries to commit an answer while the ledger is away.
const COMMIT_RETRY: Duration = Duration::from_millis(250);

/// How long a paused channel is not looked at, in ms; a resume ends it at once.
const PAUSED_LOOK_MS: i64 = 60_000;

/// How a turn left its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Given back with the last step; due again then.
    GivenBack(Option<Ms>),
    /// It is ours, and need not be looked at before.
    NotBefore(Ms),
}

/// How a transfer was left.
struct Worked {
    /// `false`: it was not called, and is not about to be; where it is its account's probe, another can be.
    called: bool,
    /// The account is held.
    held: bool,
    ended: Ended,
}

/// What all turns of a worker share.
pub struct Turns {
    /// Where every step is committed.
    pub ledger: Arc<Ledger>,
    /// Where days are moved.
    pub partner: Arc<dyn Partner>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The rules' settings.
    pub policy: Policy,
    /// When too many days move.
    pub brake: Brake,
    /// Longest one call may take, and how late after its intent it may still be sent.
    pub call_timeout: Duration,
    /// How long the account rests between probes, ms.
    pub probe_ms: i64,
    /// Calls per second.
    pub limiter: DefaultDirectRateLimiter,
    /// Stops new calls after several unclear outcomes.
    pub breaker: Breaker,
    /// Says when calls begin to rest, and when they go on.
    pub outages: Outages,
    /// How long doubts were watched.
    pub watched: Watched,
}

impl Turns {
    /// Looks whether calls rest, again and again until `stop`.
    pub async fn look(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.outages.look(&self.breaker).await;
            let _ = tokio::time::timeout(every, stop.cancelled()).await;
        }
    }

    /// Works on a claimed channel until nothing is due on it, then gives it back. Returns when it is due again, if that is
    /// known.
    pub async fn take(self: Arc<Self>, claim: Claim, lease_until: Ms) -> Option<Ms> {
        let channel = claim.channel.clone();
        let given_back = match self.work(&claim, lease_until).await {
            Ok(Ended::GivenBack(due)) => Ok(due),
            Ok(Ended::NotBefore(not_before)) => self.ledger.release(&claim, not_before).await,
            Err(error) => {
                tracing::warn!(%error, %channel, "turn broken off; the channel's lease will end");
                return None;
            }
        };
        given_back.unwrap_or_else(|error| {
            tracing::warn!(%error, %channel, "channel was not given back; its lease will end");
            None
        })
    }

    async fn work(&self, claim: &Claim, lease_until: Ms) -> Result<Ended, LedgerError> {
        let now = self.clock.now_ms();
        let turn = self.ledger.turn(claim, now).await?;
        if turn.moved {
            return Ok(Ended::NotBefore(now.saturating_add(PAUSED_LOOK_MS)));
        }
        let mut channel = turn.channel.clone();
        if channel.believe(now) {
            self.ledger.save_channel(claim, &channel).await?;
            return Ok(Ended::NotBefore(0));
        }
        if channel.switch_due().is_some_and(|due| due <= now) && channel.quiet_until <= now {
            self.make_live(claim, &mut channel).await?;
            return Ok(Ended::NotBefore(0));
        }
        let Some(transfer) = turn.transfer.clone() else { return Ok(Ended::NotBefore(0)) };
        let key = transfer.key.clone();
        if matches!(transfer.state, State::Planned { .. }) {
            if let Some(until) = self.account_rests(&turn, &transfer, now) {
                return Ok(Ended::NotBefore(until.min(now.saturating_add(DUE_AHEAD_MS_MAX))));
            }
            if let Some(until) = self.paused(claim, &turn, transfer.days, now).await? {
                self.ledger.pass_probe(&claim.account, &key, now).await?;
                return Ok(Ended::NotBefore(until));
            }
        }
        let held = turn.hold.is_some();
        let worked = self.settle(claim, transfer, channel, held, lease_until).await?;
        if !worked.called && (held || worked.held) {
            self.ledger.pass_probe(&claim.account, &key, self.clock.now_ms()).await?;
        }
        Ok(worked.ended)
    }

    /// After a restoration first of all: a call that the ledger has forgotten may still be applied, and would be
    /// taken for ours.
    fn account_rests(&self, turn: &Turn, transfer: &Transfer, now: Ms) -> Option<Ms> {
        let known_from = turn.restored_at.map(|at| at.saturating_add(self.policy.settle_window_ms));
        if known_from.is_some_and(|from| now < from) {
            return known_from;
        }
        if let Some(until) = self.breaker.rests_until(now) {
            return Some(until);
        }
        let hold = turn.hold.as_ref().filter(|hold| hold.keeps_back(&transfer.key, transfer.days));
        hold.map(|hold| hold.probe_at.max(now.saturating_add(1)))
    }

    async fn paused(
        &self,
        claim: &Claim,
        turn: &Turn,
        days: u32,
        now: Ms,
    ) -> Result<Option<Ms>, LedgerError> {
        // What moves in slices was counted when it was granted.
        let days = if turn.sliced { 0 } else { days };
        if !turn.paused && passed(&self.brake, &turn.lately, days).is_none() {
            return Ok(None);
        }
        let Some(pause) = self.ledger.may_call(claim, days, &self.brake, now).await? else {
            return Ok(None);
        };
        if pause.since == now {
            self.outages.look(&self.breaker).await;
        }
        Ok(Some(now.saturating_add(PAUSED_LOOK_MS)))
    }

    /// `held`: the account is, so what the partner says may matter to it.
    async fn settle(
        &self,
        claim: &Claim,
        transfer: Transfer,
        mut channel: Channel,
        mut held: bool,
        lease_until: Ms,
    ) -> Result<Worked, LedgerError> {
        let trace = trace_id(&transfer.traceparent);
        let mut state = transfer.state;
        let mut input = Input::Due;
        let mut called = state.open();
        let mut news = false;
        let mut ended = Ended::NotBefore(0);
        // One permit for the read, and one for the call, which must not wait between intent and send.
        self.limiter.until_ready().await;
        if matches!(state, State::Planned { .. }) {
            self.limiter.until_ready().await;
        }
        loop {
            let now = self.clock.now_ms();
            let started = self.clock.boot();
            let at = Moment { now, watched_ms: self.watched.for_ms(&transfer.key, &state, started) };
            let step = step(transfer.days, &state, &channel, claim.epoch, input, at, &self.policy);
            // A hold is started before the transfer that it keeps back is committed: a crash in between leaves
            // a hold whose probe finds nothing, never a transfer that waits for a hold that is not there.
            let holds = matches!(step.account, Some(AccountSignal::NoBalance | AccountSignal::NoToken));
            if holds {
                news |= self.tell_account(claim, &transfer.key, step.account, now).await?;
            }
            if step.state != state || step.channel != channel {
                let patient_until = if state.open() { lease_until } else { now };
                let committed = self.commit(claim, &transfer.key, &state, &step, patient_until).await?;
                let Some(advanced) = committed else {
                    tracing::warn!(
                        trace,
                        transfer = transfer.key,
                        "another worker went on with this transfer"
                    );
                    return Ok(Worked { called, held, ended });
                };
                self.watched.for_ms(&transfer.key, &step.state, started);
                tell_step(trace, &transfer.key, claim, &step.state);
                if let Some(accepted_at) = advanced.accepted_at {
                    meters::credited(self.clock.now_ms().saturating_sub(accepted_at));
                }
                held = advanced.held;
                if step.effect == Effect::Rest {
                    ended = Ended::GivenBack(advanced.due);
                }
            }
            if !holds && held {
                news |= self.tell_account(claim, &transfer.key, step.account, now).await?;
            }
            // Nothing stands between an intent and its call.
            if news && !matches!(step.state, State::Intended { .. }) {
                self.outages.look(&self.breaker).await;
                news = false;
            }
            state = step.state;
            channel = step.channel;
            input = match step.effect {
                Effect::Rest => return Ok(Worked { called, held, ended }),
                Effect::Read => {
                    let begun = Instant::now();
                    let read = self.partner.read(&claim.channel).await;
                    meters::called("read", begun, &read);
                    self.breaker.read(read.is_ok(), self.clock.now_ms());
                    Input::Read(read)
                }
                Effect::Call if self.clock.boot().saturating_sub(started) > self.call_timeout => {
                    Input::Unsent
                }
                Effect::Call => {
                    let begun = Instant::now();
                    let reply =
                        self.partner.extend(&claim.channel, transfer.days, &transfer.comment, trace).await;
                    meters::extended(begun, &reply);
                    called = says_something(&reply);
                    news |= self.breaker.called(matches!(reply, Reply::Unclear(_)), self.clock.now_ms());
                    Input::Reply(reply)
                }
            };
        }
    }

    /// Commits a step; an answer to a call is worth waiting for the ledger as long as the lease lasts.
    async fn commit(
        &self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        patient_until: Ms,
    ) -> Result<Option<Advanced>, LedgerError> {
        let gives_back = step.effect == Effect::Rest;
        loop {
            let now = self.clock.now_ms();
            match self.ledger.advance(claim, key, from, step, gives_back, now).await {
                Err(LedgerError::Unavailable(_)) if now < patient_until => {
                    tokio::time::sleep(COMMIT_RETRY).await;
                }
                answer => return answer,
            }
        }
    }

    /// Whether there was something to tell.
    async fn tell_account(
        &self,
        claim: &Claim,
        transfer: &str,
        news: Option<AccountSignal>,
        now: Ms,
    ) -> Result<bool, LedgerError> {
        let Some(news) = news else { return Ok(false) };
        let probe_at = now.saturating_add(self.probe_ms);
        self.ledger.account_news(&claim.account, news, transfer, now, probe_at).await?;
        Ok(true)
    }
}

/// The line of a step; what is held waits for a person, so it warns.
fn tell_step(trace: &str, transfer: &str, claim: &Claim, state: &State) {
    let (channel, word, attempt) = (&claim.channel, state.word().as_str(), state.attempt());
    match state {
        State::Held { cause, outcome, .. } => tracing::warn!(
            trace,
            transfer,
            %channel,
            state = word,
            attempt,
            cause = cause.word().as_str(),
            reason = %cause,
            outcome = ?outcome,
            "transfer"
        ),
        State::Doubtful { why, accepted, .. } => tracing::info!(
            trace,
            transfer,
            %channel,
            state = word,
            attempt,
            cause = if *accepted { "accepted_unmoved" } else { "outcome_unknown" },
            reason = why,
            "transfer"
        ),
        State::Planned { reason, .. } => {
            tracing::info!(trace, transfer, %channel, state = word, attempt, reason, "transfer");
        }
        // What comes of it has a line.
        State::Intended { .. } => {
            tracing::debug!(trace, transfer, %channel, state = word, attempt, "transfer");
        }
        State::Settled { .. } | State::Cancelled { .. } => {
            tracing::info!(trace, transfer, %channel, state = word, attempt, "transfer");
        }
    }
}

/// Whether an answer tells of the account, or may do so later: a refusal for another reason, and a call that was never
/// sent, do not.
fn says_something(reply: &Reply) -> bool {
    match reply {
        Reply::Accepted { .. } | Reply::Throttled { .. } | Reply::Unclear(_) => true,
        Reply::Refused { status, balance, .. } => *balance || *status == 401,
        Reply::NotSent(_) => false,
    }
}
