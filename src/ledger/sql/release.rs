//! When a channel is due: worked out from its transfers when it is given back, so that whatever happened
//! meanwhile is in it, and a channel can be late but never forgotten.

use sqlx::Row as _;

use super::{SqlLedger, Tx, fault::Fault, rows};
use crate::{domain::Ms, ledger::Claim};

/// The first channel that is due and in nobody's hands.
pub(super) const NEXT_FREE: &str = "SELECT due_at AS at FROM channels \
     WHERE account = $1 AND due_at IS NOT NULL AND lease_until = 0 ORDER BY due_at LIMIT 1";

/// The first one that comes free by a lease that ends.
const NEXT_LEASED: &str = "SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS at \
     FROM channels WHERE account = $1 AND lease_until > 0 AND due_at IS NOT NULL";

impl SqlLedger {
    /// Read committed: the first statement locks the channel's row, so a transfer recorded before is seen
    /// by the second, and one recorded after makes the channel due by itself.
    pub(super) async fn release_once(&self, claim: &Claim, not_before: Ms) -> Result<(), Fault> {
        let mut tx = self.plain().await?;
        let row = sqlx::query(
            "UPDATE channels SET lease_until = 0, lease_owner = '' \
             WHERE account = $1 AND channel = $2 AND epoch = $3 RETURNING detail",
        )
        .bind(&*claim.account)
        .bind(claim.channel.as_str())
        .bind(claim.epoch)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let channel = rows::channel(&row)?;
        let natural = due(&mut tx, claim, channel.switch_due()).await?;
        let natural = natural.map(|at| at.max(channel.quiet_until));
        let deferred = natural.is_some_and(|at| not_before > at);
        sqlx::query(
            "UPDATE channels SET due_at = $1, deferred = $2 WHERE account = $3 AND channel = $4 AND epoch = $5",
        )
        .bind(natural.map(|at| at.max(not_before)))
        .bind(i64::from(deferred))
        .bind(&*claim.account)
        .bind(claim.channel.as_str())
        .bind(claim.epoch)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Two looks into indices; a channel whose lease runs counts from the lease's end.
    pub(super) async fn next_due_once(&self, account: &str) -> Result<Option<Ms>, Fault> {
        let free = sqlx::query(NEXT_FREE).bind(account).fetch_optional(&self.read).await?;
        let free: Option<Ms> = free.map(|row| row.try_get("at")).transpose()?;
        let leased = sqlx::query(NEXT_LEASED).bind(account).fetch_one(&self.read).await?;
        let leased: Option<Ms> = leased.try_get("at")?;
        Ok([free, leased].into_iter().flatten().min())
    }
}

/// An open transfer is the only one that counts; a held one with an open outcome is never due.
async fn due(tx: &mut Tx, claim: &Claim, live_due: Option<Ms>) -> Result<Option<Ms>, Fault> {
    let open = sqlx::query("SELECT due_at FROM transfers WHERE account = $1 AND channel = $2 AND open = 1")
        .bind(&*claim.account)
        .bind(claim.channel.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    let transfers: Option<Ms> = match open {
        Some(row) => row.try_get("due_at")?,
        None => sqlx::query(
            "SELECT MIN(due_at) AS due_at FROM transfers \
             WHERE account = $1 AND channel = $2 AND due_at IS NOT NULL",
        )
        .bind(&*claim.account)
        .bind(claim.channel.as_str())
        .fetch_one(&mut **tx)
        .await?
        .try_get("due_at")?,
    };
    Ok([transfers, live_due].into_iter().flatten().min())
}
