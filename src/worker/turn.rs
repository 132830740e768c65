//! One channel's turn: step, commit, effect, until the transfer rests. The rules are in
//! [`domain::settle`](crate::domain::settle); here is only their order.
//!
//! A worker that was paused past its lease does no harm: its commits fail on the channel's epoch, and a call
//! is sent only within `call_timeout` of the intent by the boot clock, checked as the last thing before it.

/// A transfer in a turn.
mod active;

/// Why nothing is called.
mod rests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use governor::DefaultDirectRateLimiter;
use tokio_util::sync::CancellationToken;

use self::active::{ActiveTransfer, Began};
use super::{Outages, breaker::Breaker, meters, watched::Watched};
use crate::{
    clock::Clock,
    domain::{
        Ms,
        allocation::brake::Brake,
        channel::Channel,
        reply::{ReadError, Reading, Reply},
        settle::{AccountSignal, Effect, Input, Moment, Policy, State, Step, step},
    },
    envelope::trace_id,
    ledger::{Claim, DUE_AHEAD_MS_MAX, Ledger, LedgerError, Transfer},
    partner::Partner,
};

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

    /// `held`: the account is, so what the partner says may matter to it.
    async fn settle(
        &self,
        claim: &Claim,
        transfer: Transfer,
        channel: Channel,
        held: bool,
        lease_until: Ms,
    ) -> Result<Worked, LedgerError> {
        let worked = Worked { called: transfer.state.open(), held, ended: Ended::NotBefore(0) };
        let mut active = ActiveTransfer { claim, transfer, channel, lease_until, worked, news: false };
        let mut input = Input::Due;
        // One permit for the read, and one for the call, which must not wait between intent and send.
        self.limiter.until_ready().await;
        if matches!(active.transfer.state, State::Planned { .. }) {
            self.limiter.until_ready().await;
        }
        loop {
            let began = Began { now: self.clock.now_ms(), boot: self.clock.boot() };
            let step = self.step(&active, input, began);
            if !self.keep(&mut active, &step, began).await? {
                return Ok(active.worked);
            }
            // Nothing stands between an intent and its call.
            if active.news && !matches!(step.state, State::Intended { .. }) {
                self.outages.look(&self.breaker).await;
                active.news = false;
            }
            active.transfer.state = step.state;
            active.channel = step.channel;
            let Some(came) = self.carry_out(&mut active, step.effect, began).await else {
                return Ok(active.worked);
            };
            input = came;
        }
    }

    fn step(&self, active: &ActiveTransfer<'_>, input: Input, began: Began) -> Step {
        let ActiveTransfer { claim, transfer, channel, .. } = active;
        let watched_ms = self.watched.for_ms(&transfer.key, &transfer.state, began.boot);
        let at = Moment { now: began.now, watched_ms };
        step(transfer.days, &transfer.state, channel, claim.epoch, input, at, &self.policy)
    }

    /// Commits a step, and what it says of the account. `false`: another worker went on with the transfer.
    async fn keep(
        &self,
        active: &mut ActiveTransfer<'_>,
        step: &Step,
        began: Began,
    ) -> Result<bool, LedgerError> {
        // A hold is started before the transfer that it keeps back is committed: a crash in between leaves
        // a hold whose probe finds nothing, never a transfer that waits for a hold that is not there.
        let holds = matches!(step.account, Some(AccountSignal::NoBalance | AccountSignal::NoToken));
        if holds {
            self.tell_account(active, step.account, began.now).await?;
        }
        let changes = step.state != active.transfer.state || step.channel != active.channel;
        if changes && !self.advance(active, step, began).await? {
            return Ok(false);
        }
        if !holds && active.worked.held {
            self.tell_account(active, step.account, began.now).await?;
        }
        Ok(true)
    }

    /// Commits a step that changes something. `false`: another worker went on with the transfer.
    async fn advance(
        &self,
        active: &mut ActiveTransfer<'_>,
        step: &Step,
        began: Began,
    ) -> Result<bool, LedgerError> {
        let transfer = &active.transfer;
        let trace = trace_id(&transfer.traceparent);
        let Some(advanced) = self.commit(active, step, began.now).await? else {
            tracing::warn!(trace, transfer = transfer.key, "another worker went on with this transfer");
            return Ok(false);
        };
        self.watched.for_ms(&transfer.key, &step.state, began.boot);
        tell_step(trace, &transfer.key, active.claim, &step.state);
        if let Some(accepted_at) = advanced.accepted_at {
            meters::credited(self.clock.now_ms().saturating_sub(accepted_at));
        }
        active.worked.held = advanced.held;
        if step.effect == Effect::Rest {
            active.worked.ended = Ended::GivenBack(advanced.due);
        }
        Ok(true)
    }

    /// What came of an effect; `None`: the transfer rests.
    async fn carry_out(
        &self,
        active: &mut ActiveTransfer<'_>,
        effect: Effect,
        began: Began,
    ) -> Option<Input> {
        match effect {
            Effect::Rest => None,
            Effect::Read => Some(Input::Read(self.read(active.claim).await)),
            Effect::Call if self.clock.boot().saturating_sub(began.boot) > self.call_timeout => {
                Some(Input::Unsent)
            }
            Effect::Call => Some(Input::Reply(self.call(active).await)),
        }
    }

    async fn read(&self, claim: &Claim) -> Result<Reading, ReadError> {
        let begun = Instant::now();
        let read = self.partner.read(&claim.channel).await;
        meters::called("read", begun, &read);
        self.breaker.read(read.is_ok(), self.clock.now_ms());
        read
    }

    async fn call(&self, active: &mut ActiveTransfer<'_>) -> Reply {
        let ActiveTransfer { claim, transfer, .. } = active;
        let trace = trace_id(&transfer.traceparent);
        let begun = Instant::now();
        let reply = self.partner.extend(&claim.channel, transfer.days, &transfer.comment, trace).await;
        meters::extended(begun, &reply);
        active.worked.called = says_something(&reply);
        active.news |= self.breaker.called(matches!(reply, Reply::Unclear(_)), self.clock.now_ms());
        reply
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
