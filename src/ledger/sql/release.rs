//! When a channel is due: worked out from its transfers when it is given back, so that whatever happened
//! meanwhile is in it, and a channel can be late but never forgotten.

use super::rows;
use crate::{
    domain::Ms,
    ledger::{
        Claim,
        db::{Fault, Tx, args},
    },
};

/// The first channel that is due and in nobody's hands.
pub(super) const NEXT_FREE: &str = "SELECT due_at AS at FROM channels \
     WHERE account = $1 AND due_at IS NOT NULL AND lease_until = 0 ORDER BY due_at LIMIT 1";

/// The first one that comes free by a lease that ends.
const NEXT_LEASED: &str = "SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS at \
     FROM channels WHERE account = $1 AND lease_until > 0 AND due_at IS NOT NULL";

impl Tx {
    /// Read committed: the first statement locks the channel's row, so a transfer recorded before is seen
    /// by the second, and one recorded after makes the channel due by itself.
    pub(super) fn release(&mut self, claim: &Claim, not_before: Ms) -> Result<(), Fault> {
        let row = self.optional(
            "UPDATE channels SET lease_until = 0, lease_owner = '' \
             WHERE account = $1 AND channel = $2 AND epoch = $3 RETURNING detail",
            args![&*claim.account, claim.channel.as_str(), claim.epoch],
        )?;
        let Some(row) = row else { return Ok(()) };
        let channel = rows::channel(&row)?;
        let natural = due(self, claim, channel.switch_due())?;
        let natural = natural.map(|at| at.max(channel.quiet_until));
        let deferred = natural.is_some_and(|at| not_before > at);
        self.execute("UPDATE channels SET due_at = $1, deferred = $2 WHERE account = $3 AND channel = $4 AND epoch = $5", args![natural.map(|at| at.max(not_before)), i64::from(deferred), &*claim.account, claim.channel.as_str(), claim.epoch])?;
        self.commit();
        Ok(())
    }

    /// Two looks into indices; a channel whose lease runs counts from the lease's end.
    pub(super) fn next_due(&mut self, account: &str) -> Result<Option<Ms>, Fault> {
        let free = self.optional(NEXT_FREE, args![account])?;
        let free: Option<Ms> = free.map(|row| row.get("at")).transpose()?;
        let leased = self.one(NEXT_LEASED, args![account])?;
        let leased: Option<Ms> = leased.get("at")?;
        Ok([free, leased].into_iter().flatten().min())
    }
}

/// An open transfer is the only one that counts; a held one with an open outcome is never due.
fn due(tx: &mut Tx, claim: &Claim, live_due: Option<Ms>) -> Result<Option<Ms>, Fault> {
    let open = tx.optional(
        "SELECT due_at FROM transfers WHERE account = $1 AND channel = $2 AND open = 1",
        args![&*claim.account, claim.channel.as_str()],
    )?;
    let transfers: Option<Ms> = match open {
        Some(row) => row.get("due_at")?,
        None => tx
            .one(
                "SELECT MIN(due_at) AS due_at FROM transfers \
             WHERE account = $1 AND channel = $2 AND due_at IS NOT NULL",
                args![&*claim.account, claim.channel.as_str()],
            )?
            .get("due_at")?,
    };
    Ok([transfers, live_due].into_iter().flatten().min())
}
