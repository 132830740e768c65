//! Counts and sums, each along an index or a table of sums: none of them grows with the ledger.

use crate::{
    domain::{Ms, closed::TransferState},
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args},
        settle::steps::SLOT_MS,
        view,
    },
};

/// One minute, in ms.
const MINUTE_MS: i64 = 60_000;

impl Ledger {
    /// Counts by state, for the overview and the demo.
    pub async fn counts(&self) -> Result<view::HeldCounts, LedgerError> {
        self.db.read(move |tx| tx.counts()).await
    }

    /// Days settled since a time, by spans of ten minutes, over all accounts.
    pub async fn spent(&self, since: Ms) -> Result<Vec<view::Spent>, LedgerError> {
        self.db.read(move |tx| tx.spent(since)).await
    }

    /// Deliveries received since a time, by minutes.
    pub async fn traffic(&self, since: Ms) -> Result<Vec<view::Traffic>, LedgerError> {
        self.db.read(move |tx| tx.traffic(since)).await
    }

    /// When each source last delivered.
    pub async fn last_deliveries(
        &self,
        sources: &[String],
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        let sources = sources.to_vec();
        self.db.read(move |tx| tx.last_deliveries(&sources)).await
    }
}

impl Tx {
    /// What is settled was summed when it was; the rest is little, or it is what is wrong.
    pub(in crate::ledger) fn counts(&mut self) -> Result<view::HeldCounts, Fault> {
        let mut counts = view::HeldCounts::default();
        let settled: i64 = self
            .one("SELECT CAST(COALESCE(SUM(transfers), 0) AS BIGINT) AS many FROM spent", args![])?
            .get("many")?;
        counts.credited = u64::try_from(settled).unwrap_or(0);
        let rows = self.all(
            // A slice that waits for its time is neither to be called nor late.
            "SELECT state, COUNT(*) AS many, MIN(CASE WHEN sliced = 1 THEN COALESCE(due_at, created_at) ELSE created_at END) \
             AS oldest FROM transfers WHERE state <> 'settled' AND state IN ('planned', 'intended', 'doubtful', 'held') \
             AND (state <> 'planned' OR due_at IS NOT NULL) GROUP BY state",
            args![],
        )?;
        for row in rows {
            let many = u64::try_from(row.get::<i64>("many")?).unwrap_or(0);
            let oldest: Option<i64> = row.get("oldest")?;
            let mut open = |field: &mut u64| {
                *field = field.saturating_add(many);
                counts.oldest_open_at = [counts.oldest_open_at, oldest].into_iter().flatten().min();
            };
            match row.get("state")? {
                TransferState::Planned | TransferState::Intended => open(&mut counts.planned),
                TransferState::Doubtful => open(&mut counts.doubtful),
                _ => counts.held = counts.held.saturating_add(many),
            }
        }
        for statement in [
            "SELECT COUNT(*) AS many FROM events WHERE held_cause IS NOT NULL",
            "SELECT COUNT(*) AS many FROM payments WHERE decision = 'held'",
            "SELECT COUNT(*) AS many FROM payments WHERE gap IS NOT NULL",
            "SELECT COUNT(*) AS many FROM channels WHERE not_live_since IS NOT NULL",
        ] {
            let many: i64 = self.one(statement, args![])?.get("many")?;
            counts.held = counts.held.saturating_add(u64::try_from(many).unwrap_or(0));
        }
        Ok(counts)
    }

    pub(in crate::ledger) fn spent(&mut self, since: Ms) -> Result<Vec<view::Spent>, Fault> {
        let rows = self.all(
            "SELECT slot, CAST(SUM(days) AS BIGINT) AS days, CAST(SUM(transfers) AS BIGINT) AS transfers \
             FROM spent WHERE slot >= $1 GROUP BY slot ORDER BY slot",
            args![since.div_euclid(SLOT_MS)],
        )?;
        rows.iter()
            .map(|row| {
                Ok(view::Spent {
                    at: row.get::<i64>("slot")?.saturating_mul(SLOT_MS),
                    days: row.get("days")?,
                    transfers: row.get("transfers")?,
                })
            })
            .collect()
    }

    /// From the newest back to what was recorded before that time: it was received before, too.
    pub(in crate::ledger) fn traffic(&mut self, since: Ms) -> Result<Vec<view::Traffic>, Fault> {
        let rows = self.all(
            "SELECT received_at / 60000 AS minute, COUNT(*) AS many FROM deliveries WHERE received_at >= $1 \
             AND number > COALESCE((SELECT number FROM deliveries WHERE recorded_at < $1 ORDER BY number DESC LIMIT 1), 0) \
             GROUP BY 1 ORDER BY 1",
            args![since],
        )?;
        rows.iter()
            .map(|row| {
                Ok(view::Traffic {
                    at: row.get::<i64>("minute")?.saturating_mul(MINUTE_MS),
                    deliveries: row.get("many")?,
                })
            })
            .collect()
    }

    pub(in crate::ledger) fn last_deliveries(
        &mut self,
        sources: &[String],
    ) -> Result<Vec<(String, Option<Ms>)>, Fault> {
        let mut last = Vec::with_capacity(sources.len());
        for source in sources {
            let row = self.optional(
                "SELECT d.received_at FROM events e JOIN deliveries d ON d.event = e.number \
                 WHERE e.source = $1 ORDER BY e.number DESC, d.number DESC LIMIT 1",
                args![&**source],
            )?;
            last.push((source.clone(), row.map(|row| row.get("received_at")).transpose()?));
        }
        Ok(last)
    }
}
