//! The channels that the partner lists, as they were last read.
//!
//! A reading is written in portions, so that it keeps nobody waiting; until the last one is written the list counts as
//! it was read before. Pages are asked for one after the other while channels come and go, so that one may slip through:
//! a channel is forgotten once two readings in a row did not show it. A list that is empty, or much shorter than the one
//! before, is doubted: it is rather cut, or another account's, than that so many were deleted. Nothing is forgotten for it
//! until a person says that it is right.

use std::collections::BTreeSet;

use crate::{
    domain::{Ms, reply::ListedChannel},
    ledger::{
        Act, Ledger, LedgerError, Shorter, Synced,
        db::{Arg, Bind as _, Fault, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        storable,
        view::Action,
    },
};

/// Channels that one statement asks for or writes.
const AT_ONCE: usize = 100;

/// Of fewer channels, any number may be deleted at once but all.
const SHORTER_FROM: i64 = 10;

impl Ledger {
    /// Whether it is time that somebody reads the account's list.
    pub async fn listing_due(&self, account: &str, now: Ms, next_at: Ms) -> Result<bool, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.listing_due(&account, now, next_at)).await
    }

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

    /// A reading that began then was kept whole; `act`: of the person who asked for it.
    pub async fn end_listing(
        &self,
        account: &str,
        (begun_at, next_at): (Ms, Ms),
        shorter: Shorter,
        act: Option<&Act<'_>>,
    ) -> Result<Synced, LedgerError> {
        let (account, act) = (account.to_owned(), act.map(Act::kept));
        self.db
            .write(move |tx| {
                let act = act.as_ref().map(|act| act.lent());
                tx.end_listing(&account, (begun_at, next_at), shorter, act)
            })
            .await
    }
}

impl Tx {
    pub(in crate::ledger) fn listing_due(
        &mut self,
        account: &str,
        now: Ms,
        next_at: Ms,
    ) -> Result<bool, Fault> {
        // A time beyond the next one comes from another clock.
        let later = self.optional(
            "SELECT next_at FROM listings WHERE account = $1 AND next_at > $2 AND next_at <= $3",
            args![account, now, next_at],
        )?;
        Ok(later.is_none())
    }

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
        (begun_at, next_at): (Ms, Ms),
        shorter: Shorter,
        act: Option<Act<'_>>,
    ) -> Result<Synced, Fault> {
        let before = synced_at(self, account)?.unwrap_or(begun_at).min(begun_at);
        let listed = self.seen_since(account, begun_at)?;
        let listed_before = self.seen_since(account, before)?;
        let is_shorter = much_shorter(listed_before, listed);
        let believed = !is_shorter || shorter == Shorter::Believed;
        let mut gone = 0;
        if believed {
            let forgotten_before = if is_shorter { begun_at } else { before };
            gone = self.execute(
                "DELETE FROM listed_channels WHERE account = $1 AND seen_at < $2",
                args![account, forgotten_before],
            )?;
            self.send(
                "INSERT INTO listings (account, synced_at, next_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (account) DO UPDATE SET synced_at = excluded.synced_at, next_at = excluded.next_at",
                args![account, begun_at, next_at],
            )?;
        }
        let count = |many| u64::try_from(many).unwrap_or(0);
        let synced = Synced {
            listed: count(listed),
            listed_before: count(listed_before),
            believed,
            gone,
            at: begun_at,
        };
        if let Some(act) = act {
            let after = Some(format!(
                "{listed} channels, {gone} forgotten{}",
                if believed { "" } else { ", doubted" }
            ));
            let (action, key) = (Action::ChannelsSync, format!("account:{account}"));
            audit::add(self, Entry { action, key: &key, act, before: None, after }, begun_at)?;
        }
        self.commit();
        Ok(synced)
    }

    fn seen_since(&mut self, account: &str, at: Ms) -> Result<i64, Fault> {
        self.one(
            "SELECT COUNT(*) AS many FROM listed_channels WHERE account = $1 AND seen_at >= $2",
            args![account, at],
        )?
        .get("many")
    }
}

/// Whether a list of so many channels is rather cut than that the others were deleted. An account without a channel has
/// nothing to do with this program.
fn much_shorter(before: i64, listed: i64) -> bool {
    listed == 0 || (before >= SHORTER_FROM && listed < before / 2)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_empty_or_much_shorter_is_doubted() {
        for (before, listed, doubted) in [
            (0, 0, true),
            (0, 9, false),
            (1, 0, true),
            (9, 1, false),
            (9, 0, true),
            (10, 5, false),
            (10, 4, true),
            (1_000, 499, true),
            (1_000, 500, false),
            (10, 1_000, false),
        ] {
            assert_eq!(much_shorter(before, listed), doubted, "{before}, then {listed}");
        }
    }
}
