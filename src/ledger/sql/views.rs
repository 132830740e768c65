//! Filters of the console that a user gave a name; each user has their own.

use sqlx::Row as _;

use super::{SqlLedger, fault::Fault};
use crate::{
    domain::Ms,
    ledger::{LedgerError, view::SavedView},
};

/// Most filters one user keeps.
pub const VIEWS_MAX: i64 = 50;

impl SqlLedger {
    pub(super) async fn views_once(&self, owner: &str) -> Result<Vec<SavedView>, Fault> {
        let rows =
            sqlx::query("SELECT name, query FROM console_views WHERE owner = $1 ORDER BY name LIMIT $2")
                .bind(owner)
                .bind(VIEWS_MAX)
                .fetch_all(&self.read)
                .await?;
        rows.iter()
            .map(|row| Ok(SavedView { name: row.try_get("name")?, query: row.try_get("query")? }))
            .collect()
    }

    pub(super) async fn view_save_once(&self, owner: &str, view: &SavedView, now: Ms) -> Result<(), Fault> {
        let mut tx = self.serial().await?;
        let others =
            sqlx::query("SELECT COUNT(*) AS many FROM console_views WHERE owner = $1 AND name <> $2")
                .bind(owner)
                .bind(&*view.name)
                .fetch_one(&mut *tx)
                .await?;
        if others.try_get::<i64, _>("many")? >= VIEWS_MAX {
            let full = format!("you keep {VIEWS_MAX} views, the most there can be; delete one first");
            return Err(LedgerError::Refused(full).into());
        }
        sqlx::query(
            "INSERT INTO console_views (owner, name, query, saved_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query, saved_at = excluded.saved_at",
        )
        .bind(owner)
        .bind(&*view.name)
        .bind(&*view.query)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn view_delete_once(&self, owner: &str, name: &str) -> Result<(), Fault> {
        let mut tx = self.plain().await?;
        sqlx::query("DELETE FROM console_views WHERE owner = $1 AND name = $2")
            .bind(owner)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
