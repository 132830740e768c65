//! The sums of a payment whose days move in slices: what has moved, what is owed, and where it stands.

use super::slices::why_stopped;
use crate::{
    domain::{
        closed::{HeldCause, PaymentState},
        settle::{Cause, State},
    },
    ledger::{
        db::{Fault, Tx, args},
        intake::coverage,
        row::{self, narrow},
    },
};

/// What is written of a payment's days.
struct Sums {
    moved: u32,
    left: u32,
    state: PaymentState,
    stopped: Option<HeldCause>,
}

/// Writes the sums of a payment in slices, by its transfers and its money. Returns what a person is asked for its money
/// before more of its days move; `None`: nothing.
pub(in crate::ledger) fn refresh(tx: &mut Tx, payment: &str) -> Result<Option<Cause>, Fault> {
    let row = tx.optional(
        "SELECT p.days, p.last_n, t.detail, (SELECT CAST(COALESCE(SUM(m.days), 0) AS BIGINT) FROM transfers m \
         WHERE m.payment = p.key AND (m.state IN ('intended', 'doubtful', 'settled') \
         OR (m.state = 'held' AND (m.open = 1 OR m.cause = 'restored')))) AS moved \
         FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n \
         WHERE p.key = $1 AND p.sliced = 1",
        args![payment],
    )?;
    let Some(row) = row else { return Ok(None) };
    let moved = narrow(row.get("moved")?);
    let bought = row.get::<Option<i64>>("days")?.map_or(0, narrow);
    let last = match row.get::<Option<String>>("detail")? {
        Some(_) => Some(row::state(&row)?),
        None => None,
    };
    let covered = coverage::of_payment(tx, payment)?;
    let total = covered.as_ref().and_then(|coverage| coverage.ask().total()).unwrap_or(bought);
    let sums = sums(last.as_ref(), moved, total);
    // What a person took off is no money that went out.
    let cut = bought.saturating_sub(total.max(moved));
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
    )?;
    Ok(covered.and_then(|coverage| coverage.asks()))
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
    Sums { moved, left, state, stopped: last.and_then(why_stopped) }
}
