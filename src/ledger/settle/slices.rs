//! Transfers of payments that move in slices, and what they make of their payments.

use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        settle::{Cause, Kept, State},
        slices::Ahead,
    },
    ledger::{
        db::{Fault, Tx, args},
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
}

/// The transfer, where it is a slice.
pub(in crate::ledger) fn of(tx: &mut Tx, key: &str) -> Result<Option<Slice>, Fault> {
    let row = tx.optional(
        "SELECT payment, account, channel, days, live FROM transfers WHERE key = $1 AND sliced = 1",
        args![key],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Slice {
        payment: row.get("payment")?,
        account: row.get("account")?,
        channel: row.get("channel")?,
        days: narrow(row.get("days")?),
        live: row.get::<i64>("live")? != 0,
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
    /// What is planned again takes its turn, where it is not the one of its channel.
    pub(in crate::ledger) fn in_turn(&self, to: State, now: Ms) -> State {
        match to {
            State::Planned { last, retried, .. } if !self.live => {
                State::sliced(Ahead::QUEUED, now, Kept { last, retried })
            }
            other => other,
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
