//! What a payment has left, held for a person as its next slice.

use super::{
    slices::{Place, insert},
    sums::refresh,
};
use crate::{
    domain::{
        Ms,
        settle::{Cause, Outcome, State},
    },
    ledger::{
        Act,
        db::{Fault, Tx, args},
        row::{self, narrow},
    },
};

/// A payment that is granted in slices: what is owed of it, and where.
pub(in crate::ledger) struct Granted {
    pub(in crate::ledger) account: String,
    pub(in crate::ledger) channel: String,
    left: u32,
    /// Bought, and neither moved nor on their way.
    unmoved: u32,
    last_n: u32,
    pub(in crate::ledger) last: Option<(String, State)>,
}

pub(in crate::ledger) fn granted(tx: &mut Tx, payment: &str) -> Result<Option<Granted>, Fault> {
    let row = tx.optional(
        "SELECT p.partner, p.channel, p.days_left, COALESCE(p.days, 0) - p.days_moved AS unmoved, p.last_n, t.key AS transfer, t.detail FROM payments p \
         LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n WHERE p.key = $1 AND p.sliced = 1",
        args![payment],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Granted {
        account: row.get("partner")?,
        channel: row.get("channel")?,
        left: narrow(row.get("days_left")?),
        unmoved: narrow(row.get("unmoved")?),
        last_n: narrow(row.get("last_n")?),
        last: match row.get::<Option<String>>("transfer")? {
            Some(key) => Some((key, row::state(&row)?)),
            None => None,
        },
    }))
}

/// Holds what a payment has left, where none of its transfers is under way: its next slice is a transfer that waits for a
/// person. Returns its key.
pub(in crate::ledger) fn hold_rest(
    tx: &mut Tx,
    payment: &str,
    cause: Cause,
    act: Option<&Act<'_>>,
    now: Ms,
) -> Result<Option<String>, Fault> {
    let Some(granted) = granted(tx, payment)? else { return Ok(None) };
    let under_way = granted.last.as_ref().is_some_and(|(_, state)| {
        !matches!(state, State::Settled { .. } | State::Cancelled { money_out: Some(_), .. })
    });
    // In the time that is forgotten days may have moved that the money does not cover any more.
    let (outcome, left) = match cause {
        Cause::Restored => (Outcome::Forgotten, granted.unmoved),
        _ => (Outcome::None, granted.left),
    };
    if left == 0 || under_way {
        return Ok(None);
    }
    let note = cause.to_string();
    let state = State::Held { cause, outcome, at: now, last: None, retried: false };
    let row = tx.one("SELECT source, slice FROM payments WHERE key = $1", args![payment])?;
    let own = row.get::<Option<i64>>("slice")?.map(narrow);
    let slice = tx.place().allocation().sizes(&row.get::<String>("source")?, own).slice;
    let days = if slice == 0 { left } else { left.min(slice) };
    let place = Place { account: &granted.account, channel: &granted.channel, live: false };
    let n = granted.last_n.saturating_add(1);
    let key = insert(tx, payment, n, &place, &state, days, (&note, act.map(|act| act.who)), now)?;
    refresh(tx, payment)?;
    Ok(Some(key))
}
