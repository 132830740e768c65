//! Which workers run. A lease ends between two channels, so it says nothing of a worker that waits; what must not happen
//! while one runs looks here.

use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Dialect, Fault, Tx, args},
        view::{self, WorkerSeen},
    },
    machine::process,
};

/// How long after its last word a worker may still run, in ms: six words that did not come.
pub const SILENT_MS_MAX: i64 = 30_000;

/// How far ahead of now a word is believed, in ms: the clock was set back after it. Later ones were written by a clock
/// that was wrong.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// Words older than this are of no use to anybody, in ms.
const KEPT_MS: i64 = 86_400_000;

/// Now, in ms, by the database's clock; `$1` where another is to be gone by.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "COALESCE($1, CAST(strftime('%s', 'now') AS BIGINT) * 1000)",
        Dialect::Postgres => "COALESCE($1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))",
    }
}

impl Ledger {
    /// A worker says that it runs, by a name that no other has.
    pub async fn beat(&self, worker: &str) -> Result<(), LedgerError> {
        let worker = worker.to_owned();
        self.db.write(move |tx| tx.beat(&worker)).await
    }

    /// It says that it has ended.
    pub async fn rest(&self, worker: &str) -> Result<(), LedgerError> {
        let worker = worker.to_owned();
        self.db.write(move |tx| tx.rest(&worker)).await
    }

    /// Workers that run, or may.
    pub async fn workers(&self) -> Result<Vec<view::WorkerSeen>, LedgerError> {
        self.db.read(move |tx| tx.workers()).await
    }
}

impl Tx {
    /// A worker says that it runs.
    pub(in crate::ledger) fn beat(&mut self, worker: &str) -> Result<(), Fault> {
        let (now, told) = (now(self.dialect()), self.place().time_told());
        self.execute(
            &format!(
                "INSERT INTO workers (worker, label, process, beat_at) VALUES ($2, $3, $4, {now}) \
             ON CONFLICT (worker) DO UPDATE SET beat_at = excluded.beat_at"
            ),
            args![told, worker, process::label(), process::here()],
        )?;
        self.execute(&format!("DELETE FROM workers WHERE beat_at < {now} - {KEPT_MS}"), args![told])?;
        self.commit();
        Ok(())
    }

    /// A worker says that it has ended.
    pub(in crate::ledger) fn rest(&mut self, worker: &str) -> Result<(), Fault> {
        self.execute("DELETE FROM workers WHERE worker = $1", args![worker])?;
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn workers(&mut self) -> Result<Vec<WorkerSeen>, Fault> {
        self.alive()
    }

    /// Workers that run, or may, the last heard first.
    pub(in crate::ledger) fn alive(&mut self) -> Result<Vec<WorkerSeen>, Fault> {
        let (now, told) = (now(self.dialect()), self.place().time_told());
        let rows = self.all(
            &format!(
                "SELECT label, process, {now} - beat_at AS silent FROM workers ORDER BY beat_at DESC, worker"
            ),
            args![told],
        )?;
        let mut alive = Vec::new();
        for row in &rows {
            let silent_ms: Ms = row.get("silent")?;
            let gone = process::gone(&row.get::<String>("process")?);
            if !gone && (-AHEAD_MS_MAX..SILENT_MS_MAX).contains(&silent_ms) {
                alive.push(WorkerSeen { worker: row.get("label")?, silent_ms: silent_ms.max(0) });
            }
        }
        Ok(alive)
    }
}
