//! One step of a transfer.

use super::{
    super::{
        Ms,
        channel::{Channel, Movement},
        reply::{ReadError, Reading, Reply},
    },
    Call, Cause, Outcome, PLAN_AGE_MS_MAX, Policy, State, Watch, back_off_ms,
    observe::Doubt,
    observe_ms,
};

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

/// What the driver does after it committed the new state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Read the channel.
    Read,
    /// Extend the channel, once, unless the deadline has passed.
    Call,
    /// Leave the transfer until it is due again.
    Rest,
}

/// What a step learned about the account as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNews {
    /// No days left: no call until a probe succeeds.
    NoBalance,
    /// The token is refused: no call and no read until a probe succeeds.
    NoToken,
    /// A read succeeded.
    Reads,
    /// An extension was applied.
    Extends,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new state, to be committed first.
    pub state: State,
    /// The channel as known now, committed with it.
    pub channel: Channel,
    /// What to do then.
    pub effect: Effect,
    /// Movement that the ledger cannot explain, to be recorded with it.
    pub movement: Option<Movement>,
    /// What it says about the account.
    pub account: Option<AccountNews>,
}

/// Takes one step with a transfer of `days`. `epoch` is the caller's lease of the channel.
pub fn step(
    days: u32,
    state: &State,
    channel: &Channel,
    epoch: i64,
    input: Input,
    now: Ms,
    policy: &Policy,
) -> Step {
    let turn = Turn { days, epoch, now, policy };
    match (state.clone(), input) {
        (State::Intended { call, retried, .. }, Input::Due | Input::Read(_)) => {
            let why = "the worker stopped between the intent and the record of the answer";
            let doubt = Doubt::new(call, retried, why.into(), false, now);
            turn.stay(channel, doubt.due_in(0, now), Effect::Read)
        }
        (state @ (State::Planned { .. } | State::Doubtful { .. } | State::Settled { .. }), Input::Due) => {
            turn.stay(channel, state, Effect::Read)
        }
        (State::Planned { since, tries, lag_since, last, retried, .. }, Input::Read(read)) => {
            let plan = Plan { since, tries, lag_since, last, retried };
            match read {
                Ok(reading) => turn.planned_read(plan, &reading, channel),
                Err(error) => turn.planned_unread(&plan, &error, channel),
            }
        }
        (State::Intended { prior, since, tries, retried, .. }, Input::Unsent) => {
            let reason = "the deadline passed before the call was sent".to_owned();
            let plan = Plan { since, tries, lag_since: None, last: prior, retried };
            turn.stay(channel, turn.again(&plan, reason, None), Effect::Rest)
        }
        (State::Intended { call, prior, since, tries, retried, .. }, Input::Reply(reply)) => {
            let plan = Plan { since, tries, lag_since: None, last: prior, retried };
            turn.judge(call, &plan, reply, channel)
        }
        (State::Doubtful { call, why, accepted, since, reads, tries, retried, .. }, Input::Read(read)) => {
            let doubt = Doubt { call, why, accepted, since, reads, tries, retried };
            match read {
                Ok(reading) => turn.doubtful_read(doubt, &reading, channel),
                Err(error) => turn.doubtful_unread(doubt, &error, channel),
            }
        }
        (State::Settled { how, before, after, at, attempt, watch }, Input::Read(read)) => {
            let watch = watch.filter(|w| now < w.until).map(|w| Watch {
                until: w.until,
                due: now.saturating_add(observe_ms(w.tries)).min(w.until),
                tries: w.tries.saturating_add(1),
            });
            let state = State::Settled { how, before, after, at, attempt, watch };
            let mut step = turn.stay(channel, state, Effect::Rest);
            if let Ok(reading) = read {
                step.movement = step.channel.seen(&reading);
                step.account = Some(AccountNews::Reads);
            }
            step
        }
        // An input that does not belong to the state changes nothing.
        (state @ (State::Held { .. } | State::Cancelled { .. }), _)
        | (
            state @ (State::Planned { .. } | State::Doubtful { .. } | State::Settled { .. }),
            Input::Unsent | Input::Reply(_),
        ) => turn.stay(channel, state, Effect::Rest),
    }
}

/// What does not change within a step.
pub(super) struct Turn<'a> {
    pub(super) days: u32,
    pub(super) epoch: i64,
    pub(super) now: Ms,
    pub(super) policy: &'a Policy,
}

/// What stays the same until a planned transfer is called.
pub(super) struct Plan {
    pub(super) since: Ms,
    pub(super) tries: u32,
    pub(super) lag_since: Option<Ms>,
    pub(super) last: Option<Call>,
    pub(super) retried: bool,
}

impl Plan {
    fn due_in(&self, wait_ms: i64, now: Ms, reason: Option<String>) -> State {
        State::Planned {
            due: now.saturating_add(wait_ms),
            since: self.since,
            tries: self.tries.saturating_add(1),
            lag_since: self.lag_since,
            reason,
            last: self.last,
            retried: self.retried,
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

    fn planned_read(&self, mut plan: Plan, reading: &Reading, channel: &Channel) -> Step {
        let now = self.now;
        if let Some(floor) = channel.floor.filter(|floor| reading.active_till < *floor) {
            let lag_since = *plan.lag_since.get_or_insert(now);
            let state = if now.saturating_sub(lag_since) > self.policy.settle_window_ms {
                plan.held(Cause::Below(reading.active_till, floor), now)
            } else {
                let reason = format!("activeTill reads {}, waiting for {floor}", reading.active_till);
                plan.due_in(back_off_ms(plan.tries), now, Some(reason))
            };
            return self.with_reads(self.stay(channel, state, Effect::Rest));
        }
        if let Some(last) = plan.last {
            let expected = if channel.settles > last.settles { channel.known } else { Some(last.before) };
            if expected != Some(reading.active_till) {
                let why = format!(
                    "activeTill moved since attempt {}: it may have been applied after all",
                    last.attempt
                );
                let call = Call { before: expected.unwrap_or(last.before), ..last };
                let doubt = Doubt::new(call, plan.retried, why, false, now);
                return self.doubtful_read(doubt, reading, channel);
            }
        }
        let call = Call {
            attempt: plan.last.map_or(0, |c| c.attempt).saturating_add(1),
            before: reading.active_till,
            at: now,
            settles: channel.settles,
        };
        let Plan { since, tries, last: prior, retried, .. } = plan;
        let state = State::Intended { call, epoch: self.epoch, prior, since, tries, retried };
        let mut step = self.with_reads(self.stay(channel, state, Effect::Call));
        step.movement = step.channel.seen(reading);
        step
    }

    fn planned_unread(&self, plan: &Plan, error: &ReadError, channel: &Channel) -> Step {
        let now = self.now;
        let wait = |reason: &str| self.again(plan, reason.to_owned(), None);
        let (state, account) = match error {
            ReadError::UnknownChannel => (plan.held(Cause::UnknownChannel, now), Some(AccountNews::Reads)),
            ReadError::Unauthorized => (wait("the partner token was refused"), Some(AccountNews::NoToken)),
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
        step.account = Some(AccountNews::Reads);
        step
    }
}
