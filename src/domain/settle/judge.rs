//! What the answer to a call proves: settled only when `activeTill` fits, planned again or held only when the
//! partner certainly did not apply it, doubtful in every other case.

use super::{
    super::{Ms, channel::Channel, reply::Reply},
    AccountSignal, Call, Cause, Effect, How, Outcome, READ_LAG_MS_MAX, State, Step, Watch, back_off_ms,
    evidence::unmoved,
    observe::Doubt,
    observe_ms,
    turn::{Plan, Turn},
};

impl Turn<'_> {
    pub(super) fn judge(&self, call: Call, plan: &Plan, reply: Reply, channel: &Channel) -> Step {
        let (now, retried) = (self.now, plan.retried);
        let mut known = channel.clone();
        let lag_ms = self.policy.settle_window_ms.div_euclid(2).min(READ_LAG_MS_MAX);
        if matches!(reply, Reply::Refused { .. } | Reply::Throttled { .. }) {
            known.quiet_until = known.quiet_until.max(now.saturating_add(lag_ms));
        }
        let held = |cause| State::Held { cause, outcome: Outcome::None, at: now, last: Some(call), retried };
        let (state, effect, account) = match reply {
            Reply::Accepted { active_till: Some(after) } if self.proves(&call, channel, after) => {
                return self.settle(call, How::Answered, after, retried, channel);
            }
            Reply::Accepted { active_till } => {
                let why = match active_till {
                    Some(till) => format!("the partner said yes, but showed activeTill {till}"),
                    None => "the partner said yes without showing activeTill".to_owned(),
                };
                (Doubt::new(call, retried, why, true, now).due_in(0, now), Effect::Read, None)
            }
            Reply::Refused { message, balance: true, .. } => {
                (held(Cause::Balance(message)), Effect::Rest, Some(AccountSignal::NoBalance))
            }
            Reply::Refused { status: 401, .. } => {
                (held(Cause::Unauthorized), Effect::Rest, Some(AccountSignal::NoToken))
            }
            Reply::Refused { status, message, balance: false } => {
                (held(Cause::Refused(status, message)), Effect::Rest, None)
            }
            Reply::Throttled { retry_after_ms } => {
                let reason = "the partner throttles (429)".to_owned();
                // It was sent: the next reading must show the channel as it was left.
                let plan = Plan { last: Some(call), ahead: None, ..*plan };
                let wait_ms = retry_after_ms.unwrap_or_else(|| back_off_ms(plan.tries)).max(lag_ms);
                (self.again(&plan, reason, Some(wait_ms)), Effect::Rest, None)
            }
            Reply::NotSent(text) => {
                known.not_sent(call.number);
                (self.again(plan, text, None), Effect::Rest, None)
            }
            Reply::Unclear(why) => {
                (Doubt::new(call, retried, why, false, now).due_in(observe_ms(0), now), Effect::Rest, None)
            }
        };
        Step { account, ..self.stay(&known, state, effect) }
    }

    pub(super) fn settle(&self, call: Call, how: How, after: Ms, doubted: bool, channel: &Channel) -> Step {
        let now = self.now;
        let before = unmoved(&call, channel).unwrap_or(call.before);
        let until = now.saturating_add(self.policy.settle_window_ms);
        let watch = (doubted || call.attempt > 1).then(|| Watch {
            until,
            due: now.saturating_add(observe_ms(0)),
            tries: 1,
        });
        let state = State::Settled { how, before, after: Some(after), at: now, attempt: call.attempt, watch };
        let mut channel = channel.clone();
        channel.count(call.number, after.saturating_sub(before));
        channel.settled(after, self.policy.ensure_live, now);
        Step { state, channel, effect: Effect::Rest, movement: None, account: Some(AccountSignal::Extends) }
    }
}
