//! What is written of a transfer's steps: the step itself, and the days that it spends.

use crate::{
    domain::{Ms, closed::HeldCause, settle::State},
    ledger::{
        db::{Fault, Tx, args},
        storable,
    },
};

/// Days spent are summed by spans of this, in ms: 10 minutes.
pub(in crate::ledger) const SLOT_MS: i64 = 600_000;

pub(in crate::ledger) const SPENT: &str = "INSERT INTO spent (account, slot, days, transfers, sliced_days, slices) \
     SELECT account, $1, days, 1, days * sliced, sliced FROM transfers \
     WHERE key = $2 ON CONFLICT (account, slot) DO UPDATE SET days = spent.days + excluded.days, \
     transfers = spent.transfers + 1, sliced_days = spent.sliced_days + excluded.sliced_days, \
     slices = spent.slices + excluded.slices";

pub(in crate::ledger) fn cause_of(state: &State) -> Option<HeldCause> {
    match state {
        State::Held { cause, .. } => Some(cause.word()),
        State::Planned { .. }
        | State::Intended { .. }
        | State::Doubtful { .. }
        | State::Settled { .. }
        | State::Cancelled { .. } => None,
    }
}

/// Counts the days of a transfer that is settled, once.
pub(in crate::ledger) fn settled(
    tx: &mut Tx,
    key: &str,
    from: Option<&State>,
    to: &State,
) -> Result<(), Fault> {
    let State::Settled { at, .. } = to else { return Ok(()) };
    if matches!(from, Some(State::Settled { .. })) {
        return Ok(());
    }
    tx.send("UPDATE transfers SET settled_at = $1 WHERE key = $2", args![*at, key])?;
    tx.send(SPENT, args![at.div_euclid(SLOT_MS), key])
}

/// Keeps one transition.
pub(in crate::ledger) fn add_step(
    tx: &mut Tx,
    key: &str,
    state: &State,
    note: &str,
    who: Option<&str>,
    now: Ms,
) -> Result<(), Fault> {
    tx.send(
        "INSERT INTO steps (transfer, at, state, attempt, note, who) VALUES ($1, $2, $3, $4, $5, $6)",
        args![key, now, state.word(), i64::from(state.attempt()), storable::text(note), who],
    )
}
