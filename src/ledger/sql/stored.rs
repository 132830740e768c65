//! Stored events as they were received.

use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{
    Dialect, SqlLedger,
    fault::{Fault, corrupt, refused},
    show::body,
};
use crate::envelope::{Envelope, Trigger};

/// From what is held to its events, never from all events to what of them is held. In SQLite the order of a CROSS JOIN
/// stands; PostgreSQL without statistics would hash all events, but not where each payment's are limited.
pub(super) fn held_sql(dialect: Dialect) -> String {
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

impl SqlLedger {
    pub(super) async fn held_envelopes_once(
        &self,
        cause: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, Fault> {
        let mut connection = self.read.acquire().await?;
        let all = held_sql(self.dialect);
        let query = match cause {
            None => sqlx::query(AssertSqlSafe(all)),
            Some(_) => sqlx::query(
                "SELECT number, dead FROM events WHERE number > $1 AND held_cause = $3 ORDER BY 1 LIMIT $2",
            ),
        };
        let mut query = query.bind(after).bind(i64::from(limit));
        if let Some(cause) = cause {
            query = query.bind(cause);
        }
        let rows = query.fetch_all(&mut *connection).await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in rows {
            let number: i64 = row.try_get("number")?;
            if let Some(envelope) = envelope(&mut connection, number).await? {
                held.push((number, envelope, row.try_get::<i64, _>("dead")? != 0));
            }
        }
        Ok(held)
    }

    pub(super) async fn envelopes_once(&self, events: &[i64]) -> Result<Vec<Envelope>, Fault> {
        let mut connection = self.read.acquire().await?;
        let mut envelopes = Vec::with_capacity(events.len());
        for number in events {
            let found = envelope(&mut connection, *number).await?;
            envelopes
                .push(found.ok_or_else(|| refused(format!("event number {number} has no body any more")))?);
        }
        Ok(envelopes)
    }
}

/// An event in the words of a delivery of it: the first that is held, else the first.
async fn envelope(connection: &mut AnyConnection, number: i64) -> Result<Option<Envelope>, Fault> {
    let row = sqlx::query(
        "SELECT e.source, e.event_id, e.event_type, e.content_type, d.delivery, d.cause, d.traceparent, \
         d.received_at FROM events e JOIN deliveries d ON d.event = e.number WHERE e.number = $1 \
         ORDER BY CASE WHEN d.outcome = 'held' THEN 0 ELSE 1 END, d.number LIMIT 1",
    )
    .bind(number)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(body) = body(connection, number).await? else { return Ok(None) };
    let word: String = row.try_get("cause")?;
    Ok(Some(Envelope {
        body: body.into(),
        content_type: row.try_get("content_type")?,
        source: row.try_get("source")?,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        received_at_ms: row.try_get("received_at")?,
        delivery: row.try_get("delivery")?,
        trigger: Trigger::parse(&word).ok_or_else(|| corrupt(format!("the trigger {word:?}")))?,
        traceparent: row.try_get("traceparent")?,
    }))
}
