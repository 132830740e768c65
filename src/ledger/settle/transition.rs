//! A transfer goes from one state to the next, with all that this makes of its payment and its channel.

use super::{
    queue,
    slices::{self, Slice},
    steps::{SLOT_MS, SPENT, add_step, cause_of, settled},
};
use crate::{
    domain::{Ms, channel::Channel, settle::State},
    ledger::{
        Claim,
        db::{Fault, Tx, args},
        intake::coverage,
        read::words,
        row::{epoch_of, payment_state, times},
        storable,
    },
};

/// Writes a transfer's state where it still stands at `from`; `false`: it does not. The step goes with it. Whoever plans
/// a transfer whose money went out while its outcome was open leaves it as the rules would have: held, shorter, cancelled.
pub(in crate::ledger) fn compare_and_set(
    tx: &mut Tx,
    key: &str,
    from: &State,
    to: &State,
    who: Option<(&str, &str)>,
    now: Ms,
) -> Result<bool, Fault> {
    set(tx, key, (from, to), None, who, now)
}

/// The same, where more is known of the channel than its row says.
pub(in crate::ledger) fn set(
    tx: &mut Tx,
    key: &str,
    (from, to): (&State, &State),
    level: Option<&Channel>,
    who: Option<(&str, &str)>,
    now: Ms,
) -> Result<bool, Fault> {
    let coverage = coverage::of_transfer(tx, key)?;
    let slice = slices::of(tx, key)?;
    let (mut to, days) = match &coverage {
        Some(coverage) => {
            let (to, days) = coverage.ask().uncovered(to, coverage.days, now);
            (to, Some(days))
        }
        None => (to.clone(), None),
    };
    // Neither money that came back nor a correction lets go on what a person stopped.
    if slice.is_none()
        && matches!(from, State::Held { .. } | State::Cancelled { .. })
        && matches!(to, State::Planned { .. })
        && let Some(cause) = slices::said_to_stop(tx, key)?
    {
        to = slices::stays(to, &cause, now);
    }
    if let Some(slice) = &slice {
        to = slices::only_a_person_tells(from, slice.in_turn(to, now), now);
    }
    if !write(tx, key, (from, &to), slice.as_ref(), now)? {
        return Ok(false);
    }
    match &slice {
        None => apply(tx, key, Some(from), &to)?,
        Some(_) => settled(tx, key, Some(from), &to)?,
    }
    let mut note = words::note(&to);
    if let (Some(coverage), Some(days)) = (&coverage, days) {
        note = coverage.apply(tx, key, from, &to, days, note, now)?;
    }
    if let Some(slice) = &slice {
        queue::changed(tx, key, slice, (from, &to), level, now)?;
    }
    let note = match who {
        Some((_, reason)) => format!("{note}; decided: {reason}"),
        // One more reading that told nothing new is no step.
        None if words::note(from) == note => return Ok(true),
        None => note,
    };
    add_step(tx, key, &to, &note, who.map(|(who, _)| who), now)?;
    Ok(true)
}

/// `false`: it does not stand at `from`.
fn write(
    tx: &mut Tx,
    key: &str,
    (from, to): (&State, &State),
    slice: Option<&Slice>,
    now: Ms,
) -> Result<bool, Fault> {
    let (due_at, wanted_at) = times(to, now);
    let live = slice.is_some_and(|slice| slice.live && slices::keeps_back(to));
    let done = tx.execute(
        "UPDATE transfers SET state = $1, attempt = $2, epoch = $3, open = $4, cause = $5, due_at = $6, \
         detail = $7, wanted_at = $12, live = $13 WHERE key = $8 AND state || '' = $9 AND attempt = $10 AND epoch = $11",
        args![
            to.word(),
            i64::from(to.attempt()),
            epoch_of(to),
            i64::from(to.open()),
            cause_of(to),
            due_at,
            storable::json(to)?,
            key,
            from.word(),
            i64::from(from.attempt()),
            epoch_of(from),
            wanted_at,
            i64::from(live)
        ],
    )?;
    Ok(done > 0)
}

/// The same of a claimed channel's transfer, where all of its payment's money came in and stayed, as far as anybody told, and
/// no other of the channel has an open outcome: one statement decides. `false`: then it is [`compare_and_set`]'s.
pub(in crate::ledger) fn step(
    tx: &mut Tx,
    claim: &Claim,
    key: &str,
    from: &State,
    to: &State,
    now: Ms,
) -> Result<bool, Fault> {
    let settled_at = match to {
        State::Settled { at, .. } if !matches!(from, State::Settled { .. }) => Some(*at),
        _ => None,
    };
    let done = tx.execute(
        STEP,
        args![
            to.word(),
            i64::from(to.attempt()),
            epoch_of(to),
            i64::from(to.open()),
            cause_of(to),
            to.due(),
            storable::json(to)?,
            key,
            from.word(),
            i64::from(from.attempt()),
            epoch_of(from),
            claim.account,
            claim.channel.as_str(),
            settled_at
        ],
    )?;
    if done == 0 {
        return Ok(false);
    }
    if payment_state(from) != payment_state(to) {
        tx.send(PAYMENT_STATE, args![payment_state(to), key])?;
    }
    if let Some(at) = settled_at {
        tx.send(SPENT, args![at.div_euclid(SLOT_MS), key])?;
    }
    let note = words::note(to);
    if words::note(from) != note {
        add_step(tx, key, to, &note, None, now)?;
    }
    Ok(true)
}

/// Along the key: what is `|| ''` keeps the indexes of the channel and the state out.
const STEP: &str = "UPDATE transfers SET state = $1, attempt = $2, epoch = $3, open = $4, \
     cause = $5, due_at = $6, detail = $7, settled_at = COALESCE($14, settled_at) \
     WHERE key = $8 AND state || '' = $9 AND attempt = $10 AND epoch = $11 AND account || '' = $12 AND channel || '' = $13 \
     AND sliced = 0 \
     AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.key = transfers.payment AND p.covered IS NOT NULL) \
     AND ($4 = 0 OR NOT EXISTS (SELECT 1 FROM transfers o WHERE o.account = $12 AND o.channel = $13 AND o.open = 1 \
     AND o.key <> $8))";

const PAYMENT_STATE: &str = "UPDATE payments SET state = $1 \
     WHERE key = (SELECT payment FROM transfers WHERE key = $2 AND n = 1)";

/// What a transfer's new state makes of its payment and of the days spent; `from` is `None` where it is new.
pub(in crate::ledger) fn apply(
    tx: &mut Tx,
    key: &str,
    from: Option<&State>,
    to: &State,
) -> Result<(), Fault> {
    if from.map(payment_state) != Some(payment_state(to)) {
        tx.send(PAYMENT_STATE, args![payment_state(to), key])?;
    }
    settled(tx, key, from, to)
}
