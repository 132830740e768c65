//! What the directory says, as a list.

use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{
            Fault, Tx,
            filter::{Filter, Value},
        },
        query::{DirectoryQuery, Page},
        view,
    },
};

impl Ledger {
    /// In the order in which it was said; a page goes on after a number.
    pub async fn directory(
        &self,
        wanted: &DirectoryQuery,
        page: &Page,
    ) -> Result<Vec<view::DirectoryEntry>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.directory(&wanted, &page)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn directory(
        &mut self,
        wanted: &DirectoryQuery,
        page: &Page,
    ) -> Result<Vec<view::DirectoryEntry>, Fault> {
        let after: Option<Ms> = page.after.as_deref().and_then(|number| number.parse().ok());
        let ids: Vec<Value> = wanted.ids.iter().cloned().map(Value::Text).collect();
        let ids = Some(ids).filter(|ids| !ids.is_empty());
        let rows = Filter::default()
            .row("id IN", ids)
            .text("channel =", wanted.channel.as_deref())
            .word("kind =", wanted.kind)
            .text("realm =", wanted.realm.as_deref())
            .number("number >", after)
            .rows(
                self,
                "SELECT number, realm, account, kind, id, channel, who, reason, at FROM directory",
                "ORDER BY number",
                page.limit,
            )?;
        rows.iter()
            .map(|row| {
                Ok(view::DirectoryEntry {
                    number: row.get("number")?,
                    realm: row.get("realm")?,
                    account: row.get("account")?,
                    kind: row.get("kind")?,
                    id: row.get("id")?,
                    channel: row.get("channel")?,
                    who: row.get("who")?,
                    reason: row.get("reason")?,
                    at: row.get("at")?,
                })
            })
            .collect()
    }
}
