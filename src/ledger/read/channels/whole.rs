//! One channel with the payments whose days are owed on it.

use super::owed::OWED_AT_ONCE;
use crate::ledger::{
    Ledger, LedgerError,
    db::{Fault, Row, Tx, args},
    query::{ChannelQuery, Page},
    read::{list::transfer_sql, rows},
    row::narrow,
    view,
};

/// Most payments shown with a channel.
const ROWS_MAX: i64 = 1_000;

impl Ledger {
    /// A channel with what is owed on it, of this partner account; `None`: nobody knows it.
    pub async fn channel_whole(
        &self,
        account: &str,
        channel: &str,
    ) -> Result<Option<view::ChannelWhole>, LedgerError> {
        let (account, channel) = (account.to_owned(), channel.to_owned());
        self.db.read(move |tx| tx.channel_whole(&account, &channel)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn channel_whole(
        &mut self,
        account: &str,
        channel: &str,
    ) -> Result<Option<view::ChannelWhole>, Fault> {
        let wanted = ChannelQuery { channel: Some(channel.to_owned()), ..ChannelQuery::default() };
        let found = self.channels(&wanted, &Page::first(9))?;
        let Some(found) = found.into_iter().find(|found| found.account == account) else { return Ok(None) };
        let mut owed = self.all(
            "SELECT key, state, days, days_moved, days_left, sliced, COALESCE(stopped, stop) AS stopped FROM payments \
             WHERE partner = $1 AND channel = $2 AND days_left > 0 ORDER BY granted_at, key LIMIT $3",
            args![account, channel, ROWS_MAX],
        )?;
        owed.extend(self.all(OWED_AT_ONCE, args![account, channel, ROWS_MAX])?);
        let payments = owed.iter().map(owed_payment).collect::<Result<Vec<_>, _>>()?;
        let next = self.optional(
            transfer_sql!("", "WHERE account = $1 AND channel = $2 AND live = 1"),
            args![account, channel],
        )?;
        Ok(Some(view::ChannelWhole {
            channel: found,
            payments,
            next: next.as_ref().map(rows::transfer).transpose()?,
        }))
    }
}

fn owed_payment(row: &Row) -> Result<view::OwedPayment, Fault> {
    Ok(view::OwedPayment {
        key: row.get("key")?,
        state: row.get("state")?,
        days: row.get::<Option<i64>>("days")?.map_or(0, narrow),
        moved: narrow(row.get("days_moved")?),
        owed: narrow(row.get("days_left")?),
        sliced: row.get::<i64>("sliced")? != 0,
        stopped: row.get("stopped")?,
    })
}
