//! What money that went out makes of a transfer.
//!
//! Only one that no call may have applied changes: it is held, made shorter, cancelled, or goes on when the money comes
//! back. A refusal may hide a success, so one that was called is never cancelled by itself: a person looks. Of any other the days are counted that the money does not cover, for a person; nothing is clawed back, and
//! nothing is called again.

use super::{
    super::{Ms, covered::Covered, facts::OutKind},
    Call, Cause, Kept, Outcome, State,
};

/// Whether its days may be on the channel, or on their way there.
pub fn may_have_moved(state: &State) -> bool {
    match state {
        State::Intended { .. } | State::Doubtful { .. } | State::Settled { .. } => true,
        State::Held { outcome, .. } => *outcome != Outcome::None,
        State::Planned { .. } | State::Cancelled { .. } => false,
    }
}

/// A transfer with what is decided about the money behind it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The days of its payment, and its money.
    pub covered: &'a Covered,
    /// What was due when a person last decided, if one did.
    pub decided: Option<u32>,
    /// When the ledger was last declared restored.
    pub restored_at: Option<Ms>,
}

impl Asked<'_> {
    /// The state and the days that a transfer must have. Asking again with what this answers changes nothing.
    pub fn uncovered(&self, state: &State, days: u32, now: Ms) -> (State, u32) {
        let covered = self.covered;
        let (Some(due), Some(left), Some(bought)) = (covered.due, covered.left, covered.bought) else {
            return (state.clone(), days);
        };
        let closed = matches!(state, State::Cancelled { money_out: None, .. });
        if may_have_moved(state) || closed {
            return (state.clone(), days);
        }
        if let State::Cancelled { money_out: Some(kept), at, .. } = state
            && left > 0
            && self.restored_at.is_some_and(|restored_at| *at <= restored_at)
        {
            // Its money may have come back, and its days moved, in the time that is forgotten.
            let (cause, outcome) = (Cause::Restored, Outcome::Forgotten);
            let state = State::Held { cause, outcome, at: now, last: kept.last, retried: kept.retried };
            return (state, left);
        }
        if covered.is_whole() {
            return (goes_on(state, now), bought);
        }
        if covered.is_decided(self.decided) {
            // As a person said; but where more is covered since, never less than that.
            let more = self.decided.is_some_and(|then| due > then);
            return (goes_on(state, now), if more { days.max(due) } else { days });
        }
        if left == 0 {
            let kind = if covered.refunded > 0 { OutKind::Refund } else { OutKind::Dispute };
            return match kept(state).last {
                Some(_) if !matches!(state, State::Cancelled { .. }) => (self.held(state, kind, now), days),
                _ => (self.cancelled(state, now), days),
            };
        }
        // Days that a person said grow by themselves only where money comes back.
        let days = if self.decided.is_some() { days.min(left) } else { left };
        match covered.ask {
            Some(kind) => (self.held(state, kind, now), days),
            None => (goes_on(state, now), days),
        }
    }

    fn cancelled(&self, state: &State, now: Ms) -> State {
        if matches!(state, State::Cancelled { .. }) {
            return state.clone();
        }
        let reason = self.covered.words.clone();
        State::Cancelled { reason, at: now, attempt: state.attempt(), money_out: Some(kept(state)) }
    }

    fn held(&self, state: &State, kind: OutKind, now: Ms) -> State {
        let Kept { last, retried } = kept(state);
        let words = match last {
            None => self.covered.words.clone(),
            Some(call) => format!(
                "{}; its attempt {} was not accepted, which may hide that its days moved: look for its key in Billing History; if it is there, `held settle KEY --applied`",
                self.covered.words, call.attempt
            ),
        };
        let why = match kind {
            OutKind::Refund => Cause::Refunded(words),
            OutKind::Dispute => Cause::Disputed(words),
        };
        let since = match state {
            State::Held { cause: Cause::Refunded(_) | Cause::Disputed(_), at, .. } => *at,
            State::Planned { .. }
            | State::Intended { .. }
            | State::Doubtful { .. }
            | State::Settled { .. }
            | State::Held { .. }
            | State::Cancelled { .. } => now,
        };
        State::Held { cause: why, outcome: Outcome::None, at: since, last, retried }
    }
}

/// What was stopped for its money is planned.
fn goes_on(state: &State, now: Ms) -> State {
    match state {
        State::Held { cause: Cause::Refunded(_) | Cause::Disputed(_), outcome: Outcome::None, .. }
        | State::Cancelled { money_out: Some(_), .. } => planned(kept(state), now),
        State::Planned { .. }
        | State::Intended { .. }
        | State::Doubtful { .. }
        | State::Settled { .. }
        | State::Held { .. }
        | State::Cancelled { .. } => state.clone(),
    }
}

fn kept(state: &State) -> Kept {
    let (last, retried): (Option<Call>, bool) = match state {
        State::Planned { last, retried, .. } | State::Held { last, retried, .. } => (*last, *retried),
        State::Cancelled { money_out: Some(kept), .. } => (kept.last, kept.retried),
        State::Intended { .. }
        | State::Doubtful { .. }
        | State::Settled { .. }
        | State::Cancelled { money_out: None, .. } => (None, false),
    };
    Kept { last, retried }
}

fn planned(kept: Kept, now: Ms) -> State {
    State::planned_after(now, kept.last, kept.retried)
}

/// How far a payment is.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// Not granted, or nothing to grant.
    Weighed,
    /// Closed by a person before it was granted.
    Closed,
    /// With its transfer's state and days.
    Granted(&'a State, u32),
}

/// Days on the channel, or on their way, against those that the money covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gap {
    /// Moved, and not covered any more.
    pub spent: u32,
    /// Covered, and not moved: their money came back after they had been taken off.
    pub owed: u32,
    /// A person has to decide about it.
    pub open: bool,
    /// What was due when a person last decided, as it counts from now on.
    pub decided: Option<u32>,
}

impl Asked<'_> {
    /// The gap of a payment.
    pub fn gap(&self, stage: Stage<'_>) -> Gap {
        let covered = self.covered;
        let Some(due) = covered.due else { return Gap { decided: self.decided, ..Gap::default() } };
        match stage {
            // Closed because its money was out; a person looks again when it is back.
            Stage::Closed | Stage::Granted(State::Cancelled { money_out: None, .. }, _) => {
                let owed = self.decided.filter(|then| due > *then).map_or(0, |_| due);
                Gap { spent: 0, owed, open: owed > 0, decided: self.decided }
            }
            Stage::Granted(state, days) if may_have_moved(state) => {
                let (spent, owed) = (days.saturating_sub(due), due.saturating_sub(days));
                let open = match (spent, owed) {
                    // First it is found whether they moved at all.
                    _ if !matches!(state, State::Settled { .. }) => false,
                    (0, 0) => false,
                    (0, _) => self.decided.is_none_or(|then| due > then),
                    (_, _) => !covered.is_decided(self.decided),
                };
                let decided = if owed > 0 { self.decided } else { self.decided_from_now() };
                Gap { spent, owed, open, decided }
            }
            // The days that a person said are granted later, and are compared with what is covered then.
            Stage::Weighed => Gap { decided: self.decided.filter(|_| !covered.is_whole()), ..Gap::default() },
            // The rules decided without a person: what is covered beyond this is owed later.
            Stage::Granted(..) if covered.ask.is_none() => {
                Gap { decided: self.decided_from_now().map(|_| due), ..Gap::default() }
            }
            Stage::Granted(..) => Gap { decided: self.decided_from_now(), ..Gap::default() },
        }
    }

    /// More that is covered is no question; less than that is one, later.
    fn decided_from_now(&self) -> Option<u32> {
        if self.covered.is_whole() {
            return None;
        }
        self.decided.map(|then| self.covered.due.map_or(then, |due| then.max(due)))
    }
}
