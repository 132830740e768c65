//! Where a transfer stands: a closed set of states, stored as they are.

use serde::{Deserialize, Serialize};

use super::{
    super::{Ms, closed::TransferState},
    Cause,
};
use crate::domain::allocation::slices::{Ahead, QUEUED};

/// The last call that was intended.
#[derive(Debug, Clone, Copy, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Call {
    /// 1 for the first.
    pub attempt: u32,
    /// `activeTill` read before it.
    pub before: Ms,
    /// When it was intended; it is never sent later than one call timeout after this.
    pub at: Ms,
    /// Transfers settled on the channel when it was intended.
    pub settles: u64,
    /// Which call of the channel it is, from 1; 0: made before they were counted.
    #[serde(default)]
    pub number: u64,
    /// What the channel's settled transfers had moved it by, in ms, when it was intended.
    #[serde(default)]
    pub moved_ms: i64,
    /// Days that were sent, which money that goes out may change afterwards; 0: made before they were kept.
    #[serde(default)]
    pub days: u32,
}

closed! {
    /// How a transfer came to be settled.
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    How {
        /// The partner said yes and `activeTill` fits.
        Answered = "answered",
        /// The outcome was open and `activeTill` fits.
        Observed = "observed",
        /// A person looked at Billing History.
        ByOperator = "by_operator",
    }
}

/// Whether the call behind a held transfer may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Hash, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It may; the channel takes no other transfer until a person decides.
    Open,
    /// It was not.
    None,
    /// It may, before the ledger was restored. Only a person decides; the channel takes others as soon as
    /// nothing of before can be on its way any more.
    Forgotten,
}

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Hash, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// To be called.
    Planned {
        /// Not before this time.
        due: Ms,
        /// When it was planned, or planned again; later by all the time in which nobody turned to it although it was
        /// due, as while the account rests, or another transfer of its channel is open.
        since: Ms,
        /// Tries that ended before a call.
        tries: u32,
        /// Since when the readings lag behind what was read before.
        lag_since: Option<Ms>,
        /// How many do.
        #[serde(default)]
        lag_reads: u32,
        /// Why it is not done yet.
        reason: Option<String>,
        /// The last call, where there was one.
        last: Option<Call>,
        /// The one retry after an unmoved window is used up.
        retried: bool,
        /// A slice that was not called yet: when it is sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead: Option<Ahead>,
    },
    /// Committed before the call; whoever finds it here does not know whether it was sent.
    Intended {
        /// The call.
        call: Call,
        /// Lease of the worker that intended it.
        epoch: i64,
        /// The call before this one, where there was one.
        prior: Option<Call>,
        /// See [`State::Planned`].
        since: Ms,
        /// See [`State::Planned`].
        tries: u32,
        /// See [`State::Planned`].
        retried: bool,
        /// See [`State::Planned`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead: Option<Ahead>,
    },
    /// The outcome is not known; readings will tell.
    Doubtful {
        /// The call.
        call: Call,
        /// What made it doubtful.
        why: String,
        /// The partner said yes, but no reading fits yet.
        accepted: bool,
        /// Since when it is watched.
        since: Ms,
        /// How long it was watched, by whom that went by for sure.
        #[serde(default)]
        watched_ms: i64,
        /// Readings so far that show the channel unmoved.
        reads: u32,
        /// Readings in a row that show less than before the call, or no such channel.
        #[serde(default)]
        odd_reads: u32,
        /// Readings tried so far.
        tries: u32,
        /// Next reading.
        due: Ms,
        /// See [`State::Planned`].
        retried: bool,
    },
    /// The days are on the channel.
    Settled {
        /// How that is known.
        how: How,
        /// Before the call.
        before: Ms,
        /// After it; not known where a person decided.
        after: Option<Ms>,
        /// When it was settled.
        at: Ms,
        /// Number of calls.
        attempt: u32,
        /// A late second commit is looked for until then.
        watch: Option<Watch>,
    },
    /// A person decides.
    Held {
        /// Why.
        cause: Cause,
        /// Whether the call may have been applied.
        outcome: Outcome,
        /// Since when.
        at: Ms,
        /// The last call, where there was one.
        last: Option<Call>,
        /// See [`State::Planned`].
        retried: bool,
    },
    /// Will not be called.
    Cancelled {
        /// Why.
        reason: String,
        /// When.
        at: Ms,
        /// Number of calls before.
        attempt: u32,
        /// Its money went out again; where it comes back, the transfer goes on with what is kept here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        money_out: Option<Kept>,
    },
}

/// What a transfer keeps that was cancelled because its money went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// See [`State::Planned`].
    pub last: Option<Call>,
    /// See [`State::Planned`].
    pub retried: bool,
}

/// Readings after a settlement that was in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// End of the window.
    pub until: Ms,
    /// Next reading.
    pub due: Ms,
    /// Readings so far.
    pub tries: u32,
}

impl State {
    /// A fresh transfer.
    pub fn planned(now: Ms) -> Self {
        Self::planned_after(now, None, false)
    }

    /// A transfer that is due, with what is known of its last call. `retried`: that was the one further attempt.
    pub fn planned_after(now: Ms, last: Option<Call>, retried: bool) -> Self {
        State::Planned {
            due: now,
            since: now,
            tries: 0,
            lag_since: None,
            lag_reads: 0,
            reason: None,
            last,
            retried,
            ahead: None,
        }
    }

    /// A slice that is sent then, with what is known of its last call.
    pub fn sliced(ahead: Ahead, now: Ms, Kept { last, retried }: Kept) -> Self {
        State::Planned {
            due: ahead.at,
            // What waits for its time grows no older by it.
            since: if ahead.at == QUEUED { now } else { ahead.at.max(now) },
            tries: 0,
            lag_since: None,
            lag_reads: 0,
            reason: None,
            last,
            retried,
            ahead: Some(ahead),
        }
    }

    /// The state in one word.
    pub fn word(&self) -> TransferState {
        match self {
            State::Planned { .. } => TransferState::Planned,
            State::Intended { .. } => TransferState::Intended,
            State::Doubtful { .. } => TransferState::Doubtful,
            State::Settled { .. } => TransferState::Settled,
            State::Held { .. } => TransferState::Held,
            State::Cancelled { .. } => TransferState::Cancelled,
        }
    }

    /// A call may have been applied without the ledger knowing: the channel takes no other transfer.
    pub fn open(&self) -> bool {
        match self {
            State::Intended { .. } | State::Doubtful { .. } => true,
            State::Held { outcome, .. } => *outcome == Outcome::Open,
            State::Planned { .. } | State::Settled { .. } | State::Cancelled { .. } => false,
        }
    }

    /// Where it stands in a ledger that was restored: whatever was not settled may have been called since, and
    /// what an earlier restoration had held may have been planned again. A slice that is only due now was not sent if its
    /// channel shows what is `known` of it. `None`: it stays as it is.
    pub fn restored(&self, known: Option<Ms>, now: Ms) -> Option<Self> {
        if let (State::Planned { ahead: Some(ahead), last: None, retried, .. }, Some(known)) = (self, known)
            && ahead.at > now
            && ahead.at != QUEUED
        {
            let ahead = Ahead { sure: Some(known), ..*ahead };
            return Some(Self::sliced(ahead, now, Kept { last: None, retried: *retried }));
        }
        let (last, retried) = match self {
            State::Planned { last, retried, .. } => (*last, *retried),
            State::Intended { call, retried, .. } | State::Doubtful { call, retried, .. } => {
                (Some(*call), *retried)
            }
            State::Held { last, retried, .. } => (*last, *retried),
            State::Settled { .. } | State::Cancelled { .. } => return None,
        };
        Some(State::Held { cause: Cause::Restored, outcome: Outcome::Forgotten, at: now, last, retried })
    }

    /// When there is something to do; `None`: never by itself.
    pub fn due(&self) -> Option<Ms> {
        match self {
            // It has a time of its own.
            State::Planned { due, ahead: Some(ahead), .. } if *due == ahead.at => None,
            State::Planned { due, .. } | State::Doubtful { due, .. } => Some(*due),
            State::Intended { call, .. } => Some(call.at),
            State::Settled { watch, .. } => watch.map(|w| w.due),
            State::Held { .. } | State::Cancelled { .. } => None,
        }
    }

    /// When a slice is sent that waits for its time; `None` also where others of its channel come first.
    pub fn wanted(&self) -> Option<Ms> {
        match self {
            State::Planned { due, ahead: Some(ahead), .. } if *due == ahead.at => {
                Some(ahead.at).filter(|at| *at != QUEUED)
            }
            State::Planned { .. }
            | State::Intended { .. }
            | State::Doubtful { .. }
            | State::Settled { .. }
            | State::Held { .. }
            | State::Cancelled { .. } => None,
        }
    }

    /// A planned transfer, due by then at the latest; any other as it is.
    pub fn due_by(&self, at: Ms) -> Self {
        let mut sooner = self.clone();
        if let State::Planned { due, .. } = &mut sooner {
            *due = at.min(*due);
        }
        sooner
    }

    /// Number of calls intended so far.
    pub fn attempt(&self) -> u32 {
        match self {
            State::Planned { last, .. } | State::Held { last, .. } => last.map_or(0, |c| c.attempt),
            State::Intended { call, .. } | State::Doubtful { call, .. } => call.attempt,
            State::Settled { attempt, .. } | State::Cancelled { attempt, .. } => *attempt,
        }
    }
}
