//! Transfers of payments that move in slices, and what they make of their payments.

use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        settle::{Cause, Kept, Outcome, State},
        slices::Ahead,
    },
    ledger::{
        db::{Fault, Row, Tx, args},
        row::{self, narrow},
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
            (State::Planned { last, retried, .. }, Some(cause)) => {
                State::Held { cause: cause.clone(), outcome: Outcome::None, at: now, last, retried }
            }
            (State::Planned { last, retried, .. }, None) if !self.live => {
                State::sliced(Ahead::QUEUED, now, Kept { last, retried })
            }
            (other, _) => other,
        }
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
