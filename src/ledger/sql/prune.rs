//! Room: bodies that nothing waits for may go; what they said stays.

use sqlx::{AssertSqlSafe, Row as _};

use super::{SqlLedger, fault::Fault};
use crate::{domain::Ms, ledger::view::Several};

/// An event that is held, or whose payment is, keeps its body: it will be read again. So does one of a replay that was
/// begun.
const PRUNABLE: &str = "FROM events e JOIN bodies b ON b.event = e.number \
     LEFT JOIN payments p ON p.key = e.payment WHERE e.received_at < $1 AND e.held_cause IS NULL \
     AND (p.key IS NULL OR p.state IN ('credited', 'cancelled', 'nothing')) \
     AND NOT EXISTS (SELECT 1 FROM plan_events pe JOIN plans pl ON pl.number = pe.plan \
         WHERE pe.event = e.number AND pl.state IN ('running', 'paused'))";

impl SqlLedger {
    pub(super) async fn prune_bodies_once(&self, before: Ms, limit: u32) -> Result<u64, Fault> {
        let mut tx = self.plain().await?;
        let done = sqlx::query(AssertSqlSafe(format!(
            "DELETE FROM bodies WHERE event IN (SELECT e.number {PRUNABLE} ORDER BY e.received_at LIMIT $2)"
        )))
        .bind(before)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn prunable_once(&self, before: Ms) -> Result<Several, Fault> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT COUNT(*) AS many, MIN(e.received_at) AS oldest {PRUNABLE}"
        )))
        .bind(before)
        .fetch_one(&self.read)
        .await?;
        Ok(Several {
            count: u64::try_from(row.try_get::<i64, _>("many")?).unwrap_or(0),
            days: 0,
            oldest_at: row.try_get("oldest")?,
        })
    }
}
