//! What money that went out makes of a transfer.
//!
//! Only one that no call may have applied changes: it is held, made shorter, cancelled, or goes on when the money comes
//! back. A refusal may hide a success, so one that was called is never cancelled by itself: a person looks. Of any other the days are counted that the money does not cover, for a person; nothing is clawed back, and
//! nothing is called again.

use super::{
    super::{Ms, facts::ReversalKind},
    Call, Cause, Kept, Outcome, State,
};
use crate::domain::{allocation::slices::Ahead, payment::entitlement::Entitlement};

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
pub struct Coverage<'a> {
    /// The days of its payment, and its money.
    pub covered: &'a Entitlement,
    /// What was due when a person last decided, if one did.
    pub decided: Option<u32>,
    /// When the ledger was last declared restored.
    pub restored_at: Option<Ms>,
    /// What else is known of its payment's days.
    pub rest: Rest,
}

/// The days of a payment beside those of the transfer that is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rest {
    /// Those of its other transfers that may have moved.
    pub others: u32,
    /// Days in one of its transfers; `None`: one transfer has all of them.
    pub slice: Option<u32>,
    /// Days that a person said are due in spite of the money that is out.
    pub despite: Option<u32>,
}

impl Coverage<'_> {
    /// The days of the payment that move in all, where it moves in slices; `None`: not known.
    pub fn total(&self) -> Option<u32> {
        let Entitlement { due, left, bought, .. } = self.covered;
        let (due, left, bought) = ((*due)?, (*left)?, (*bought)?);
        if self.covered.is_whole() {
            return Some(bought);
        }
        if self.covered.is_decided(self.decided) {
            let said = self.rest.despite.unwrap_or(bought);
            let more = self.decided.is_some_and(|then| due > then);
            return Some(if more { said.max(due) } else { said });
        }
        Some(left)
    }

    /// The days of a transfer that has `days` now, where so many of its payment move in all.
    fn fit(&self, total: u32, days: u32) -> u32 {
        let left = total.saturating_sub(self.rest.others);
        self.rest.slice.map_or(left, |slice| left.min(days.max(slice)))
    }

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
            return (state, self.fit(left, days));
        }
        if self.rest.slice.is_some() {
            return self.uncovered_slice(state, days, now);
        }
        if covered.is_whole() {
            return (self.goes_on(state, now), bought);
        }
        if covered.is_decided(self.decided) {
            // As a person said; but where more is covered since, never less than that.
            let more = self.decided.is_some_and(|then| due > then);
            return (self.goes_on(state, now), if more { days.max(due) } else { days });
        }
        if left == 0 {
            return (self.ended(state, now), days);
        }
        // Days that a person said grow by themselves only where money comes back.
        let days = if self.decided.is_some() { days.min(left) } else { left };
        match covered.ask {
            Some(kind) => (self.held(state, kind, now), days),
            None => (self.goes_on(state, now), days),
        }
    }

    /// The same of a slice: the payment has more, and may have moved some.
    fn uncovered_slice(&self, state: &State, days: u32, now: Ms) -> (State, u32) {
        let fit = self.fit(self.total().unwrap_or(0), days);
        let asks =
            self.covered.ask.filter(|_| !self.covered.is_whole() && !self.covered.is_decided(self.decided));
        match asks {
            _ if fit == 0 => (self.ended(state, now), days),
            Some(kind) => (self.held(state, kind, now), fit),
            None => (self.goes_on(state, now), fit),
        }
    }

    /// None of its days move any more, as far as the rules can say.
    fn ended(&self, state: &State, now: Ms) -> State {
        let kind = if self.covered.refunded > 0 { ReversalKind::Refund } else { ReversalKind::Dispute };
        match kept(state).last {
            Some(_) if !matches!(state, State::Cancelled { .. }) => self.held(state, kind, now),
            _ => self.cancelled(state, now),
        }
    }

    /// What was stopped for its money is planned; a slice takes its turn again.
    fn goes_on(&self, state: &State, now: Ms) -> State {
        match state {
            State::Held {
                cause: Cause::Refunded(_) | Cause::Disputed(_), outcome: Outcome::None, ..
            }
            | State::Cancelled { money_out: Some(_), .. } => match self.rest.slice {
                Some(_) => State::sliced(Ahead::QUEUED, now, kept(state)),
                None => planned(kept(state), now),
            },
            State::Planned { .. }
            | State::Intended { .. }
            | State::Doubtful { .. }
            | State::Settled { .. }
            | State::Held { .. }
            | State::Cancelled { .. } => state.clone(),
        }
    }

    fn cancelled(&self, state: &State, now: Ms) -> State {
        if matches!(state, State::Cancelled { .. }) {
            return state.clone();
        }
        let reason = self.covered.words.clone();
        State::Cancelled { reason, at: now, attempt: state.attempt(), money_out: Some(kept(state)) }
    }

    fn held(&self, state: &State, kind: ReversalKind, now: Ms) -> State {
        let Kept { last, retried } = kept(state);
        let words = match last {
            None => self.covered.words.clone(),
            Some(call) => format!(
                "{}; its attempt {} was not accepted, which may hide that its days moved: look for its key in Billing History; if it is there, `held resolve KEY --applied`",
                self.covered.words, call.attempt
            ),
        };
        let why = match kind {
            ReversalKind::Refund => Cause::Refunded(words),
            ReversalKind::Dispute => Cause::Disputed(words),
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
    /// Entitlement, and not moved: their money came back after they had been taken off.
    pub owed: u32,
    /// A person has to decide about it.
    pub open: bool,
    /// What was due when a person last decided, as it counts from now on.
    pub decided: Option<u32>,
}

impl Coverage<'_> {
    /// The gap of a payment.
    pub fn gap(&self, stage: Stage<'_>) -> Gap {
        let covered = self.covered;
        let Some(due) = covered.due else { return Gap { decided: self.decided, ..Gap::default() } };
        match stage {
            // Closed because its money was out; a person looks again when it is back.
            Stage::Closed | Stage::Granted(State::Cancelled { money_out: None, .. }, _) => {
                let owed = self.decided.filter(|then| due > *then).map_or(0, |_| due);
                let owed = owed.saturating_sub(self.rest.others);
                Gap { spent: 0, owed, open: owed > 0, decided: self.decided }
            }
            Stage::Granted(state, days) if may_have_moved(state) || self.rest.others > 0 => {
                let own = if may_have_moved(state) { days } else { 0 };
                let moved = own.saturating_add(self.rest.others);
                // What is owed of a payment that moves in slices goes on by itself.
                let owed = if self.rest.slice.is_some() { 0 } else { due.saturating_sub(moved) };
                let spent = moved.saturating_sub(due);
                let open = match (spent, owed) {
                    // First it is found whether they moved at all.
                    _ if may_have_moved(state) && !matches!(state, State::Settled { .. }) => false,
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
