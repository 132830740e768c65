//! Stored events as they were received.

use super::show::body;
use crate::{
    domain::closed::HeldCause,
    envelope::Envelope,
    ledger::{
        Ledger, LedgerError,
        db::{Dialect, Fault, Tx, args, fault::refused},
    },
};

/// From what is held to its events, never from all events to what of them is held. In SQLite the order of a CROSS JOIN
/// stands; PostgreSQL without statistics would hash all events, but not where each payment's are limited.
fn held_sql(dialect: Dialect) -> String {
    let events_of = |payment: &str, held: &str| match dialect {
        Dialect::Sqlite => {
            format!("CROSS JOIN events e WHERE {held} AND e.payment = {payment} AND e.number > $1")
        }
        Dialect::Postgres => format!(
            "CROSS JOIN LATERAL (SELECT number, dead FROM events WHERE payment = {payment} AND number > $1 \
             ORDER BY number LIMIT $2) e WHERE {held}"
        ),
    };
    format!(
        "SELECT number, dead FROM events WHERE held_cause IS NOT NULL AND number > $1 \
         UNION SELECT e.number, e.dead FROM payments p {} \
         UNION SELECT e.number, e.dead FROM transfers t {} ORDER BY 1 LIMIT $2",
        events_of("p.key", "p.decision = 'held'"),
        events_of("t.payment", "t.state = 'held' AND t.cause IN ('refunded', 'disputed')")
    )
}

impl Ledger {
    /// Events that are held, or whose payment is, or its transfer for money that went out: to be read again after the
    /// settings changed; or only the events that are held for one cause. Pages by the event's number; at most `limit`.
    pub async fn held_envelopes(
        &self,
        cause: Option<HeldCause>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, LedgerError> {
        self.db.read(move |tx| tx.held_envelopes(cause, after, limit)).await
    }

    /// The stored bytes of events by their numbers, in the words they were received with.
    pub async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError> {
        let events = events.to_vec();
        self.db.read(move |tx| tx.envelopes(&events)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn held_envelopes(
        &mut self,
        cause: Option<HeldCause>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, Fault> {
        let all = held_sql(self.dialect());
        let of_cause =
            "SELECT number, dead FROM events WHERE number > $1 AND held_cause = $3 ORDER BY 1 LIMIT $2";
        let rows = match cause {
            None => self.all(&all, args![after, i64::from(limit)])?,
            Some(cause) => self.all(of_cause, args![after, i64::from(limit), cause])?,
        };
        let mut held = Vec::with_capacity(rows.len());
        for row in rows {
            let number: i64 = row.get("number")?;
            if let Some(envelope) = envelope(self, number)? {
                held.push((number, envelope, row.get::<i64>("dead")? != 0));
            }
        }
        Ok(held)
    }

    pub(in crate::ledger) fn envelopes(&mut self, events: &[i64]) -> Result<Vec<Envelope>, Fault> {
        let mut envelopes = Vec::with_capacity(events.len());
        for number in events {
            let found = envelope(self, *number)?;
            envelopes
                .push(found.ok_or_else(|| refused(format!("event number {number} has no body any more")))?);
        }
        Ok(envelopes)
    }
}

/// An event in the words of a delivery of it: the first that is held, else the first.
fn envelope(connection: &mut Tx, number: i64) -> Result<Option<Envelope>, Fault> {
    let row = connection.optional(
        "SELECT e.source, e.event_id, e.event_type, e.content_type, d.delivery, d.cause, d.traceparent, \
         d.received_at FROM events e JOIN deliveries d ON d.event = e.number WHERE e.number = $1 \
         ORDER BY CASE WHEN d.outcome = 'held' THEN 0 ELSE 1 END, d.number LIMIT 1",
        args![number],
    )?;
    let Some(row) = row else { return Ok(None) };
    let Some(body) = body(connection, number)? else { return Ok(None) };
    Ok(Some(Envelope {
        body: body.into(),
        content_type: row.get("content_type")?,
        source: row.get("source")?,
        event_id: row.get("event_id")?,
        event_type: row.get("event_type")?,
        received_at_ms: row.get("received_at")?,
        delivery: row.get("delivery")?,
        trigger: row.get("cause")?,
        traceparent: row.get("traceparent")?,
    }))
}
