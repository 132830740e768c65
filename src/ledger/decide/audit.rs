//! Who did what, when and why; the database itself refuses to change or delete a row.

use crate::{
    domain::Ms,
    ledger::{
        Act, Ledger, LedgerError,
        db::{Fault, Tx, args, filter::Filter},
        query::Page,
        storable,
        view::{self, Action},
    },
};

/// One act, with what it changed.
#[derive(Debug)]
pub(in crate::ledger) struct Entry<'a> {
    pub(in crate::ledger) action: Action,
    pub(in crate::ledger) key: &'a str,
    pub(in crate::ledger) act: Act<'a>,
    pub(in crate::ledger) before: Option<String>,
    pub(in crate::ledger) after: Option<String>,
}

/// Keeps an act in the transaction that carries it out.
pub(in crate::ledger) fn add(tx: &mut Tx, entry: Entry<'_>, now: Ms) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO audit (at, who, action, key, reason, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            now,
            entry.act.who,
            entry.action,
            entry.key,
            storable::text(entry.act.reason),
            entry.before,
            entry.after
        ],
    )?;
    Ok(())
}

impl Ledger {
    /// What people did, newest first; a page goes on after a number.
    pub async fn audit(&self, key: Option<&str>, page: &Page) -> Result<Vec<view::Audited>, LedgerError> {
        let (key, page) = (key.map(str::to_owned), page.clone());
        self.db.read(move |tx| tx.audit(key.as_deref(), &page)).await
    }

    /// Keeps an act that changes nothing else here, such as a login.
    pub async fn note(&self, action: Action, key: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError> {
        let (key, act) = (key.to_owned(), act.kept());
        self.db.write(move |tx| tx.note(action, &key, &act.lent(), now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn note(
        &mut self,
        action: Action,
        key: &str,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        add(self, Entry { action, key, act: *act, before: None, after: None }, now)?;
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn audit(
        &mut self,
        key: Option<&str>,
        page: &Page,
    ) -> Result<Vec<view::Audited>, Fault> {
        let after = page.after.as_deref().and_then(|number| number.parse().ok());
        let rows = Filter::default().text("key =", key).number("number <", after).rows(
            self,
            "SELECT number, at, who, action, key, reason, before, after FROM audit",
            "ORDER BY number DESC",
            page.limit,
        )?;
        rows.iter()
            .map(|row| {
                Ok(view::Audited {
                    number: row.get("number")?,
                    at: row.get("at")?,
                    who: row.get("who")?,
                    action: row.get("action")?,
                    key: row.get("key")?,
                    reason: row.get("reason")?,
                    before: row.get("before")?,
                    after: row.get("after")?,
                })
            })
            .collect()
    }
}
