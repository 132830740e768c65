//! Filters of the console that a user gave a name; each user has their own.

use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args},
        view::{self, SavedView},
    },
};

/// Most filters one user keeps.
pub const VIEWS_MAX: i64 = 50;

impl Ledger {
    /// Filters that a user of the console gave a name, by name.
    pub async fn views(&self, owner: &str) -> Result<Vec<view::SavedView>, LedgerError> {
        let owner = owner.to_owned();
        self.db.read(move |tx| tx.views(&owner)).await
    }

    /// Keeps one, in place of another of the same name.
    pub async fn view_save(&self, owner: &str, view: &view::SavedView, now: Ms) -> Result<(), LedgerError> {
        let (owner, view) = (owner.to_owned(), view.clone());
        self.db.alone(move |tx| tx.view_save(&owner, &view, now)).await
    }

    /// Forgets one.
    pub async fn view_delete(&self, owner: &str, name: &str) -> Result<(), LedgerError> {
        let (owner, name) = (owner.to_owned(), name.to_owned());
        self.db.write(move |tx| tx.view_delete(&owner, &name)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn views(&mut self, owner: &str) -> Result<Vec<SavedView>, Fault> {
        let rows = self.all(
            "SELECT name, query FROM console_views WHERE owner = $1 ORDER BY name LIMIT $2",
            args![owner, VIEWS_MAX],
        )?;
        rows.iter().map(|row| Ok(SavedView { name: row.get("name")?, query: row.get("query")? })).collect()
    }

    pub(in crate::ledger) fn view_save(
        &mut self,
        owner: &str,
        view: &SavedView,
        now: Ms,
    ) -> Result<(), Fault> {
        let others = self.one(
            "SELECT COUNT(*) AS many FROM console_views WHERE owner = $1 AND name <> $2",
            args![owner, &*view.name],
        )?;
        if others.get::<i64>("many")? >= VIEWS_MAX {
            let full = format!("you keep {VIEWS_MAX} views, the most there can be; delete one first");
            return Err(LedgerError::Refused(full).into());
        }
        self.execute(
            "INSERT INTO console_views (owner, name, query, saved_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query, saved_at = excluded.saved_at",
            args![owner, &*view.name, &*view.query, now],
        )?;
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn view_delete(&mut self, owner: &str, name: &str) -> Result<(), Fault> {
        self.execute("DELETE FROM console_views WHERE owner = $1 AND name = $2", args![owner, name])?;
        self.commit();
        Ok(())
    }
}
