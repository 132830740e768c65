//! Which workers run. A lease ends between two channels, so it says nothing of a worker that waits; what must not happen
//! while one runs looks here.

use sqlx::{AssertSqlSafe, Row as _};

use super::{Dialect, SqlLedger, fault::Fault};
use crate::{domain::Ms, ledger::view::WorkerSeen, process};

/// How long after its last word a worker may still run, in ms: six words that did not come.
pub const SILENT_MS_MAX: i64 = 30_000;

/// How far ahead of now a word is believed, in ms: the clock was set back after it. Later ones were written by a clock
/// that was wrong.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// Words older than this are of no use to anybody, in ms.
const KEPT_MS: i64 = 86_400_000;

/// Now, in ms, by the database's clock.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "(CAST(strftime('%s', 'now') AS BIGINT) * 1000)",
        Dialect::Postgres => "(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))",
    }
}

impl SqlLedger {
    /// A worker says that it runs.
    pub(super) async fn beat_once(&self, worker: &str) -> Result<(), Fault> {
        let now = now(self.dialect);
        let mut tx = self.plain().await?;
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO workers (worker, label, process, beat_at) VALUES ($1, $2, $3, {now}) \
             ON CONFLICT (worker) DO UPDATE SET beat_at = excluded.beat_at"
        )))
        .bind(worker)
        .bind(process::label())
        .bind(process::here())
        .execute(&mut *tx)
        .await?;
        sqlx::query(AssertSqlSafe(format!("DELETE FROM workers WHERE beat_at < {now} - {KEPT_MS}")))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A worker says that it has ended.
    pub(super) async fn rest_once(&self, worker: &str) -> Result<(), Fault> {
        sqlx::query("DELETE FROM workers WHERE worker = $1").bind(worker).execute(&self.write).await?;
        Ok(())
    }

    pub(super) async fn workers_once(&self) -> Result<Vec<WorkerSeen>, Fault> {
        self.alive(&self.read).await
    }

    /// Workers that run, or may, the last heard first.
    pub(super) async fn alive<'e>(
        &self,
        executor: impl sqlx::Executor<'e, Database = sqlx::Any>,
    ) -> Result<Vec<WorkerSeen>, Fault> {
        let now = now(self.dialect);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT label, process, {now} - beat_at AS silent FROM workers ORDER BY beat_at DESC, worker"
        )))
        .fetch_all(executor)
        .await?;
        let mut alive = Vec::new();
        for row in &rows {
            let silent_ms: Ms = row.try_get("silent")?;
            let gone = process::gone(&row.try_get::<String, _>("process")?);
            if !gone && (-AHEAD_MS_MAX..SILENT_MS_MAX).contains(&silent_ms) {
                alive.push(WorkerSeen { worker: row.try_get("label")?, silent_ms: silent_ms.max(0) });
            }
        }
        Ok(alive)
    }
}
