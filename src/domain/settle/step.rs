//! One step of a transfer.

use super::{
    super::{
        Ms,
        channel::{Channel, Movement},
        reply::{ReadError, Reading, Reply},
    },
    Call, Cause, DOUBT_AGE_MS_MAX, How, Outcome, PLAN_AGE_MS_MAX, Policy, State, UNMOVED_READS_MIN, Watch,
    back_off_ms, fits, observe_ms,
};

/// What the driver brings to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        (State::Intended { call, retried, .. }, Input::Unsent) => {
            let reason = "the deadline passed before the call was sent".to_owned();
            turn.stay(channel, turn.again(call, retried, reason, None), Effect::Rest)
        }
        (State::Intended { call, retried, .. }, Input::Reply(reply)) => {
            turn.judge(call, retried, reply, channel)
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
struct Turn<'a> {
    days: u32,
    epoch: i64,
    now: Ms,
    policy: &'a Policy,
}

struct Plan {
    since: Ms,
    tries: u32,
    lag_since: Option<Ms>,
    last: Option<Call>,
    retried: bool,
}

struct Doubt {
    call: Call,
    why: String,
    accepted: bool,
    since: Ms,
    reads: u32,
    tries: u32,
    retried: bool,
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

impl Doubt {
    fn new(call: Call, retried: bool, why: String, accepted: bool, now: Ms) -> Self {
        Self { call, why, accepted, since: now, reads: 0, tries: 0, retried }
    }

    fn due_in(self, wait_ms: i64, now: Ms) -> State {
        State::Doubtful {
            call: self.call,
            why: self.why,
            accepted: self.accepted,
            since: self.since,
            reads: self.reads,
            tries: self.tries,
            due: now.saturating_add(wait_ms),
            retried: self.retried,
        }
    }

    /// The next reading; the one that would pass over the end of the window is made right after it.
    fn due_next(mut self, now: Ms, window_ends: Ms) -> State {
        let wait = observe_ms(self.tries);
        self.tries = self.tries.saturating_add(1);
        let left = window_ends.saturating_sub(now);
        self.due_in(if left > 0 { wait.min(left) } else { wait }, now)
    }

    fn held(self, cause: Cause, now: Ms) -> State {
        State::Held { cause, outcome: Outcome::Open, at: now, last: Some(self.call), retried: self.retried }
    }
}

impl Turn<'_> {
    fn stay(&self, channel: &Channel, state: State, effect: Effect) -> Step {
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
        let state = State::Intended { call, epoch: self.epoch, retried: plan.retried };
        let mut step = self.with_reads(self.stay(channel, state, Effect::Call));
        step.movement = step.channel.seen(reading);
        step
    }

    fn planned_unread(&self, plan: &Plan, error: &ReadError, channel: &Channel) -> Step {
        let now = self.now;
        let wait = |reason: &str| {
            if now.saturating_sub(plan.since) > PLAN_AGE_MS_MAX {
                plan.held(Cause::TooOld(reason.to_owned()), now)
            } else {
                plan.due_in(back_off_ms(plan.tries), now, Some(reason.to_owned()))
            }
        };
        let (state, account) = match error {
            ReadError::UnknownChannel => (plan.held(Cause::UnknownChannel, now), Some(AccountNews::Reads)),
            ReadError::Unauthorized => (wait("the partner token was refused"), Some(AccountNews::NoToken)),
            ReadError::Failed(text) => (wait(text), None),
        };
        Step { account, ..self.stay(channel, state, Effect::Rest) }
    }

    /// Planned once more after a call that was certainly not applied.
    fn again(&self, call: Call, retried: bool, reason: String, wait_ms: Option<i64>) -> State {
        State::Planned {
            due: self.now.saturating_add(wait_ms.unwrap_or_else(|| back_off_ms(call.attempt))),
            since: self.now,
            tries: call.attempt,
            lag_since: None,
            reason: Some(reason),
            last: Some(call),
            retried,
        }
    }

    fn judge(&self, call: Call, retried: bool, reply: Reply, channel: &Channel) -> Step {
        let now = self.now;
        let held = |cause| State::Held { cause, outcome: Outcome::None, at: now, last: Some(call), retried };
        let (state, effect, account) = match reply {
            Reply::Accepted { active_till: Some(after) } if self.fits(&call, after) => {
                return self.settle(call, How::Answered, after, retried, now, channel);
            }
            Reply::Accepted { active_till } => {
                let why = match active_till {
                    Some(till) => format!("the partner said yes, but showed activeTill {till}"),
                    None => "the partner said yes without showing activeTill".to_owned(),
                };
                (Doubt::new(call, retried, why, true, now).due_in(0, now), Effect::Read, None)
            }
            Reply::Refused { message, balance: true, .. } => {
                (held(Cause::Balance(message)), Effect::Rest, Some(AccountNews::NoBalance))
            }
            Reply::Refused { status: 401, .. } => {
                (held(Cause::Unauthorized), Effect::Rest, Some(AccountNews::NoToken))
            }
            Reply::Refused { status, message, balance: false } => {
                (held(Cause::Refused(status, message)), Effect::Rest, None)
            }
            Reply::Throttled { retry_after_ms } => {
                let reason = "the partner throttles (429)".to_owned();
                (self.again(call, retried, reason, retry_after_ms), Effect::Rest, None)
            }
            Reply::NotSent(text) => (self.again(call, retried, text, None), Effect::Rest, None),
            Reply::Unclear(why) => {
                (Doubt::new(call, retried, why, false, now).due_in(observe_ms(0), now), Effect::Rest, None)
            }
        };
        Step { account, ..self.stay(channel, state, effect) }
    }

    fn doubtful_read(&self, mut doubt: Doubt, reading: &Reading, channel: &Channel) -> Step {
        let now = self.now;
        let window_ends = doubt.since.saturating_add(self.policy.settle_window_ms);
        let mut seen = channel.clone();
        seen.noted(reading);
        if self.fits(&doubt.call, reading.active_till) {
            let how = if doubt.accepted { How::Answered } else { How::Observed };
            return self.settle(doubt.call, how, reading.active_till, true, window_ends, &seen);
        }
        let conflict =
            Cause::Conflict { before: doubt.call.before, days: self.days, reading: reading.active_till };
        let state = match reading.active_till.cmp(&doubt.call.before) {
            std::cmp::Ordering::Greater => doubt.held(conflict, now),
            std::cmp::Ordering::Less if now >= window_ends => doubt.held(conflict, now),
            std::cmp::Ordering::Less => doubt.due_next(now, window_ends),
            std::cmp::Ordering::Equal => {
                doubt.reads = doubt.reads.saturating_add(1);
                if doubt.reads < UNMOVED_READS_MIN || now < window_ends {
                    doubt.due_next(now, window_ends)
                } else if doubt.accepted {
                    doubt.held(Cause::AcceptedUnmoved, now)
                } else if self.policy.retry_unmoved && !doubt.retried {
                    self.again(doubt.call, true, "unmoved through the window".into(), Some(0))
                } else {
                    doubt.held(Cause::Unmoved, now)
                }
            }
        };
        self.with_reads(self.stay(&seen, state, Effect::Rest))
    }

    fn doubtful_unread(&self, doubt: Doubt, error: &ReadError, channel: &Channel) -> Step {
        let now = self.now;
        let window_ends = doubt.since.saturating_add(self.policy.settle_window_ms);
        let (text, account, age_max) = match error {
            ReadError::UnknownChannel => ("the partner does not know the channel", None, 0),
            ReadError::Unauthorized => {
                ("the partner token was refused", Some(AccountNews::NoToken), DOUBT_AGE_MS_MAX)
            }
            ReadError::Failed(text) => (text.as_str(), None, DOUBT_AGE_MS_MAX),
        };
        let state = if now >= window_ends.saturating_add(age_max) {
            doubt.held(Cause::Unobserved(text.to_owned()), now)
        } else {
            doubt.due_next(now, window_ends)
        };
        Step { account, ..self.stay(channel, state, Effect::Rest) }
    }

    fn settle(
        &self,
        call: Call,
        how: How,
        after: Ms,
        doubted: bool,
        window_ends: Ms,
        channel: &Channel,
    ) -> Step {
        let now = self.now;
        let until = window_ends.max(now.saturating_add(self.policy.settle_window_ms));
        let watch = (doubted || call.attempt > 1).then(|| Watch {
            until,
            due: now.saturating_add(observe_ms(0)),
            tries: 1,
        });
        let state = State::Settled {
            how,
            before: call.before,
            after: Some(after),
            at: now,
            attempt: call.attempt,
            watch,
        };
        let mut channel = channel.clone();
        channel.settled(after, self.policy.ensure_live, now);
        Step { state, channel, effect: Effect::Rest, movement: None, account: Some(AccountNews::Extends) }
    }

    fn fits(&self, call: &Call, active_till: Ms) -> bool {
        fits(call, self.days, active_till, self.now, self.policy.skew_ms)
    }

    fn with_reads(&self, mut step: Step) -> Step {
        step.account = Some(AccountNews::Reads);
        step
    }
}
