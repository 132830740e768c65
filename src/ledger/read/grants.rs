//! What persons granted, by month and reason.

use crate::domain::id::GRANT_REALM;
use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args},
        row::narrow,
        view,
    },
};

impl Ledger {
    /// Days granted by hand from `since` to before `until`, by reason; most days first.
    pub async fn grants(&self, since: Ms, until: Ms) -> Result<Vec<view::Granted>, LedgerError> {
        self.db.read(move |tx| tx.grants(since, until)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn grants(&mut self, since: Ms, until: Ms) -> Result<Vec<view::Granted>, Fault> {
        let rows = self.all(
            "SELECT a.reason, COUNT(*) AS many, CAST(SUM(p.days) AS BIGINT) AS days \
             FROM payments p JOIN audit a ON a.key = p.key AND a.action = 'grant' \
             WHERE p.source = $1 AND p.first_seen_at >= $2 AND p.first_seen_at < $3 \
             GROUP BY a.reason ORDER BY days DESC, a.reason",
            args![GRANT_REALM, since, until],
        )?;
        rows.iter()
            .map(|row| {
                Ok(view::Granted {
                    reason: row.get("reason")?,
                    grants: narrow(row.get("many")?),
                    days: row.get("days")?,
                })
            })
            .collect()
    }
}
