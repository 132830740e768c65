//! Channels with what they have, what was sold for them, and what they were given.

use crate::ledger::{
    Ledger, LedgerError,
    db::{
        Fault, Row, Tx, args,
        fault::refused,
        filter::{Filter, Value},
    },
    query::{ChannelQuery, Page},
    view,
};

/// Of each: days in all its transfers, and those that are on it.
const CHANNELS: &str = "SELECT account, channel, active_till, mode, \
     (SELECT COALESCE(CAST(SUM(t.days) AS BIGINT), 0) FROM transfers t \
        WHERE t.channel = channels.channel AND t.account = channels.account AND t.state <> 'cancelled') AS bought, \
     (SELECT COALESCE(CAST(SUM(t.days) AS BIGINT), 0) FROM transfers t \
        WHERE t.account = channels.account AND t.channel = channels.channel AND t.settled_at IS NOT NULL) AS moved, \
     (SELECT COUNT(*) FROM movements m WHERE m.account = channels.account AND m.channel = channels.channel) \
        AS movements FROM channels";

impl Ledger {
    /// Channels that days were planned for, soonest expiry first; a page goes on after `account/channel`.
    pub async fn channels(
        &self,
        wanted: &ChannelQuery,
        page: &Page,
    ) -> Result<Vec<view::Channel>, LedgerError> {
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
    ) -> Result<Vec<view::Channel>, Fault> {
        let after = match page.after.as_deref() {
            Some(place) => {
                let (account, channel) = place.rsplit_once('/').unwrap_or(("", place));
                let row = self
                    .optional(
                        "SELECT active_till AS at FROM channels WHERE account = $1 AND channel = $2",
                        args![account, channel],
                    )?
                    .ok_or_else(|| refused(format!("no channel {place} to go on after")))?;
                Some(vec![
                    Value::Number(row.get("at")?),
                    Value::Text(account.to_owned()),
                    Value::Text(channel.to_owned()),
                ])
            }
            None => None,
        };
        let rows = Filter::default()
            .text("channel =", wanted.channel.as_deref())
            .text("mode =", wanted.mode.as_deref())
            .row("(active_till, account, channel) >", after)
            .rows(self, CHANNELS, "ORDER BY active_till, account, channel", page.limit)?;
        rows.iter().map(channel).collect()
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
}

fn channel(row: &Row) -> Result<view::Channel, Fault> {
    Ok(view::Channel {
        account: row.get("account")?,
        channel: row.get("channel")?,
        active_till: Some(row.get("active_till")?).filter(|at| *at < i64::MAX),
        mode: row.get("mode")?,
        days_bought: row.get("bought")?,
        days_moved: row.get("moved")?,
        movements: row.get("movements")?,
    })
}
