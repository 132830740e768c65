//! Rules of design §6, broken on purpose, to see that the simulation finds each.

use daybridge::domain::{
    Ms,
    channel::Channel,
    settle::{Call, Cause, Effect, How, Outcome, State, Step},
};

/// One broken rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    NoIntent,
    RetryAtOnce,
    RetryOnFirstUnmovedRead,
    BeforeNotChecked,
    AnswerBelieved,
    HtmlTakenForRefusal,
    ConflictOpensChannel,
    LeaseIgnored,
    NoDeadlineCheck,
    /// Once another transfer of the channel is settled, its last reading is what is expected.
    OtherRebases,
    /// What is settled late counts as moved since the calls that had read it.
    LateSettlementCounted,
    /// Whatever moved the channel by the days proves the call, though another was refused since.
    OthersRefusalsIgnored,
    /// The channel of a refusal is read at once.
    NoReadLag,
}

impl Mutation {
    /// Spoils what a step knows.
    pub(super) fn spoil_evidence(self, state: &mut State, known: &mut Channel) {
        if self == Mutation::BeforeNotChecked {
            known.floor = None;
        }
        if self == Mutation::LateSettlementCounted {
            known.mixed_to = 0;
        }
        let call = match state {
            State::Planned { last: Some(call), .. } | State::Doubtful { call, .. } => call,
            _ => return,
        };
        match self {
            Mutation::OtherRebases if known.settles > call.settles => {
                *call = Call {
                    before: known.known.unwrap_or(call.before),
                    settles: known.settles,
                    number: known.calls,
                    moved_ms: known.moved_ms,
                    ..*call
                };
            }
            Mutation::OthersRefusalsIgnored if call.number > known.mixed_to => {
                call.number = known.calls - (known.settles - call.settles);
            }
            _ => {}
        }
    }

    /// Spoils what a step decided; `believed`: the partner said yes.
    pub(super) fn spoil_step(self, next: &mut Step, believed: bool, now: Ms) {
        let planned = |last, retried| State::planned_after(now, Some(last), retried);
        match (self, next.state.clone()) {
            (Mutation::RetryAtOnce, State::Doubtful { call, retried: false, .. })
            | (Mutation::RetryOnFirstUnmovedRead, State::Doubtful { call, retried: false, reads: 1.., .. }) =>
            {
                next.state = planned(call, true);
                next.effect = Effect::Rest;
            }
            (Mutation::AnswerBelieved, State::Doubtful { call, .. }) if believed => {
                let (before, attempt) = (call.before, call.attempt);
                let (how, after) = (How::Answered, Some(before));
                next.state = State::Settled { how, before, after, at: now, attempt, watch: None };
                next.effect = Effect::Rest;
            }
            (
                Mutation::ConflictOpensChannel,
                State::Held { cause: cause @ Cause::Conflict { .. }, at, last, retried, .. },
            ) => {
                next.state = State::Held { cause, outcome: Outcome::None, at, last, retried };
            }
            (Mutation::NoReadLag, _) => next.channel.quiet_until = 0,
            _ => {}
        }
    }
}
