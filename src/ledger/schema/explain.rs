//! The plans of the statements that were run: for the test that looks for scans.

use std::sync::{Mutex, PoisonError};

use crate::ledger::{
    Ledger, LedgerError,
    db::{Dialect, Fault, OwnedArg, Tx},
};

type Asked = Vec<(String, Vec<OwnedArg>)>;

impl Ledger {
    /// From now on every statement is kept for [`plans_of_logged`](Self::plans_of_logged).
    #[doc(hidden)]
    pub fn log_statements(&self) {
        let _ = self.db.place().log.set(Mutex::default()); // Err: they are kept already
    }

    /// Each statement since the last time, with its plan.
    #[doc(hidden)]
    pub async fn plans_of_logged(&self) -> Result<Vec<(String, String)>, LedgerError> {
        let logged = match self.db.place().log.get() {
            Some(log) => std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner)),
            None => return Ok(Vec::new()),
        };
        let (mut read, mut write): (Asked, Asked) = Default::default();
        for (statement, (args, writes)) in logged {
            if writes { &mut write } else { &mut read }.push((statement, args));
        }
        let mut plans = self.db.read(move |tx| tx.explain(&read)).await?;
        plans.extend(self.db.write(move |tx| tx.explain(&write)).await?);
        if let Some(log) = self.db.place().log.get() {
            log.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Ok(plans)
    }
}

impl Tx {
    fn explain(&mut self, asked: &Asked) -> Result<Vec<(String, String)>, Fault> {
        let (explain, column) = match self.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            Dialect::Postgres => ("EXPLAIN", "QUERY PLAN"),
        };
        let mut plans = Vec::new();
        for (statement, args) in asked {
            let args: Vec<_> = args.iter().map(OwnedArg::lent).collect();
            let rows = self.all(&format!("{explain} {statement}"), &args)?;
            let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.get(column)).collect();
            plans.push((statement.clone(), lines?.join("\n")));
        }
        Ok(plans)
    }
}
