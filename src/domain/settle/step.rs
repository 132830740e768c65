//! One step of a transfer.

use super::{
    super::{
        Ms,
        channel::Channel,
        reply::{ReadError, Reading, Reply},
    },
    Call, Cause, Kept, Outcome, PLAN_AGE_MS_MAX, Policy, State, UNMOVED_READS_MIN, Watch, back_off_ms,
    evidence::unmoved,
    observe::Doubt,
    observe_ms,
    turn::{AccountSignal, Effect, Plan, Step, Turn},
    waited_ms,
};
use crate::domain::allocation::slices::Ahead;

/// What the driver brings to a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// A worker holds the channel's lease and turns to the transfer.
    Due,
    /// The effect [`Effect::Read`] was carried out.
    Read(Result<Reading, ReadError>),
    /// The deadline had passed before [`Effect::Call`] was carried out: certainly not sent.
    Unsent,
    /// [`Effect::Call`] was carried out.
    Reply(Reply),
}

/// When a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the caller's clock, which may be set at any time.
    pub now: Ms,
    /// How long a doubtful transfer has been watched for sure, by a clock that nobody sets; 0 where that is not known.
    pub watched_ms: i64,
}

/// Takes one step with a transfer of `days`. `epoch` is the caller's lease of the channel.
pub fn step(
    days: u32,
    state: &State,
    channel: &Channel,
    epoch: i64,
    input: Input,
    Moment { now, watched_ms: for_ms }: Moment,
    policy: &Policy,
) -> Step {
    let turn = Turn { days, epoch, now, policy };
    match (state.clone(), input) {
        (State::Intended { call, retried, .. }, Input::Due | Input::Read(_)) => {
            turn.unanswered(call, retried, channel)
        }
        (state @ (State::Planned { .. } | State::Doubtful { .. } | State::Settled { .. }), Input::Due) => {
            turn.stay(channel, state, Effect::Read)
        }
        (
            State::Planned { due, since, tries, lag_since, lag_reads, last, retried, ahead, .. },
            Input::Read(read),
        ) => {
            // Nobody turned to it for so long although it was due, and it is no older by that.
            let since = since.saturating_add(now.saturating_sub(due).max(0));
            let plan = Plan { since, tries, lag_since, lag_reads, last, retried, ahead };
            turn.planned(plan, read, channel)
        }
        (State::Intended { call, prior, since, tries, retried, ahead, .. }, Input::Unsent) => {
            turn.unsent(&call, &Plan::anew(prior, since, tries, retried, ahead), channel)
        }
        (State::Intended { call, prior, since, tries, retried, ahead, .. }, Input::Reply(reply)) => {
            turn.judge(call, &Plan::anew(prior, since, tries, retried, ahead), reply, channel)
        }
        (
            State::Doubtful {
                call, why, accepted, since, watched_ms, reads, odd_reads, tries, retried, ..
            },
            Input::Read(read),
        ) => {
            // A clock that was set back makes no doubt longer.
            let since = since.min(now);
            let watched_ms = watched_ms.max(for_ms);
            let doubt = Doubt { call, why, accepted, since, watched_ms, reads, odd_reads, tries, retried };
            turn.doubtful(doubt, read, channel)
        }
        (State::Settled { how, before, after, at, attempt, watch }, Input::Read(read)) => {
            let watch = watch.and_then(|watch| turn.watch_on(watch));
            turn.settled(State::Settled { how, before, after, at, attempt, watch }, read, channel)
        }
        // An input that does not belong to the state changes nothing.
        (state @ (State::Held { .. } | State::Cancelled { .. }), _)
        | (
            state @ (State::Planned { .. } | State::Doubtful { .. } | State::Settled { .. }),
            Input::Unsent | Input::Reply(_),
        ) => turn.stay(channel, state, Effect::Rest),
    }
}

impl Plan {
    /// Of a call that may have to be planned again: no reading lags since it was intended.
    fn anew(prior: Option<Call>, since: Ms, tries: u32, retried: bool, ahead: Option<Ahead>) -> Self {
        Self { since, tries, lag_since: None, lag_reads: 0, last: prior, retried, ahead }
    }

    fn due_in(&self, wait_ms: i64, now: Ms, reason: Option<String>) -> State {
        State::Planned {
            due: now.saturating_add(wait_ms),
            since: self.since,
            tries: self.tries.saturating_add(1),
            lag_since: self.lag_since,
            lag_reads: self.lag_reads,
            reason,
            last: self.last,
            retried: self.retried,
            ahead: self.ahead,
        }
    }

    fn held(&self, cause: Cause, now: Ms) -> State {
        State::Held { cause, outcome: Outcome::None, at: now, last: self.last, retried: self.retried }
    }
}

impl Turn<'_> {
    pub(super) fn stay(&self, channel: &Channel, state: State, effect: Effect) -> Step {
        Step { state, channel: channel.clone(), effect, movement: None, account: None }
    }

    /// Whether `for_ms` have passed since then: counted in waits as well as by the clock, which may have been set.
    fn over(&self, since: Ms, waits: u32, for_ms: i64) -> bool {
        self.now.saturating_sub(since) >= for_ms && waited_ms(waits) >= for_ms
    }

    /// An intent of which no answer was recorded.
    fn unanswered(&self, call: Call, retried: bool, channel: &Channel) -> Step {
        let why = "the worker stopped between the intent and the record of the answer";
        let doubt = Doubt::new(call, retried, why.into(), false, self.now);
        self.stay(channel, doubt.due_in(0, self.now), Effect::Read)
    }

    /// A call that was certainly not sent.
    fn unsent(&self, call: &Call, plan: &Plan, channel: &Channel) -> Step {
        let reason = "the deadline passed before the call was sent".to_owned();
        let mut step = self.stay(channel, self.again(plan, reason, None), Effect::Rest);
        step.channel.not_sent(call.number);
        step
    }

    fn planned(&self, plan: Plan, read: Result<Reading, ReadError>, channel: &Channel) -> Step {
        match read {
            Ok(reading) => self.planned_read(plan, &reading, channel),
            Err(error) => self.planned_unread(&plan, &error, channel),
        }
    }

    fn doubtful(&self, doubt: Doubt, read: Result<Reading, ReadError>, channel: &Channel) -> Step {
        match read {
            Ok(reading) => self.doubtful_read(doubt, &reading, channel),
            Err(error) => self.doubtful_unread(doubt, &error, channel),
        }
    }

    /// One that is watched may have moved the channel once more.
    fn settled(&self, state: State, read: Result<Reading, ReadError>, channel: &Channel) -> Step {
        let mut step = self.stay(channel, state, Effect::Rest);
        if let Ok(reading) = read {
            step.movement = step.channel.seen(&reading);
            step.account = Some(AccountSignal::Reads);
        }
        step
    }

    /// The next reading of a settled transfer that is watched; `None`: its window is over.
    fn watch_on(&self, watch: Watch) -> Option<Watch> {
        let left = watch.until.saturating_sub(self.now);
        if left <= 0 && waited_ms(watch.tries) >= self.policy.settle_window_ms {
            return None;
        }
        let wait = observe_ms(watch.tries);
        let due = self.now.saturating_add(if left > 0 { wait.min(left) } else { wait });
        Some(Watch { due, tries: watch.tries.saturating_add(1), ..watch })
    }

    fn planned_read(&self, plan: Plan, reading: &Reading, channel: &Channel) -> Step {
        if let Some(floor) = channel.floor.filter(|floor| reading.active_till < *floor) {
            return self.lagging(plan, reading, floor, channel);
        }
        if let Some(last) = plan.last
            && unmoved(&last, channel) != Some(reading.active_till)
        {
            let attempt = last.attempt;
            let why = format!("activeTill moved since attempt {attempt}: it may have been applied after all");
            let doubt = Doubt::new(last, plan.retried, why, false, self.now);
            if last.number == 0 {
                // Made before calls were numbered: another one may have been refused since, and applied.
                let state = doubt.held(self.conflict(&last, channel, reading), self.now);
                return self.with_reads(self.stay(channel, state, Effect::Rest));
            }
            return self.doubtful_read(doubt, reading, channel);
        }
        if let Some(ahead) = plan.ahead {
            if ahead.sure.is_some_and(|known| known != reading.active_till) {
                // Sent in the time that is forgotten, or extended by hand: only a person can tell.
                let (cause, outcome) = (Cause::Restored, Outcome::Forgotten);
                let state = State::Held { cause, outcome, at: self.now, last: None, retried: false };
                return self.with_reads(self.stay(channel, state, Effect::Rest));
            }
            if let Some(at) = ahead.later(reading.active_till, self.now) {
                let kept = Kept { last: plan.last, retried: plan.retried };
                let state = State::sliced(Ahead { at, sure: None, ..ahead }, self.now, kept);
                let mut step = self.with_reads(self.stay(channel, state, Effect::Rest));
                step.movement = step.channel.seen(reading);
                return step;
            }
        }
        let call = Call {
            attempt: plan.last.map_or(0, |c| c.attempt).saturating_add(1),
            before: reading.active_till,
            at: self.now,
            settles: channel.settles,
            number: channel.calls.saturating_add(1),
            moved_ms: channel.moved_ms,
            days: self.days,
        };
        let Plan { since, tries, last: prior, retried, ahead, .. } = plan;
        let state = State::Intended { call, epoch: self.epoch, prior, since, tries, retried, ahead };
        let mut step = self.with_reads(self.stay(channel, state, Effect::Call));
        step.movement = step.channel.seen(reading);
        step.channel.calls = call.number;
        step
    }

    /// Less than was read before: read again, through the whole window.
    fn lagging(&self, mut plan: Plan, reading: &Reading, floor: Ms, channel: &Channel) -> Step {
        let now = self.now;
        let since = plan.lag_since.map_or(now, |since| since.min(now));
        plan.lag_since = Some(since);
        let waits = plan.lag_reads;
        plan.lag_reads = waits.saturating_add(1);
        let over = self.over(since, waits, self.policy.settle_window_ms);
        let state = if over && plan.lag_reads >= UNMOVED_READS_MIN {
            plan.held(Cause::Below(reading.active_till, floor), now)
        } else {
            let reason = format!("activeTill reads {}, waiting for {floor}", reading.active_till);
            plan.due_in(observe_ms(waits), now, Some(reason))
        };
        self.with_reads(self.stay(channel, state, Effect::Rest))
    }

    fn planned_unread(&self, plan: &Plan, error: &ReadError, channel: &Channel) -> Step {
        let now = self.now;
        let wait = |reason: &str| self.again(plan, reason.to_owned(), None);
        let (state, account) = match error {
            ReadError::UnknownChannel => (plan.held(Cause::UnknownChannel, now), Some(AccountSignal::Reads)),
            ReadError::Unauthorized => (wait("the partner token was refused"), Some(AccountSignal::NoToken)),
            ReadError::Failed(text) => (wait(text), None),
        };
        Step { account, ..self.stay(channel, state, Effect::Rest) }
    }

    /// Planned once more; held where that has gone on for too long.
    pub(super) fn again(&self, plan: &Plan, reason: String, wait_ms: Option<i64>) -> State {
        if self.now.saturating_sub(plan.since) > PLAN_AGE_MS_MAX {
            return plan.held(Cause::TooOld(reason), self.now);
        }
        plan.due_in(wait_ms.unwrap_or_else(|| back_off_ms(plan.tries)), self.now, Some(reason))
    }

    pub(super) fn with_reads(&self, mut step: Step) -> Step {
        step.account = Some(AccountSignal::Reads);
        step
    }
}
