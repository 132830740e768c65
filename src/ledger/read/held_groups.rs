//! What waits for a person, counted by kind and cause.

use super::held::OTHER_FAMILY_MS;
use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Row, Tx, args},
        decide::not_live,
        view::{self, HeldGroup, HeldKind},
    },
};

impl Ledger {
    /// The same, counted by kind and cause.
    pub async fn held_groups(&self, now: Ms) -> Result<Vec<view::HeldGroup>, LedgerError> {
        self.db.read(move |tx| tx.held_groups(now)).await
    }
}

impl Tx {
    /// Along the partial indices over what is held.
    pub(in crate::ledger) fn held_groups(&mut self, now: Ms) -> Result<Vec<HeldGroup>, Fault> {
        let mut groups = Vec::new();
        for (kind, statement) in [
            (
                HeldKind::Transfer,
                "SELECT cause, COUNT(*) AS many, CAST(SUM(days) AS BIGINT) AS days, MIN(created_at) AS oldest \
                 FROM transfers WHERE state = 'held' GROUP BY cause ORDER BY cause",
            ),
            (
                HeldKind::Payment,
                "SELECT cause, COUNT(*) AS many, CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days, \
                 MIN(since) AS oldest FROM payments WHERE decision = 'held' GROUP BY cause ORDER BY cause",
            ),
            (
                HeldKind::Payment,
                "SELECT gap AS cause, COUNT(*) AS many, CAST(SUM(days_spent + days_owed) AS BIGINT) AS days, \
                 MIN(gap_since) AS oldest FROM payments WHERE gap IS NOT NULL GROUP BY gap ORDER BY gap",
            ),
            (
                HeldKind::Event,
                "SELECT held_cause AS cause, COUNT(*) AS many, CAST(0 AS BIGINT) AS days, \
                 MIN(recorded_at) AS oldest FROM events WHERE held_cause IS NOT NULL \
                 GROUP BY held_cause ORDER BY held_cause",
            ),
            (HeldKind::Channel, not_live::GROUP),
        ] {
            for row in self.all(statement, args![])? {
                groups.push(group(kind, &row)?);
            }
        }
        let row = self.one("SELECT 'other_family' AS cause, COUNT(*) AS many, CAST(0 AS BIGINT) AS days, MIN(p.since) AS oldest \
             FROM payments p WHERE p.state <> 'credited' AND p.state = 'linked' AND p.since < $1 \
             AND EXISTS (SELECT 1 FROM events e WHERE e.payment = p.key AND e.family IS NOT NULL)", args![now.saturating_sub(OTHER_FAMILY_MS)])?;
        if row.get::<i64>("many")? > 0 {
            groups.push(group(HeldKind::Payment, &row)?);
        }
        groups.extend(self.held_waiting_groups(now)?);
        Ok(groups)
    }
}

fn group(kind: HeldKind, row: &Row) -> Result<HeldGroup, Fault> {
    let count = |column: &str| Ok::<_, Fault>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok(HeldGroup {
        kind,
        cause: row.get("cause")?,
        count: count("many")?,
        days: count("days")?,
        oldest: row.get("oldest")?,
    })
}
