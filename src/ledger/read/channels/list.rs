//! Channels, soonest expiry first: those that days were planned for, and those that only the partner lists.
//!
//! Both tables are walked along their expiry, side by side. A channel that stands in both is told where its later
//! `activeTill` stands: days come onto a channel, so the later reading is the newer one; of two that are equal the
//! ledger's own counts. So a page costs what it shows, however many channels there are.

use std::collections::BTreeMap;

use super::table::{Place, Row, Table, ask, later};
use crate::ledger::{
    Ledger, LedgerError,
    db::{Fault, Tx, args, fault::refused},
    query::{ChannelQuery, Page},
    view,
};

/// Fewest rows that are read at once: some are told by the other table.
const AT_ONCE_MIN: u32 = 50;

impl Ledger {
    /// Channels that days were planned for or that the partner lists, soonest expiry first; a page goes on after
    /// `account/channel`.
    pub async fn channels(
        &self,
        wanted: &ChannelQuery,
        page: &Page,
    ) -> Result<Vec<view::ChannelRow>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.channels(&wanted, &page)).await
    }

    /// Partner accounts that days were planned on.
    pub async fn accounts(&self) -> Result<Vec<String>, LedgerError> {
        self.db.read(move |tx| tx.accounts()).await
    }
}

impl Tx {
    /// Soonest expiry first; a channel that was never read has none and comes last.
    pub(in crate::ledger) fn channels(
        &mut self,
        wanted: &ChannelQuery,
        page: &Page,
    ) -> Result<Vec<view::ChannelRow>, Fault> {
        let mut after = page.after.as_deref().map(|place| stands(self, place)).transpose()?;
        let accounts = match &wanted.channel {
            Some(_) => Some(self.all_accounts()?),
            None => None,
        };
        let at_once = page.limit.max(AT_ONCE_MIN);
        let mut found = BTreeMap::new();
        loop {
            let mut tables = Vec::new();
            for table in [Table::Planned, Table::Listed] {
                tables.push(ask(self, table, wanted, accounts.as_deref(), after.as_ref(), at_once)?);
            }
            // Both are read up to here.
            let until = tables
                .iter()
                .filter(|rows| rows.len() >= at_once as usize)
                .filter_map(|rows| rows.last().map(|row| row.place.clone()))
                .min();
            for Row { place, channel } in tables.into_iter().flatten() {
                if until.as_ref().is_none_or(|until| place <= *until) {
                    found.entry(place).or_insert(channel);
                }
            }
            match until {
                Some(until) if found.len() < page.limit as usize => after = Some(until),
                Some(_) | None => break,
            }
        }
        Ok(found.into_values().take(page.limit as usize).collect())
    }

    /// From one to the next along the key: few accounts have many channels.
    pub(in crate::ledger) fn accounts(&mut self) -> Result<Vec<String>, Fault> {
        let mut accounts: Vec<String> = Vec::new();
        loop {
            let row = self.optional(
                "SELECT account FROM channels WHERE account > $1 ORDER BY account, channel LIMIT 1",
                args![accounts.last().map_or("", String::as_str)],
            )?;
            match row {
                Some(row) => accounts.push(row.get("account")?),
                None => return Ok(accounts),
            }
        }
    }

    /// And those of which only the partner's list is known.
    fn all_accounts(&mut self) -> Result<Vec<String>, Fault> {
        let mut accounts = self.accounts()?;
        for row in self.all("SELECT account FROM listings", args![])? {
            accounts.push(row.get("account")?);
        }
        Ok(accounts)
    }
}

/// Where the channel that is named `account/channel` stands in the list.
fn stands(tx: &mut Tx, place: &str) -> Result<Place, Fault> {
    let (account, channel) = place.rsplit_once('/').unwrap_or(("", place));
    let row = tx.one(
        "SELECT (SELECT active_till FROM channels WHERE account = $1 AND channel = $2) AS planned, \
         (SELECT active_till FROM listed_channels WHERE account = $1 AND channel = $2) AS listed",
        args![account, channel],
    )?;
    let till = later(row.get("planned")?, row.get("listed")?)
        .ok_or_else(|| refused(format!("no channel {place} to go on after")))?;
    Ok(Place { till, account: account.to_owned(), channel: channel.to_owned() })
}
