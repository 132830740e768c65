//! Transfers of payments that move in slices, and what they make of their payments.

use super::queue::{ensure, hold_rest, plan};
use crate::{
    domain::{
        Ms,
        channel::Channel,
        closed::{HeldCause, PaymentState},
        settle::{Cause, Kept, Outcome, State},
        slices::Ahead,
    },
    ledger::{
        db::{Fault, Tx, args},
        intake::coverage,
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
fn stops(state: &State) -> Option<HeldCause> {
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
        State::Held { .. } => stops(state).is_none(),
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

/// What a slice's new state makes of its days, its payment and its channel's queue. `level`: the channel as it is known
/// now, where its row does not say so yet.
pub(in crate::ledger) fn changed(
    tx: &mut Tx,
    key: &str,
    slice: &Slice,
    (from, to): (&State, &State),
    level: Option<&Channel>,
    now: Ms,
) -> Result<(), Fault> {
    let days = match to {
        // It is late, and has more days than planned; or it is put off, and is late no more.
        State::Intended { call, .. } => Some(call.days),
        State::Planned { ahead: Some(ahead), last: None, .. } if ahead.days > 0 => {
            Some(ahead.days.min(slice.days))
        }
        _ => None,
    };
    if let Some(days) = days.filter(|days| *days != slice.days) {
        resize(tx, key, days)?;
    }
    refresh(tx, &slice.payment)?;
    if let State::Held { cause: Cause::Restored, .. } = to {
        hold_queue(tx, &slice.account, &slice.channel, now)?;
    }
    if let (State::Held { outcome: Outcome::Forgotten, .. }, State::Settled { .. }) = (from, to) {
        // Where this one was sent in the time that is forgotten, the next may have been, too.
        hold_rest(tx, &slice.payment, Cause::Restored, None, now)?;
    }
    if let Some(cause) = asked_to_stop(tx, &slice.payment)? {
        hold_rest(tx, &slice.payment, cause, None, now)?;
    }
    plan(tx, &slice.account, &slice.channel, level, now)
}

/// Why a payment is to stop, where a person or its agreement said so.
fn asked_to_stop(tx: &mut Tx, payment: &str) -> Result<Option<Cause>, Fault> {
    let row = tx.optional(
        "SELECT stop, stop_reason FROM payments WHERE key = $1 AND stop IS NOT NULL AND days_left > 0",
        args![payment],
    )?;
    let Some(row) = row else { return Ok(None) };
    let reason = row.get::<Option<String>>("stop_reason")?.unwrap_or_default();
    Ok(Some(match row.get::<HeldCause>("stop")? {
        HeldCause::Ended => Cause::Ended(reason),
        _ => Cause::Stopped(reason),
    }))
}

/// Whatever waits in a channel's queue may have been called in the time that is forgotten.
pub(in crate::ledger) fn hold_queue(tx: &mut Tx, account: &str, channel: &str, now: Ms) -> Result<(), Fault> {
    let rows = tx.all(
        "SELECT key FROM payments WHERE partner = $1 AND channel = $2 AND days_left > 0 AND stopped IS NULL \
         AND granted_at <= (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL)",
        args![account, channel],
    )?;
    for row in rows {
        hold_rest(tx, &row.get::<String>("key")?, Cause::Restored, None, now)?;
    }
    Ok(())
}

/// The newest transfer of a payment; `None`: it waits for others of its channel.
pub(in crate::ledger) fn newest(tx: &mut Tx, payment: &str) -> Result<Option<String>, Fault> {
    let row = tx.optional(
        "SELECT t.key FROM payments p JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1",
        args![payment],
    )?;
    row.map(|row| row.get("key")).transpose()
}

/// What is written of a payment's days.
struct Sums {
    moved: u32,
    left: u32,
    state: PaymentState,
    stopped: Option<HeldCause>,
}

/// Writes the sums of a payment in slices, by its transfers and its money.
pub(in crate::ledger) fn refresh(tx: &mut Tx, payment: &str) -> Result<(), Fault> {
    let row = tx.optional(
        "SELECT p.days, p.last_n, t.detail, (SELECT CAST(COALESCE(SUM(m.days), 0) AS BIGINT) FROM transfers m \
         WHERE m.payment = p.key AND (m.state IN ('intended', 'doubtful', 'settled') \
         OR (m.state = 'held' AND (m.open = 1 OR m.cause = 'restored')))) AS moved \
         FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n \
         WHERE p.key = $1 AND p.sliced = 1",
        args![payment],
    )?;
    let Some(row) = row else { return Ok(()) };
    let moved = narrow(row.get("moved")?);
    let bought = row.get::<Option<i64>>("days")?.map_or(0, narrow);
    let last = match row.get::<Option<String>>("detail")? {
        Some(_) => Some(row::state(&row)?),
        None => None,
    };
    let covered = coverage::of_payment(tx, payment)?;
    let total = covered.as_ref().and_then(|coverage| coverage.ask().total()).unwrap_or(bought);
    let sums = sums(last.as_ref(), moved, total);
    let cut = bought.saturating_sub(moved).saturating_sub(sums.left);
    tx.send(
        "UPDATE payments SET days_moved = $2, days_left = $3, state = $4, stopped = $5, days_reduced = $6 WHERE key = $1",
        args![
            payment,
            i64::from(sums.moved),
            i64::from(sums.left),
            sums.state,
            sums.stopped,
            i64::from(cut)
        ],
    )
}

fn sums(last: Option<&State>, moved: u32, total: u32) -> Sums {
    let closed = matches!(last, Some(State::Cancelled { money_out: None, .. }));
    let left = if closed { 0 } else { total.saturating_sub(moved) };
    let done = if moved > 0 { PaymentState::Credited } else { PaymentState::Cancelled };
    let goes_on = |moved: u32| if moved > 0 { PaymentState::Running } else { PaymentState::Planned };
    let state = match last {
        Some(State::Held { .. }) => PaymentState::Held,
        Some(State::Doubtful { .. }) => PaymentState::Doubtful,
        // About to be called, its own days count as moved.
        Some(State::Intended { call, .. }) => goes_on(moved.saturating_sub(call.days)),
        _ if left == 0 => done,
        _ => goes_on(moved),
    };
    Sums { moved, left, state, stopped: last.and_then(stops) }
}

/// A slice that was not called, and what its payment has left, are another channel's from now on.
pub(in crate::ledger) fn moves_to(tx: &mut Tx, key: &str, slice: &Slice, channel: &str) -> Result<(), Fault> {
    ensure(tx, &slice.account, channel)?;
    tx.send(
        "UPDATE transfers SET channel = $2, live = 0, wanted_at = NULL WHERE key = $1",
        args![key, channel],
    )?;
    tx.send("UPDATE payments SET channel = $2 WHERE key = $1", args![&*slice.payment, channel])
}

/// What a payment has left, of which no transfer is under way, is another channel's from now on.
pub(in crate::ledger) fn rest_to(
    tx: &mut Tx,
    payment: &str,
    account: &str,
    channel: &str,
) -> Result<(), Fault> {
    ensure(tx, account, channel)?;
    tx.send("UPDATE payments SET channel = $2 WHERE key = $1", args![payment, channel])
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
