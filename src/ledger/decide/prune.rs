//! Room: bodies that nothing waits for may go; what they said stays.

use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args},
        view::{self, Several},
    },
};

/// An event that is held, or whose payment is, keeps its body: it will be read again. So does one of a replay that was
/// begun.
const PRUNABLE: &str = "FROM events e JOIN bodies b ON b.event = e.number \
     LEFT JOIN payments p ON p.key = e.payment WHERE e.received_at < $1 AND e.held_cause IS NULL \
     AND (p.key IS NULL OR p.state IN ('credited', 'cancelled', 'nothing')) \
     AND NOT EXISTS (SELECT 1 FROM plan_events pe JOIN plans pl ON pl.number = pe.plan \
         WHERE pe.event = e.number AND pl.state IN ('running', 'paused'))";

impl Ledger {
    /// Drops the bodies of events received before `before` whose payment is settled, cancelled or nothing; at most
    /// `limit`. What is dropped cannot be replayed; its digest stays. E-mails and phones that no event told since go, too.
    pub async fn prune_bodies(&self, before: Ms, limit: u32) -> Result<u64, LedgerError> {
        self.db.write(move |tx| tx.prune_bodies(before, limit)).await
    }

    /// What that would drop in all.
    pub async fn prunable(&self, before: Ms) -> Result<view::Several, LedgerError> {
        self.db.read(move |tx| tx.prunable(before)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn prune_bodies(&mut self, before: Ms, limit: u32) -> Result<u64, Fault> {
        // How customers are reached stood in those bodies.
        self.send("DELETE FROM contacts WHERE told_at < $1", args![before])?;
        let done = self.execute(&format!(
            "DELETE FROM bodies WHERE event IN (SELECT e.number {PRUNABLE} ORDER BY e.received_at LIMIT $2)"
        ), args![before, i64::from(limit)])?;
        self.commit();
        Ok(done)
    }

    pub(in crate::ledger) fn prunable(&mut self, before: Ms) -> Result<Several, Fault> {
        let row = self.one(
            &format!("SELECT COUNT(*) AS many, MIN(e.received_at) AS oldest {PRUNABLE}"),
            args![before],
        )?;
        Ok(Several {
            count: u64::try_from(row.get::<i64>("many")?).unwrap_or(0),
            days: 0,
            oldest_at: row.get("oldest")?,
        })
    }
}
