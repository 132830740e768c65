//! Transfers of payments that move in slices, and what they make of their payments.

use super::steps::{add_step, cause_of};
use crate::{
    domain::{
        Ms,
        allocation::slices::Ahead,
        closed::HeldCause,
        id::transfer_key,
        settle::{Cause, Kept, Outcome, State},
    },
    envelope,
    ledger::{
        db::{Fault, Row, Tx, args},
        row::{self, narrow},
        storable,
    },
};

/// A transfer of a payment that moves in slices.
pub(in crate::ledger) struct Slice {
    pub(in crate::ledger) payment: String,
    pub(in crate::ledger) account: String,
    pub(in crate::ledger) channel: String,
    pub(in crate::ledger) days: u32,
    /// It is the one of its channel.
    pub(in crate::ledger) live: bool,
    /// Why its payment is to stop, where a person or its agreement said so.
    stop: Option<Cause>,
}

/// The transfer, where it is a slice.
pub(in crate::ledger) fn of(tx: &mut Tx, key: &str) -> Result<Option<Slice>, Fault> {
    let row = tx.optional(
        "SELECT t.payment, t.account, t.channel, t.days, t.live, p.stop, p.stop_reason FROM transfers t \
         JOIN payments p ON p.key = t.payment WHERE t.key = $1 AND t.sliced = 1",
        args![key],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Slice {
        payment: row.get("payment")?,
        account: row.get("account")?,
        channel: row.get("channel")?,
        days: narrow(row.get("days")?),
        live: row.get::<i64>("live")? != 0,
        stop: stop(&row)?,
    }))
}

/// Why none of a payment's days move while others of the channel do; `None`: they move, or all of the channel's wait.
pub(in crate::ledger) fn why_stopped(state: &State) -> Option<HeldCause> {
    match state {
        State::Held { cause, .. } => match cause {
            Cause::Refunded(_)
            | Cause::Disputed(_)
            | Cause::Stopped(_)
            | Cause::Ended(_)
            | Cause::Restored => Some(cause.word()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a slice in this state keeps back all others of its channel.
pub(in crate::ledger) fn keeps_back(state: &State) -> bool {
    match state {
        State::Planned { .. } | State::Intended { .. } | State::Doubtful { .. } => true,
        State::Held { .. } => why_stopped(state).is_none(),
        State::Settled { .. } | State::Cancelled { .. } => false,
    }
}

impl Slice {
    /// What is planned again takes its turn, where it is not the one of its channel; what was said to stop is held.
    pub(in crate::ledger) fn in_turn(&self, to: State, now: Ms) -> State {
        match (to, &self.stop) {
            // A refusal, or a doubt that was settled, does not let go on what was said to stop.
            (to @ State::Planned { .. }, Some(cause)) => stays(to, cause, now),
            (State::Planned { last, retried, .. }, None) if !self.live => {
                State::sliced(Ahead::QUEUED, now, Kept { last, retried })
            }
            (other, _) => other,
        }
    }
}

/// What is planned again, of a payment that was said to stop.
pub(in crate::ledger) fn stays(to: State, cause: &Cause, now: Ms) -> State {
    match to {
        State::Planned { last, retried, .. } => {
            State::Held { cause: cause.clone(), outcome: Outcome::None, at: now, last, retried }
        }
        other => other,
    }
}

/// A slice whose first reading was to tell whether it was sent in the time that a restored ledger has forgotten. Once it
/// stands otherwise than planned for its time, no reading will: only a person can tell.
pub(in crate::ledger) fn only_a_person_tells(from: &State, to: State, now: Ms) -> State {
    let State::Planned { ahead: Some(Ahead { sure: Some(_), .. }), retried, .. } = from else { return to };
    match &to {
        State::Planned { ahead: Some(ahead), .. } if *ahead != Ahead::QUEUED => to,
        // A person said that it is not to be called, whatever became of it.
        State::Cancelled { money_out: None, .. } => to,
        State::Planned { .. } | State::Held { .. } | State::Cancelled { .. } => {
            let (cause, outcome) = (Cause::Restored, Outcome::Forgotten);
            State::Held { cause, outcome, at: now, last: None, retried: *retried }
        }
        State::Intended { .. } | State::Doubtful { .. } | State::Settled { .. } => to,
    }
}

/// The newest transfer of a payment; `None`: it waits for others of its channel.
pub(in crate::ledger) fn newest(tx: &mut Tx, payment: &str) -> Result<Option<String>, Fault> {
    let row = tx.optional(
        "SELECT t.key FROM payments p JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1",
        args![payment],
    )?;
    row.map(|row| row.get("key")).transpose()
}

/// A slice that was not called has so many days.
pub(in crate::ledger) fn resize(tx: &mut Tx, key: &str, days: u32) -> Result<(), Fault> {
    let comment = tx.place().allocation().comment.render(key, days);
    tx.send(
        "UPDATE transfers SET days = $2, comment = $3 WHERE key = $1",
        args![key, i64::from(days), comment],
    )
}

/// What is known of a slice's channel; `None`: it is no slice, or was never read.
pub(in crate::ledger) fn known(tx: &mut Tx, key: &str) -> Result<Option<Ms>, Fault> {
    let row = tx.optional(
        "SELECT c.detail FROM transfers t JOIN channels c ON c.account = t.account AND c.channel = t.channel \
         WHERE t.key = $1 AND t.sliced = 1",
        args![key],
    )?;
    Ok(row.as_ref().map(row::channel).transpose()?.and_then(|channel| channel.known))
}

/// Why a payment is to stop, by its columns.
pub(in crate::ledger) fn stop(row: &Row) -> Result<Option<Cause>, Fault> {
    let reason = row.get::<Option<String>>("stop_reason")?.unwrap_or_default();
    Ok(row.get::<Option<HeldCause>>("stop")?.map(|cause| match cause {
        HeldCause::Ended => Cause::Ended(reason),
        _ => Cause::Stopped(reason),
    }))
}

/// Why the payment of a transfer is to stop, where a person or its agreement said so.
pub(in crate::ledger) fn said_to_stop(tx: &mut Tx, key: &str) -> Result<Option<Cause>, Fault> {
    let row = tx.optional(
        "SELECT p.stop, p.stop_reason FROM transfers t JOIN payments p ON p.key = t.payment \
         WHERE t.key = $1 AND p.stop IS NOT NULL",
        args![key],
    )?;
    row.as_ref().map_or(Ok(None), stop)
}

/// A slice that waited for others of its channel is the next.
pub(in crate::ledger) fn takes_its_turn(
    tx: &mut Tx,
    key: &str,
    from: &State,
    ahead: Ahead,
    now: Ms,
) -> Result<(), Fault> {
    let State::Planned { last, retried, .. } = from else { return Ok(()) };
    let to = State::sliced(ahead, now, Kept { last: *last, retried: *retried });
    let (due_at, wanted_at) = row::times(&to, now);
    let comment = tx.place().allocation().comment.render(key, ahead.days);
    tx.send(
        "UPDATE transfers SET live = 1, days = $2, comment = $3, wanted_at = $4, due_at = $5, detail = $6 WHERE key = $1",
        args![key, i64::from(ahead.days), comment, wanted_at, due_at, storable::json(&to)?],
    )?;
    add_step(tx, key, &to, "its turn has come", None, now)
}

/// Where a slice is.
pub(in crate::ledger) struct Place<'a> {
    pub(in crate::ledger) account: &'a str,
    pub(in crate::ledger) channel: &'a str,
    /// It is the one of its channel.
    pub(in crate::ledger) live: bool,
}

#[expect(clippy::too_many_arguments, reason = "one row, from one place")]
pub(in crate::ledger) fn insert(
    tx: &mut Tx,
    payment: &str,
    n: u32,
    place: &Place<'_>,
    state: &State,
    days: u32,
    (note, who): (&str, Option<&str>),
    now: Ms,
) -> Result<String, Fault> {
    let key = transfer_key(payment, n);
    let comment = tx.place().allocation().comment.render(&key, days);
    let (due_at, wanted_at) = row::times(state, now);
    tx.send(
        "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, open, cause, \
         due_at, detail, traceparent, created_at, sliced, slice, live, wanted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, $11, $12, $13, 1, $6, $14, $15)",
        args![
            key,
            payment,
            i64::from(n),
            place.account,
            place.channel,
            i64::from(days),
            comment,
            state.word(),
            cause_of(state),
            due_at,
            storable::json(state)?,
            envelope::new_traceparent(),
            now,
            i64::from(place.live),
            wanted_at
        ],
    )?;
    tx.send("UPDATE payments SET last_n = $2 WHERE key = $1", args![payment, i64::from(n)])?;
    add_step(tx, &key, state, note, who, now)?;
    Ok(key)
}
