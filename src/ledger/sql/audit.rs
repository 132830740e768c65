//! Who did what, when and why; the database itself refuses to change or delete a row.

use sqlx::Row as _;

use super::{SqlLedger, Tx, fault::Fault, filter::Filter, storable};
use crate::{
    domain::Ms,
    ledger::{Act, query::Page, view},
};

/// One act, with what it changed.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) action: &'a str,
    pub(super) key: &'a str,
    pub(super) act: Act<'a>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Keeps an act in the transaction that carries it out.
pub(super) async fn add(tx: &mut Tx, entry: Entry<'_>, now: Ms) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO audit (at, who, action, key, reason, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(now)
    .bind(entry.act.who)
    .bind(entry.action)
    .bind(entry.key)
    .bind(storable::text(entry.act.reason))
    .bind(entry.before)
    .bind(entry.after)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl SqlLedger {
    pub(super) async fn note_once(
        &self,
        action: &str,
        key: &str,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        let mut tx = self.plain().await?;
        add(&mut tx, Entry { action, key, act: *act, before: None, after: None }, now).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn audit_once(
        &self,
        key: Option<&str>,
        page: &Page,
    ) -> Result<Vec<view::Audited>, Fault> {
        let after = page.after.as_deref().and_then(|number| number.parse().ok());
        let rows = Filter::default()
            .text("key =", key)
            .number("number <", after)
            .rows(
                &self.read,
                "SELECT number, at, who, action, key, reason, before, after FROM audit",
                "ORDER BY number DESC",
                page.limit,
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(view::Audited {
                    number: row.try_get("number")?,
                    at: row.try_get("at")?,
                    who: row.try_get("who")?,
                    action: row.try_get("action")?,
                    key: row.try_get("key")?,
                    reason: row.try_get("reason")?,
                    before: row.try_get("before")?,
                    after: row.try_get("after")?,
                })
            })
            .collect()
    }
}
