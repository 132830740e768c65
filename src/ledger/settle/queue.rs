//! A channel's queue: the oldest payment of which days are owed, and its next slice.
//!
//! ```text
//! payment ─grants─▶ days owed (the channel's queue, oldest first) ─next─▶ slice n ─settled─▶ next …
//! ```
//!
//! Only the next slice of a channel is a transfer. It is made in the transaction that grants, settles the one before,
//! cuts, stops, resumes or moves, so there is no schedule that could say something else than the payments. Whoever makes
//! one locks the channel's row first.

use super::{
    brake,
    rest::{Granted, granted, hold_rest},
    schedule,
    slices::{self, Place, Slice, insert, resize, takes_its_turn},
    steps::settled,
    sums::refresh,
};
use crate::{
    domain::{
        Ms,
        allocation::slices::{Ahead, Level, Owed, next},
        channel::Channel,
        id::ChannelId,
        settle::{Cause, How, Kept, Outcome, State},
    },
    ledger::{
        Claim, Decided, Take,
        db::{Dialect, Fault, Row, Tx, args},
        intake::grant::make_due_and_take,
        read::words,
        row::{self, narrow},
    },
};

/// A payment that is granted takes its place at the end of its channel's queue. Where its first slice is sent now, its
/// channel is taken for a worker that wants to go on with it.
pub(in crate::ledger) fn grant(
    tx: &mut Tx,
    payment: &str,
    (account, channel): (&str, &ChannelId),
    take: Option<Take<'_>>,
    now: Ms,
) -> Result<Option<Claim>, Fault> {
    let days = enqueue(tx, payment, account, channel.as_str(), now)?;
    brake::granted(tx, account, channel, days, now)?;
    refresh(tx, payment)?;
    plan(tx, account, channel.as_str(), None, now)?;
    let Some(take) = take else { return Ok(None) };
    let row = tx.optional(
        "SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND live = 1 AND due_at <= $3",
        args![account, channel.as_str(), now],
    )?;
    row.map_or(Ok(None), |_| make_due_and_take(tx, account, channel, take, now))
}

/// A payment that was not granted, and of which a person found days on the channel.
pub(in crate::ledger) fn found(
    tx: &mut Tx,
    payment: &str,
    (account, channel): (&str, &ChannelId),
    days: u32,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<(), Fault> {
    enqueue(tx, payment, account, channel.as_str(), now)?;
    let state =
        State::Settled { how: How::ByOperator, before: 0, after: None, at: now, attempt: 0, watch: None };
    let place = Place { account, channel: channel.as_str(), live: false };
    let note = format!("{}; decided: {}", words::note(&state), decided.reason);
    let key = insert(tx, payment, 1, &place, &state, days, (&note, Some(decided.who)), now)?;
    settled(tx, &key, None, &state)?;
    refresh(tx, payment)?;
    hold_rest(tx, payment, Cause::Restored, None, now)?;
    plan(tx, account, channel.as_str(), None, now)
}

/// Returns its days.
fn enqueue(tx: &mut Tx, payment: &str, account: &str, channel: &str, now: Ms) -> Result<u32, Fault> {
    ensure(tx, account, channel)?;
    let row = tx.one(
        "UPDATE payments SET sliced = 1, partner = $2, granted_at = $3, last_n = 0 WHERE key = $1 RETURNING days",
        args![payment, account, now],
    )?;
    Ok(row.get::<Option<i64>>("days")?.map_or(0, narrow))
}

/// Its row, where nothing was ever done on the channel.
pub(in crate::ledger) fn ensure(tx: &mut Tx, account: &str, channel: &str) -> Result<(), Fault> {
    tx.send(
        "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, due_at, deferred, detail) \
         VALUES ($1, $2, COALESCE((SELECT MAX(declared_at) FROM restorations), 0), '', 0, NULL, 0, $3) \
         ON CONFLICT (account, channel) DO NOTHING",
        args![account, channel, serde_json::to_string(&Channel::default())?],
    )
}

/// The payment at the head of a channel's queue.
struct Head {
    payment: String,
    left: u32,
    moved: u32,
    ahead: Ahead,
    n: u32,
    /// Its transfer, where that waited.
    waits: Option<(String, State)>,
}

const HEAD: &str = "SELECT p.key, p.source, p.slice, p.days_left, p.days_moved, p.last_n, t.key AS transfer, t.detail, \
     p.granted_at, (SELECT COALESCE(l.settled_at, l.created_at) FROM transfers l WHERE l.payment = p.key AND l.n = p.last_n) \
     AS last_at, (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL) AS declared_at \
     FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n AND t.state = 'planned' \
     WHERE p.partner = $1 AND p.channel = $2 AND p.days_left > 0 AND p.stopped IS NULL \
     ORDER BY p.granted_at, p.key LIMIT 1";

/// Makes the next slice of a channel where there is none, and where days are owed on it.
pub(in crate::ledger) fn plan(
    tx: &mut Tx,
    account: &str,
    channel: &str,
    level: Option<&Channel>,
    now: Ms,
) -> Result<(), Fault> {
    let lock = match tx.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    };
    let row = tx.optional(
        &format!("SELECT detail FROM channels WHERE account = $1 AND channel = $2{lock}"),
        args![account, channel],
    )?;
    let stored = row.as_ref().map(row::channel).transpose()?.unwrap_or_default();
    let known = level.unwrap_or(&stored);
    let live = tx.optional(
        "SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND live = 1",
        args![account, channel],
    )?;
    if live.is_some() {
        return Ok(());
    }
    let Some(head) = head(tx, account, channel, known, now)? else { return Ok(()) };
    let ahead = head.ahead;
    match &head.waits {
        Some((key, state)) => takes_its_turn(tx, key, state, ahead, now)?,
        None => {
            let state = State::sliced(ahead, now, Kept::default());
            let place = Place { account, channel, live: true };
            let note = planned(&ahead, now, head.left, head.moved);
            insert(tx, &head.payment, head.n, &place, &state, ahead.days, (&note, None), now)?;
        }
    }
    schedule_slice(tx, account, channel, ahead.at, now)
}

fn head(tx: &mut Tx, account: &str, channel: &str, known: &Channel, now: Ms) -> Result<Option<Head>, Fault> {
    let row = loop {
        let Some(row) = tx.optional(HEAD, args![account, channel])? else { return Ok(None) };
        if !may_be_forgotten(&row)? {
            break row;
        }
        // It has days to move by what is told again now, and may have moved them in the time that is forgotten.
        let key: String = row.get("key")?;
        if hold_rest(tx, &key, Cause::Restored, None, now)?.is_none() {
            return Ok(None);
        }
    };
    let source: String = row.get("source")?;
    let own = row.get::<Option<i64>>("slice")?.map(narrow);
    let sizes = tx.place().allocation().sizes(&source, own);
    let (left, moved) = (narrow(row.get("days_left")?), narrow(row.get("days_moved")?));
    let live = known.mode.as_deref().map_or(known.made_live, |mode| mode == "live");
    let waits = match row.get::<Option<String>>("transfer")? {
        Some(key) => Some((key, row::state(&row)?)),
        None => None,
    };
    let mut ahead = next(Owed { left, moved }, Level { active_till: known.known, live }, sizes, now);
    if matches!(waits, Some((_, State::Planned { last: Some(_), .. }))) {
        // It was called before, so its channel is read now.
        ahead = Ahead { at: now, level_ms: None, ..ahead };
    }
    Ok(Some(Head {
        payment: row.get("key")?,
        left,
        moved,
        ahead,
        n: narrow(row.get("last_n")?).saturating_add(1),
        waits,
    }))
}

/// Whether the next slice of the payment at the head may have been sent in the time that a restored ledger has forgotten:
/// it has no transfer that waits, and nothing of it was settled since.
fn may_be_forgotten(row: &Row) -> Result<bool, Fault> {
    let Some(declared_at) = row.get::<Option<Ms>>("declared_at")? else { return Ok(false) };
    let waits = row.get::<Option<String>>("transfer")?.is_some();
    let last: Option<Ms> = row.get::<Option<Ms>>("last_at")?.or(row.get("granted_at")?);
    Ok(!waits && last.is_some_and(|at| at <= declared_at))
}

/// What the first step of a slice says.
fn planned(ahead: &Ahead, now: Ms, left: u32, moved: u32) -> String {
    let when = if ahead.at > now { format!("when the clock says {}", ahead.at) } else { "now".to_owned() };
    let all = left.saturating_add(moved);
    format!("planned {when}: {} days of {left} that are owed, {moved} of {all} have moved", ahead.days)
}

/// When its slice is sent; what is due before makes it due before.
fn schedule_slice(tx: &mut Tx, account: &str, channel: &str, at: Ms, now: Ms) -> Result<(), Fault> {
    if at <= now {
        return schedule::schedule_channel(tx, account, channel, now);
    }
    tx.send(
        "UPDATE channels SET slice_at = $3 WHERE account = $1 AND channel = $2",
        args![account, channel, at],
    )
}

/// After a change of what a payment has left: asks a person about it where the rules say so, and goes on with its channel.
pub(in crate::ledger) fn replan(tx: &mut Tx, payment: &str, now: Ms) -> Result<Option<String>, Fault> {
    let asks = refresh(tx, payment)?;
    let Some(Granted { account, channel, last, .. }) = granted(tx, payment)? else { return Ok(None) };
    let held = match (asks, last) {
        (Some(cause), None | Some((_, State::Settled { .. }))) => hold_rest(tx, payment, cause, None, now)?,
        _ => None,
    };
    plan(tx, &account, &channel, None, now)?;
    Ok(held)
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
    let asks = refresh(tx, &slice.payment)?;
    if let (State::Held { outcome: Outcome::Forgotten, .. }, State::Settled { .. }) = (from, to) {
        // Where this one was sent in the time that is forgotten, the next may have been, too.
        hold_rest(tx, &slice.payment, Cause::Restored, None, now)?;
    }
    if let Some(cause) = asked_to_stop(tx, &slice.payment)? {
        hold_rest(tx, &slice.payment, cause, None, now)?;
    }
    if let (Some(cause), State::Settled { .. }) = (asks, to) {
        // Its money went out while it was on its way.
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
    row.as_ref().map_or(Ok(None), slices::stop)
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
