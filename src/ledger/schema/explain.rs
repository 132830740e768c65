//! The plans of the statements that every payment runs, and a start: for the test that looks for scans.

use crate::ledger::{
    Ledger, LedgerError,
    db::{Dialect, Fault, Tx, args},
    intake::{self, events, stored::STORED},
    read::messages,
    settle::{account, claim, probe, schedule::NEXT_FREE, turn},
};

/// A time that no right clock is at.
const FAR: &str = "9999999999999";

impl Ledger {
    /// Each statement with its plan.
    #[doc(hidden)]
    pub async fn hot_plans(&self) -> Result<Vec<(String, String)>, LedgerError> {
        self.db.write(|tx| tx.hot_plans()).await
    }
}

impl Tx {
    pub(in crate::ledger) fn hot_plans(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let (explain, column) = match self.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            Dialect::Postgres => ("EXPLAIN", "QUERY PLAN"),
        };
        let waits = format!("SELECT t.key FROM transfers t WHERE {} LIMIT 1", account::WAITING);
        let mut plans = Vec::new();
        for (statement, values) in [
            (&*claim::claim_select(self.dialect()), &["'main'", "1", "10"][..]),
            (claim::DUE_TOO_FAR, &["'main'", "1", FAR]),
            (claim::LEASED_TOO_LONG, &["'main'", "1", FAR]),
            (NEXT_FREE, &["'main'"]),
            (
                &turn::turn_sql(None),
                &["'main'", "'CHAN-1'", "1", FAR, "1", "1", "1", "'account:main'", "'channel:main/CHAN-1'"],
            ),
            (intake::SAME_PURCHASE, &["'stripe/pi_1'", "'CHAN-1'", "900", "'usd'", "20"]),
            (STORED, &["'stripe/pi_1'"]),
            (events::HELD_BEFORE, &["'link'", "''", "1", "2"]),
            (events::FIRST_GRANTS, &["'stripe/pi_1'", "'charges'"]),
            (events::HELD_FOR_PAYMENT, &["'link'", "''", "1", "'stripe/pi_1'"]),
            (account::HELD_FOR, &["'main'", "'balance'", "30"]),
            (&waits, &["'main'", "30"]),
            (&probe::next_sql(false), &["'main'", "30", "1", "99"]),
            (&probe::next_sql(true), &["'main'", "30", "1", "99"]),
            (&messages::held_sql(self.dialect()), &["0", "100"]),
        ] {
            let filled = values.iter().enumerate().rev().fold(statement.to_owned(), |text, (at, value)| {
                text.replace(&format!("${}", at.saturating_add(1)), value)
            });
            let rows = self.all(&format!("{explain} {filled}"), args![])?;
            let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.get(column)).collect();
            plans.push((statement.to_owned(), lines?.join("\n")));
        }
        Ok(plans)
    }
}
