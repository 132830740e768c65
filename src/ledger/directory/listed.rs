//! The channels that the partner lists, as they were last read.
//!
//! A reading is written in portions, so that it keeps nobody waiting; until the last one is written the list counts as
//! it was read before. Pages are asked for one after the other while channels come and go, so that one may slip through:
//! a channel is forgotten once two readings in a row did not show it.

use std::collections::BTreeSet;

use crate::{
    domain::{Ms, reply::ListedChannel},
    ledger::{
        Ledger, LedgerError, Synced,
        db::{Arg, Bind as _, Fault, Tx, args, fault::refused},
        storable,
    },
};

/// Channels that one statement asks for or writes.
const AT_ONCE: usize = 100;

impl Ledger {
    /// Whether it is time that somebody reads the account's list; one caller wins, and the next one's time comes then.
    pub async fn take_listing(&self, account: &str, now: Ms, next_at: Ms) -> Result<bool, LedgerError> {
        let account = account.to_owned();
        self.db.write(move |tx| tx.take_listing(&account, now, next_at)).await
    }

    /// Keeps a portion of what the partner lists.
    pub async fn keep_listed(
        &self,
        account: &str,
        channels: Vec<ListedChannel>,
        now: Ms,
    ) -> Result<(), LedgerError> {
        let account = account.to_owned();
        self.db.write(move |tx| tx.keep_listed(&account, &channels, now)).await
    }

    /// A reading that began then was kept whole.
    pub async fn end_listing(&self, account: &str, begun_at: Ms, next_at: Ms) -> Result<Synced, LedgerError> {
        let account = account.to_owned();
        self.db.write(move |tx| tx.end_listing(&account, begun_at, next_at)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn take_listing(
        &mut self,
        account: &str,
        now: Ms,
        next_at: Ms,
    ) -> Result<bool, Fault> {
        self.execute(
            "INSERT INTO listings (account, next_at) VALUES ($1, 0) ON CONFLICT (account) DO NOTHING",
            args![account],
        )?;
        // A time beyond the next one comes from another clock.
        let taken = self.execute(
            "UPDATE listings SET next_at = $2 WHERE account = $1 AND (next_at <= $3 OR next_at > $2)",
            args![account, next_at, now],
        )?;
        self.commit();
        Ok(taken > 0)
    }

    pub(in crate::ledger) fn keep_listed(
        &mut self,
        account: &str,
        channels: &[ListedChannel],
        now: Ms,
    ) -> Result<(), Fault> {
        let text = |text: &Option<String>| text.as_deref().map(storable::text);
        for one in channels {
            let till = one.active_till.unwrap_or(i64::MAX);
            self.send(
                "INSERT INTO listed_channels (account, channel, name, phone, mode, active_till, seen_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, channel) DO UPDATE SET \
                 name = excluded.name, phone = excluded.phone, mode = excluded.mode, \
                 active_till = excluded.active_till, seen_at = excluded.seen_at",
                args![account, one.channel.as_str(), text(&one.name), text(&one.phone), one.mode, till, now],
            )?;
        }
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn end_listing(
        &mut self,
        account: &str,
        begun_at: Ms,
        next_at: Ms,
    ) -> Result<Synced, Fault> {
        let before = synced_at(self, account)?.unwrap_or(begun_at).min(begun_at);
        let gone = self.execute(
            "DELETE FROM listed_channels WHERE account = $1 AND seen_at < $2",
            args![account, before],
        )?;
        self.execute(
            "INSERT INTO listings (account, synced_at, next_at) VALUES ($1, $2, $3) \
             ON CONFLICT (account) DO UPDATE SET synced_at = excluded.synced_at, next_at = excluded.next_at",
            args![account, begun_at, next_at],
        )?;
        let listed: i64 = self
            .one(
                "SELECT COUNT(*) AS many FROM listed_channels WHERE account = $1 AND seen_at >= $2",
                args![account, begun_at],
            )?
            .get("many")?;
        self.commit();
        Ok(Synced { listed: u64::try_from(listed).unwrap_or(0), gone, at: begun_at })
    }
}

/// When the partner's list was last read whole; `None`: never.
pub(in crate::ledger) fn synced_at(tx: &mut Tx, account: &str) -> Result<Option<Ms>, Fault> {
    let row = tx.optional("SELECT synced_at FROM listings WHERE account = $1", args![account])?;
    row.map_or(Ok(None), |row| row.get("synced_at"))
}

/// Those of the channels that the partner does not list.
pub(super) fn unlisted(
    tx: &mut Tx,
    account: &str,
    mut channels: BTreeSet<String>,
) -> Result<BTreeSet<String>, Fault> {
    let all: Vec<String> = channels.iter().cloned().collect();
    for some in all.chunks(AT_ONCE) {
        let mut values: Vec<Arg<'_>> = vec![account.arg()];
        values.extend(some.iter().map(|channel| channel.arg()));
        let places: Vec<String> = (2..).take(some.len()).map(|place| format!("${place}")).collect();
        let text = format!(
            "SELECT channel FROM listed_channels WHERE account = $1 AND channel IN ({})",
            places.join(", ")
        );
        for row in tx.all(&text, &values)? {
            channels.remove(&row.get::<String>("channel")?);
        }
    }
    Ok(channels)
}

/// Refuses a channel that the partner does not list. Where it was never asked for its list, nobody can say.
pub(in crate::ledger) fn must_be_listed(tx: &mut Tx, account: &str, channel: &str) -> Result<(), Fault> {
    if synced_at(tx, account)?.is_none() {
        return Ok(());
    }
    if unlisted(tx, account, BTreeSet::from([channel.to_owned()]))?.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "the partner lists no channel {channel}: correct it, or read the list again with `daybridge channels sync`; --force takes it all the same. Nothing was changed"
    )))
}
