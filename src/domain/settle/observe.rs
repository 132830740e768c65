//! A doubtful transfer under observation: what a reading of the channel proves, and what it does not.

use std::cmp::Ordering;

use super::{
    super::{
        Ms,
        channel::Channel,
        reply::{ReadError, Reading},
    },
    AccountSignal, Call, Cause, DOUBT_AGE_MS_MAX, Effect, How, Outcome, State, Step, UNMOVED_READS_MIN,
    evidence::unmoved,
    observe_ms,
    turn::{Plan, Turn},
    waited_ms,
};

/// A call whose outcome is not known, and what was seen of it.
pub(super) struct Doubt {
    pub(super) call: Call,
    pub(super) why: String,
    pub(super) accepted: bool,
    pub(super) since: Ms,
    pub(super) watched_ms: i64,
    pub(super) reads: u32,
    pub(super) odd_reads: u32,
    pub(super) tries: u32,
    pub(super) retried: bool,
}

impl Doubt {
    pub(super) fn new(call: Call, retried: bool, why: String, accepted: bool, now: Ms) -> Self {
        Self { call, why, accepted, since: now, watched_ms: 0, reads: 0, odd_reads: 0, tries: 0, retried }
    }

    pub(super) fn due_in(self, wait_ms: i64, now: Ms) -> State {
        State::Doubtful {
            call: self.call,
            why: self.why,
            accepted: self.accepted,
            since: self.since,
            watched_ms: self.watched_ms,
            reads: self.reads,
            odd_reads: self.odd_reads,
            tries: self.tries,
            due: now.saturating_add(wait_ms),
            retried: self.retried,
        }
    }

    /// Whether it was watched so long. No clock tells: it may have been set.
    fn over(&self, for_ms: i64) -> bool {
        self.watched_ms >= for_ms
    }

    /// Whether it is so old, by the clock and in readings, that a person is asked though no worker watched it through:
    /// they start over and over. Never a reason to call again.
    fn is_old(&self, now: Ms, window_ms: i64) -> bool {
        let age_ms = now.saturating_sub(self.since);
        age_ms >= window_ms.saturating_add(DOUBT_AGE_MS_MAX) && waited_ms(self.tries) >= window_ms
    }

    /// The next reading; the one that would pass over the end of the window is made right after it.
    pub(super) fn due_next(mut self, now: Ms, window_ms: i64) -> State {
        let wait = observe_ms(self.tries);
        self.tries = self.tries.saturating_add(1);
        let left = window_ms.saturating_sub(self.watched_ms);
        self.due_in(if left > 0 { wait.min(left) } else { wait }, now)
    }

    pub(super) fn held(self, cause: Cause, now: Ms) -> State {
        State::Held { cause, outcome: Outcome::Open, at: now, last: Some(self.call), retried: self.retried }
    }
}

impl Turn<'_> {
    pub(super) fn doubtful_read(&self, mut doubt: Doubt, reading: &Reading, channel: &Channel) -> Step {
        let now = self.now;
        let window_ms = self.policy.settle_window_ms;
        let mut seen = channel.clone();
        seen.noted(reading);
        if self.proves(&doubt.call, channel, reading.active_till) {
            let how = if doubt.accepted { How::Answered } else { How::Observed };
            return self.settle(doubt.call, how, reading.active_till, true, &seen);
        }
        let unmoved = unmoved(&doubt.call, channel);
        let conflict = self.conflict(&doubt.call, channel, reading);
        let (over, old) = (doubt.over(window_ms), doubt.is_old(now, window_ms));
        let state = match unmoved.map(|till| reading.active_till.cmp(&till)) {
            None | Some(Ordering::Greater) => doubt.held(conflict, now),
            Some(Ordering::Less) => {
                doubt.odd_reads = doubt.odd_reads.saturating_add(1);
                if (over || old) && doubt.odd_reads >= UNMOVED_READS_MIN {
                    doubt.held(conflict, now)
                } else {
                    doubt.due_next(now, window_ms)
                }
            }
            Some(Ordering::Equal) => {
                doubt.reads = doubt.reads.saturating_add(1);
                doubt.odd_reads = 0;
                if !(over || old) || doubt.reads < UNMOVED_READS_MIN {
                    doubt.due_next(now, window_ms)
                } else if doubt.accepted {
                    doubt.held(Cause::AcceptedUnmoved, now)
                } else if over && self.policy.retry_unmoved && !doubt.retried {
                    let (last, since) = (Some(doubt.call), now);
                    let (lag_since, lag_reads) = (None, 0);
                    let plan =
                        Plan { since, tries: 0, lag_since, lag_reads, last, retried: true, ahead: None };
                    self.again(&plan, "unmoved through the window".into(), Some(0))
                } else {
                    doubt.held(Cause::Unmoved, now)
                }
            }
        };
        self.with_reads(self.stay(&seen, state, Effect::Rest))
    }

    pub(super) fn conflict(&self, call: &Call, channel: &Channel, reading: &Reading) -> Cause {
        Cause::Conflict {
            before: unmoved(call, channel).unwrap_or(call.before),
            days: call.sent(self.days),
            reading: reading.active_till,
        }
    }

    pub(super) fn doubtful_unread(&self, mut doubt: Doubt, error: &ReadError, channel: &Channel) -> Step {
        let now = self.now;
        let window_ms = self.policy.settle_window_ms;
        let (text, account) = match error {
            ReadError::UnknownChannel => ("the partner does not know the channel", None),
            ReadError::Unauthorized => ("the partner token was refused", Some(AccountSignal::NoToken)),
            ReadError::Failed(text) => (text.as_str(), None),
        };
        let old = doubt.is_old(now, window_ms);
        let over = if matches!(error, ReadError::UnknownChannel) {
            doubt.odd_reads = doubt.odd_reads.saturating_add(1);
            doubt.odd_reads >= UNMOVED_READS_MIN && (old || doubt.over(window_ms))
        } else {
            old || doubt.over(window_ms.saturating_add(DOUBT_AGE_MS_MAX))
        };
        let state = if over {
            doubt.held(Cause::Unobserved(text.to_owned()), now)
        } else {
            doubt.due_next(now, window_ms)
        };
        Step { account, ..self.stay(channel, state, Effect::Rest) }
    }
}
