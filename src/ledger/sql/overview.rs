//! Counts and sums, each along an index or a table of sums: none of them grows with the ledger.

use sqlx::Row as _;

use super::{SqlLedger, fault::Fault, rows::SLOT_MS};
use crate::{domain::Ms, ledger::view};

/// One minute, in ms.
const MINUTE_MS: i64 = 60_000;

impl SqlLedger {
    /// What is settled was summed when it was; the rest is little, or it is what is wrong.
    pub(super) async fn counts_once(&self) -> Result<view::Counts, Fault> {
        let mut counts = view::Counts::default();
        let settled: i64 =
            sqlx::query("SELECT CAST(COALESCE(SUM(transfers), 0) AS BIGINT) AS many FROM spent")
                .fetch_one(&self.read)
                .await?
                .try_get("many")?;
        counts.credited = u64::try_from(settled).unwrap_or(0);
        let rows = sqlx::query(
            "SELECT state, COUNT(*) AS many, MIN(created_at) AS oldest FROM transfers \
             WHERE state IN ('planned', 'intended', 'doubtful', 'held') GROUP BY state",
        )
        .fetch_all(&self.read)
        .await?;
        for row in rows {
            let many = u64::try_from(row.try_get::<i64, _>("many")?).unwrap_or(0);
            let oldest: Option<i64> = row.try_get("oldest")?;
            let mut open = |field: &mut u64| {
                *field = field.saturating_add(many);
                counts.oldest_open_at = [counts.oldest_open_at, oldest].into_iter().flatten().min();
            };
            match row.try_get::<String, _>("state")?.as_str() {
                "planned" | "intended" => open(&mut counts.planned),
                "doubtful" => open(&mut counts.doubtful),
                _ => counts.held = counts.held.saturating_add(many),
            }
        }
        for statement in [
            "SELECT COUNT(*) AS many FROM events WHERE held_cause IS NOT NULL",
            "SELECT COUNT(*) AS many FROM payments WHERE decision = 'held'",
            "SELECT COUNT(*) AS many FROM payments WHERE gap IS NOT NULL",
            "SELECT COUNT(*) AS many FROM channels WHERE not_live_since IS NOT NULL",
        ] {
            let many: i64 = sqlx::query(statement).fetch_one(&self.read).await?.try_get("many")?;
            counts.held = counts.held.saturating_add(u64::try_from(many).unwrap_or(0));
        }
        Ok(counts)
    }

    pub(super) async fn spent_once(&self, since: Ms) -> Result<Vec<view::Spent>, Fault> {
        let rows = sqlx::query(
            "SELECT slot, CAST(SUM(days) AS BIGINT) AS days, CAST(SUM(transfers) AS BIGINT) AS transfers \
             FROM spent WHERE slot >= $1 GROUP BY slot ORDER BY slot",
        )
        .bind(since.div_euclid(SLOT_MS))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(view::Spent {
                    at: row.try_get::<i64, _>("slot")?.saturating_mul(SLOT_MS),
                    days: row.try_get("days")?,
                    transfers: row.try_get("transfers")?,
                })
            })
            .collect()
    }

    pub(super) async fn traffic_once(&self, since: Ms) -> Result<Vec<view::Traffic>, Fault> {
        let rows = sqlx::query(
            "SELECT received_at / 60000 AS minute, COUNT(*) AS many FROM deliveries WHERE received_at >= $1 \
             GROUP BY 1 ORDER BY 1",
        )
        .bind(since)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(view::Traffic {
                    at: row.try_get::<i64, _>("minute")?.saturating_mul(MINUTE_MS),
                    deliveries: row.try_get("many")?,
                })
            })
            .collect()
    }

    pub(super) async fn last_deliveries_once(
        &self,
        sources: &[String],
    ) -> Result<Vec<(String, Option<Ms>)>, Fault> {
        let mut last = Vec::with_capacity(sources.len());
        for source in sources {
            let row = sqlx::query(
                "SELECT d.received_at FROM events e JOIN deliveries d ON d.event = e.number \
                 WHERE e.source = $1 ORDER BY e.number DESC, d.number DESC LIMIT 1",
            )
            .bind(&**source)
            .fetch_optional(&self.read)
            .await?;
            last.push((source.clone(), row.map(|row| row.try_get("received_at")).transpose()?));
        }
        Ok(last)
    }
}
