//! Payments that stop, by a person's word or because their agreement ended, and go on.

use super::{queue, rest, schedule, transition};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        settle::{Cause, Outcome, State, planned_again},
    },
    ledger::{
        Act,
        db::{Dialect, Fault, Tx, args},
        row::{self, narrow},
    },
};

/// Stands for the reason of a stop that a person took back.
const LET_GO: &str = "let go on after its end";

/// What a payment has left, and how far it is.
pub(in crate::ledger) struct Left {
    pub(in crate::ledger) account: String,
    pub(in crate::ledger) channel: String,
    pub(in crate::ledger) sliced: bool,
    pub(in crate::ledger) days: u32,
    /// Why it was said to stop.
    pub(in crate::ledger) stops: Option<HeldCause>,
    /// A person let it go on after its agreement had ended.
    pub(in crate::ledger) let_go: bool,
    /// Its newest transfer.
    pub(in crate::ledger) last: Option<(String, State)>,
}

/// Of a payment that was granted. Its channel is locked first.
pub(in crate::ledger) fn left(tx: &mut Tx, payment: &str) -> Result<Left, Fault> {
    if tx.dialect() == Dialect::Postgres {
        tx.send(
            "SELECT c.epoch FROM channels c JOIN payments p ON p.channel = c.channel AND p.partner = c.account \
             WHERE p.key = $1 FOR UPDATE OF c",
            args![payment],
        )?;
    }
    let row = tx.one(
        "SELECT p.sliced, COALESCE(p.partner, t.account) AS partner, p.channel, p.days_left, p.stop, p.stop_reason, t.key AS transfer, \
         t.detail FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1",
        args![payment],
    )?;
    Ok(Left {
        account: row.get::<Option<String>>("partner")?.unwrap_or_default(),
        channel: row.get::<Option<String>>("channel")?.unwrap_or_default(),
        sliced: row.get::<i64>("sliced")? != 0,
        days: narrow(row.get("days_left")?),
        stops: row.get("stop")?,
        let_go: row.get::<Option<HeldCause>>("stop")?.is_none()
            && row.get::<Option<String>>("stop_reason")?.as_deref() == Some(LET_GO),
        last: match row.get::<Option<String>>("transfer")? {
            Some(transfer) => Some((transfer, row::state(&row)?)),
            None => None,
        },
    })
}

/// No more days of a payment move. What is on its way is settled first. `false`: no day is left to stop.
pub(in crate::ledger) fn stop(
    tx: &mut Tx,
    payment: &str,
    left: &Left,
    cause: &Cause,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, Fault> {
    let has_days = match left.sliced {
        true => left.days > 0,
        false => matches!(left.last, Some((_, State::Planned { .. }))),
    };
    if !has_days {
        return Ok(false);
    }
    let (Cause::Stopped(reason) | Cause::Ended(reason)) = cause else { return Ok(false) };
    tx.execute(
        "UPDATE payments SET stop = $2, stop_reason = $3 WHERE key = $1",
        args![payment, cause.word(), &**reason],
    )?;
    match &left.last {
        Some((key, from @ State::Planned { last, retried, .. })) => {
            let to = State::Held {
                cause: cause.clone(),
                outcome: Outcome::None,
                at: now,
                last: *last,
                retried: *retried,
            };
            step(tx, key, from, &to, act, now)?;
            schedule::schedule_channel(tx, &left.account, &left.channel, now)?;
        }
        Some((_, State::Settled { .. })) | None => {
            rest::hold_rest(tx, payment, cause.clone(), Some(act), now)?;
            queue::plan(tx, &left.account, &left.channel, None, now)?;
        }
        // What is on its way is settled first; what is held waits for a person anyway.
        Some(_) => {}
    }
    Ok(true)
}

/// A payment that stopped goes on. `false`: it did not.
pub(in crate::ledger) fn go(
    tx: &mut Tx,
    payment: &str,
    left: &Left,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, Fault> {
    let stopped = left.last.as_ref().filter(|(_, state)| is_stopped(state));
    if left.stops.is_none() && stopped.is_none() {
        return Ok(false);
    }
    tx.execute("UPDATE payments SET stop = NULL, stop_reason = NULL WHERE key = $1", args![payment])?;
    if let Some((key, from)) = stopped
        && let Some(to) = planned_again(from, now)
    {
        step(tx, key, from, &to, act, now)?;
        schedule::schedule_channel(tx, &left.account, &left.channel, now)?;
    }
    Ok(true)
}

/// A person's word counts until the agreement goes on: what is told of its end again stops nothing.
pub(in crate::ledger) fn remember_let_go(tx: &mut Tx, payment: &str, let_go: bool) -> Result<(), Fault> {
    tx.send(
        "UPDATE payments SET stop_reason = $2 WHERE key = $1 AND stop IS NULL",
        args![payment, let_go.then_some(LET_GO)],
    )
}

/// It waits because it was stopped.
pub(in crate::ledger) fn is_stopped(state: &State) -> bool {
    matches!(state, State::Held { cause: Cause::Stopped(_) | Cause::Ended(_), .. })
}

/// One step that a person, or the rules, decided.
pub(in crate::ledger) fn step(
    tx: &mut Tx,
    key: &str,
    from: &State,
    to: &State,
    act: &Act<'_>,
    now: Ms,
) -> Result<(), Fault> {
    match transition::compare_and_set(tx, key, from, to, Some((act.who, act.reason)), now)? {
        true => Ok(()),
        false => Err(Fault::Conflict(format!("{key} went on meanwhile"))),
    }
}
