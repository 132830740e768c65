//! When the ledger was made, and how far back it may grant.
//!
//! A ledger that is found empty may be the first one, or stand where another one was lost: a disk that is not mounted
//! makes the same empty file. So what was paid before it was made is never granted by itself.

use sqlx::Row as _;

use super::{
    Dialect, SqlLedger,
    audit::{self, Entry},
    fault::{Fault, refused},
};
use crate::{
    domain::{Ms, memory::GRACE_MS},
    ledger::{Act, Origin, view},
};

impl SqlLedger {
    /// Tells a new ledger the time at which it was made. Repeated where the one that made it was killed before.
    pub(super) async fn stamp(&self, now: Ms) -> Result<(), Fault> {
        let row = sqlx::query("SELECT made_at FROM origin").fetch_one(&self.write).await?;
        if row.try_get::<Option<Ms>, _>("made_at")? == Some(0) {
            sqlx::query("UPDATE origin SET made_at = $1 WHERE made_at = 0")
                .bind(now)
                .execute(&self.write)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn origin_once(&self) -> Result<Origin, Fault> {
        let row = sqlx::query(
            "SELECT made_at, adopted_since, CASE WHEN EXISTS (SELECT 1 FROM events) THEN 0 ELSE 1 END AS empty \
             FROM origin",
        )
        .fetch_one(&self.read)
        .await?;
        let (made_at, adopted) = (row.try_get::<Option<Ms>, _>("made_at")?, row.try_get("adopted_since")?);
        Ok(Origin {
            made_at,
            grants_since: grants_since(made_at, adopted),
            empty: row.try_get::<i64, _>("empty")? != 0,
            place: self.place.clone(),
            failover_unnoticed: self.dialect == Dialect::Postgres && self.server.is_none(),
        })
    }

    pub(super) async fn adopt_once(&self, since: Ms, act: &Act<'_>, now: Ms) -> Result<view::Adopted, Fault> {
        if since > now {
            return Err(refused(
                "--since lies in the future: name the time from which on this ledger may grant",
            ));
        }
        let mut tx = self.serial().await?;
        let row = sqlx::query("SELECT made_at, adopted_since FROM origin").fetch_one(&mut *tx).await?;
        let adopted: Option<Ms> = row.try_get("adopted_since")?;
        let Some(made_at) = row.try_get::<Option<Ms>, _>("made_at")? else {
            return Err(refused(
                "this ledger is older than the rule: nothing is held for having been paid before it was made, and there is nothing to adopt",
            ));
        };
        if since > made_at {
            return Err(refused(
                "--since lies after the ledger was made: what was paid since then is granted anyway; name an earlier time",
            ));
        }
        sqlx::query("UPDATE origin SET adopted_since = $1").bind(since).execute(&mut *tx).await?;
        // The first sweep begins there; what is recorded already is not told again.
        sqlx::query("UPDATE backfill SET seen_until = NULL, next_at = 0").execute(&mut *tx).await?;
        let entry = Entry {
            action: "ledger adopt",
            key: "ledger",
            act: *act,
            before: grants_since(Some(made_at), adopted).map(|at| format!("grants since {at}")),
            after: Some(format!("grants since {since}")),
        };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(view::Adopted { since, made_at })
    }
}

/// How far back the ledger may grant; `None`: it is older than the rule.
pub(super) fn grants_since(made_at: Option<Ms>, adopted: Option<Ms>) -> Option<Ms> {
    adopted.or_else(|| made_at.map(|at| at.saturating_sub(GRACE_MS)))
}
