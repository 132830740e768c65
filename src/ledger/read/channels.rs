//! Channels with what they have, what was sold for them, and what they were given.

use crate::ledger::{
    Ledger, LedgerError,
    db::{
        Fault, Row, Tx, args,
        fault::refused,
        filter::{Filter, Value},
        way::{Way, rarest},
    },
    query::{ChannelQuery, Page},
    view,
};

/// Of each: days in its transfers that are not settled, and in those that are.
const CHANNELS: &str = "SELECT account, channel, active_till, mode, \
     (SELECT COALESCE(CAST(SUM(t.days) AS BIGINT), 0) FROM transfers t WHERE t.account = channels.account \
        AND t.channel = channels.channel AND t.settled_at IS NULL AND t.state || '' <> 'cancelled') AS unsettled, \
     (SELECT COALESCE(CAST(SUM(CASE WHEN t.settled_at IS NULL THEN 0 ELSE t.days END) AS BIGINT), 0) FROM transfers t \
        WHERE t.account = channels.account AND t.channel = channels.channel) AS moved, \
     (SELECT COUNT(*) FROM movements m WHERE m.account = channels.account AND m.channel = channels.channel) \
        AS movements FROM channels{by}";

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
        let mut filter = Filter::default().row("(active_till, account, channel) >", after);
        if let Some(channel) = &wanted.channel {
            // By its key, of which the account is the first part.
            let accounts: Vec<Value> = self.accounts()?.into_iter().map(Value::Text).collect();
            if accounts.is_empty() {
                return Ok(Vec::new());
            }
            filter = filter.row("account IN", Some(accounts)).text("channel =", Some(channel));
        }
        let mode = Way::text("channels", "mode", "channels_by_mode", wanted.mode.as_deref());
        let ways: Vec<Way> = mode.map(|way| way.but("live", "mode <> 'live'")).into_iter().collect();
        let order = "ORDER BY active_till, account, channel";
        let rows = if wanted.channel.is_some() {
            filter.along(self, ways, None).rows(self, &CHANNELS.replace("{by}", ""), order, page.limit)?
        } else {
            let walked = rarest(self, &ways)?;
            let index = walked.map_or("channels_by_expiry", |walked| walked.index);
            filter.along(self, ways, walked).walk(self, CHANNELS, index, order, page.limit)?
        };
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
        days_bought: row.get::<i64>("moved")?.saturating_add(row.get("unsettled")?),
        days_moved: row.get("moved")?,
        movements: row.get("movements")?,
    })
}
