//! Where each source's backfill stands. Turns are taken by one row's compare-and-set; a worker whose turn was
//! taken over moves nothing any more.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};

use super::{SqlLedger, fault::Fault, storable};
use crate::{
    domain::Ms,
    ledger::{Sweep, SweepTurn},
};

impl SqlLedger {
    pub(super) async fn take_sweep_once(
        &self,
        source: &str,
        now: Ms,
        lease_until: Ms,
        believed_until: Ms,
    ) -> Result<SweepTurn, Fault> {
        let mut tx = self.plain().await?;
        sqlx::query(
            "INSERT INTO backfill (source, turn, next_at) VALUES ($1, 0, 0) ON CONFLICT (source) DO NOTHING",
        )
        .bind(source)
        .execute(&mut *tx)
        .await?;
        let taken = sqlx::query(
            "UPDATE backfill SET turn = turn + 1, next_at = $2 \
             WHERE source = $1 AND (next_at <= $3 OR next_at > $4) RETURNING turn, seen_until",
        )
        .bind(source)
        .bind(lease_until)
        .bind(now)
        .bind(believed_until)
        .fetch_optional(&mut *tx)
        .await?;
        let turn = match taken {
            Some(row) => SweepTurn::Ours(Sweep {
                source: source.to_owned(),
                turn: row.try_get("turn")?,
                seen_until: row.try_get("seen_until")?,
            }),
            None => {
                let row = sqlx::query("SELECT next_at FROM backfill WHERE source = $1")
                    .bind(source)
                    .fetch_one(&mut *tx)
                    .await?;
                SweepTurn::NotBefore(row.try_get("next_at")?)
            }
        };
        tx.commit().await?;
        Ok(turn)
    }

    pub(super) async fn save_sweep_once(&self, sweep: &Sweep, next_at: Ms) -> Result<bool, Fault> {
        let mut tx = self.plain().await?;
        let done =
            sqlx::query("UPDATE backfill SET seen_until = $1, next_at = $2 WHERE source = $3 AND turn = $4")
                .bind(sweep.seen_until)
                .bind(next_at)
                .bind(&*sweep.source)
                .bind(sweep.turn)
                .execute(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn recorded_once(
        &self,
        sources: &[String],
        events: &[String],
    ) -> Result<BTreeSet<String>, Fault> {
        if sources.is_empty() || events.is_empty() {
            return Ok(BTreeSet::new());
        }
        let marks = |from: usize, count: usize| {
            (from..from.saturating_add(count)).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
        };
        let text = format!(
            "SELECT DISTINCT event_id FROM events WHERE event_id IN ({}) AND source IN ({})",
            marks(1, events.len()),
            marks(events.len().saturating_add(1), sources.len()),
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for word in events.iter().chain(sources) {
            query = query.bind(storable::text(word));
        }
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(|row| Ok(row.try_get("event_id")?)).collect()
    }
}
