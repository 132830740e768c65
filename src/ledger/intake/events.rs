//! The rows of an event, its body and its deliveries.

use super::seen::{Delivery, Event, Seen};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        facts::{Facts, Family, Meaning},
    },
    envelope,
    ledger::{
        DeliveryOutcome, Entry,
        db::{Fault, Tx, args, compression::pack},
        storable,
    },
};

/// What an event says, as it is stored.
#[derive(Default)]
pub(super) struct Says<'a> {
    pub(super) dead: bool,
    pub(super) facts: Option<&'a Facts>,
    pub(super) payment: Option<&'a str>,
    /// Cause and sentence.
    pub(super) held: Option<(HeldCause, &'a str)>,
}

/// Writes what the event says; its row and its body where there was none. Returns its number.
pub(super) fn keep(
    tx: &mut Tx,
    entry: &Entry<'_>,
    before: Option<&Event>,
    says: &Says<'_>,
    now: Ms,
) -> Result<i64, Fault> {
    let envelope = entry.envelope;
    let facts = says.facts.map(storable::json).transpose()?;
    let family = match says.facts.map(|facts| &facts.meaning) {
        Some(Meaning::MoneyIn(family)) if !says.dead => Some(family.as_str()),
        _ => None,
    };
    let (cause, reason) = says.held.unzip();
    let dead = i64::from(says.dead);
    if let Some(Event { number, .. }) = before {
        tx.send(
            "UPDATE events SET dead = $1, facts = $2, family = $3, payment = $4, held_cause = $5, held_reason = $6 \
             WHERE number = $7",
            args![dead, facts, family, says.payment, cause, reason, *number],
        )?;
        return Ok(*number);
    }
    let row = tx.one(
        "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, facts, \
         family, payment, held_cause, held_reason, asked) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING number",
        args![
            envelope.source,
            envelope.event_id,
            envelope::digest(&envelope.body),
            envelope.event_type,
            envelope.content_type,
            received_at(entry, now),
            now,
            dead,
            facts,
            family,
            says.payment,
            cause,
            reason,
            entry.asked
        ],
    )?;
    let number = row.get("number")?;
    tx.send(
        "INSERT INTO bodies (event, size, zlib) VALUES ($1, $2, $3)",
        args![number, i64::try_from(envelope.body.len()).unwrap_or(i64::MAX), pack(&envelope.body)?],
    )?;
    Ok(number)
}

/// A receiver whose clock was ahead: nothing is recorded before it came.
pub(super) fn received_at(entry: &Entry<'_>, now: Ms) -> Ms {
    entry.envelope.received_at_ms.min(now)
}

/// How a recording ended, for its delivery.
pub(super) struct Ending<'a> {
    pub(super) event: i64,
    pub(super) outcome: DeliveryOutcome,
    pub(super) reason: Option<&'a str>,
}

/// Writes how the delivery ended.
pub(super) fn end(
    tx: &mut Tx,
    entry: &Entry<'_>,
    before: Option<&Delivery>,
    ending: &Ending<'_>,
    now: Ms,
) -> Result<(), Fault> {
    let envelope = entry.envelope;
    if let Some(Delivery { number, .. }) = before {
        return tx.send(
            "UPDATE deliveries SET outcome = $1, reason = $2 WHERE number = $3",
            args![ending.outcome, ending.reason, *number],
        );
    }
    tx.send(
        "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            envelope.delivery,
            ending.event,
            envelope.trigger,
            envelope.traceparent,
            received_at(entry, now),
            now,
            ending.outcome,
            ending.reason
        ],
    )
}

/// Along the event's deliveries, however many others are held.
const HELD_BEFORE: &str = "UPDATE deliveries SET outcome = $1, reason = $2 \
     WHERE event = $3 AND outcome || '' = 'held' AND number <> $4";

/// What the ending makes of earlier deliveries of the event that were held.
pub(super) fn end_held_before(tx: &mut Tx, seen: &Seen, ending: &Ending<'_>) -> Result<(), Fault> {
    let Some(event) = &seen.event else { return Ok(()) };
    let (outcome, reason) = match ending.outcome {
        DeliveryOutcome::Granted => {
            (DeliveryOutcome::Duplicate, Some("granted by a later delivery of this event"))
        }
        other => (other, ending.reason),
    };
    let own = seen.delivery.as_ref().map_or(0, |delivery| delivery.number);
    tx.send(HELD_BEFORE, args![outcome, reason, event.number, own])
}

/// From the payment to its deliveries; `+ 0`: a minimum is not looked for from the first delivery of all.
const FIRST_GRANTS: &str = "UPDATE deliveries SET outcome = 'granted', reason = NULL \
     WHERE number = (SELECT MIN(d.number + 0) FROM events e CROSS JOIN deliveries d \
     WHERE e.payment = $1 AND e.family = $2 AND d.event = e.number)";

/// Along the payment's events, however many other deliveries are held.
const HELD_FOR_PAYMENT: &str = "UPDATE deliveries SET outcome = $1, reason = $2 \
     WHERE outcome || '' = 'held' AND number <> $3 \
     AND event IN (SELECT number FROM events WHERE payment = $4 AND held_cause IS NULL)";

/// The first delivery that told of the money is the one that granted.
pub(in crate::ledger) fn first_granted(tx: &mut Tx, payment: &str, family: &Family) -> Result<(), Fault> {
    tx.send(FIRST_GRANTS, args![payment, family.as_str()])
}

/// What became of a payment, told to the deliveries that were held for it. `own`: the one that is being recorded.
pub(in crate::ledger) fn update_held(
    tx: &mut Tx,
    payment: &str,
    outcome: DeliveryOutcome,
    reason: Option<&str>,
    own: Option<i64>,
) -> Result<(), Fault> {
    tx.send(HELD_FOR_PAYMENT, args![outcome, reason, own.unwrap_or(0), payment])
}
