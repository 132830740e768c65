//! A ledger that was restored from a backup does not know what happened since. It cannot find out either: the
//! comment of an extension is read by no API. So all that may have moved days meanwhile waits for a person with
//! Billing History.
//!
//! Transfers that the backup has unsettled are held here, once. Payments are held where they are weighed: what was
//! paid before the declaration and is not granted is never granted by itself, however late it is told of, because a
//! provider may have told of it, even long after it was paid, in the time that is forgotten.

use sqlx::Row as _;

use super::{
    SqlLedger,
    fault::{Fault, refused},
    rows,
};
use crate::{domain::Ms, ledger::view};

/// Added to every channel's epoch: a worker that was stopped in the forgotten time may hold a higher one than the
/// backup knows, and must not meet it again.
const EPOCH_STEP: i64 = 1_000_000;

impl SqlLedger {
    /// Serializable: a transfer that goes on meanwhile must not be missed.
    pub(super) async fn restored_once(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, Fault> {
        if since > now {
            return Err(refused("--since lies in the future: name the time of the backup"));
        }
        let mut tx = self.serial().await?;
        let leased: Option<Ms> =
            sqlx::query("SELECT MAX(lease_until) AS at FROM channels WHERE lease_until > $1")
                .bind(now)
                .fetch_one(&mut *tx)
                .await?
                .try_get("at")?;
        if let Some(until) = leased {
            return Err(refused(format!(
                "a worker holds channels for another {} s: stop every worker, wait so long, declare it again",
                until.saturating_sub(now).saturating_add(999) / 1000
            )));
        }
        sqlx::query("INSERT INTO restorations (since, declared_at, who) VALUES ($1, $2, $3)")
            .bind(since)
            .bind(now)
            .bind(who)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE channels SET epoch = epoch + $1").bind(EPOCH_STEP).execute(&mut *tx).await?;
        let found = sqlx::query(
            "SELECT key, detail FROM transfers WHERE state IN ('planned', 'intended', 'doubtful', 'held')",
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut held = 0_u64;
        for row in &found {
            let from = rows::state(row)?;
            let Some(to) = from.restored(now) else { continue };
            let key: String = row.try_get("key")?;
            rows::swap(&mut tx, &key, &from, &to, Some((who, "the ledger was restored")), now).await?;
            held = held.saturating_add(1);
        }
        tx.commit().await?;
        Ok(view::Restored { since, declared_at: now, held })
    }
}
