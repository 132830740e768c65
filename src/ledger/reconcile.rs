//! What reconcile reads, a page or a batch at a time: the number of statements grows with pages, not payments.

use std::collections::BTreeMap;

use super::{
    Ledger, LedgerError,
    books::{BookWalk, Booked, BookedName, BookedTransfer},
    db::{Bind, Dialect, Fault, Row, Tx, args},
    read::{rows, words},
    row::{self, narrow},
    storable,
    view::MovementRow,
};
use crate::domain::{Ms, facts::Facts, payment::reversal::paid_at_most};

const PAYMENT: &str = "SELECT key, decision, reason, next, channel, days, days_reduced - CASE WHEN gap IS NULL THEN 0 ELSE days_owed END AS days_off, CASE WHEN stopped IS NULL AND state IN ('planned', 'running') THEN days_left ELSE 0 END AS days_later, set_channel, set_days, amount, currency, first_seen_at FROM payments";

const TRANSFER: &str = "SELECT key, payment, n, channel, days, detail FROM transfers";

/// `$from, $from+1, …` for so many values: the databases share no way to bind a list.
fn marks(from: usize, many: usize) -> String {
    let marks: Vec<String> = (from..from.saturating_add(many)).map(|n| format!("${n}")).collect();
    marks.join(", ")
}

impl Ledger {
    /// The payments of a realm that these provider ids name; at most [`ASKED_MAX`] ids.
    pub async fn named(
        &self,
        realm: &str,
        livemode: bool,
        ids: &[String],
    ) -> Result<Vec<BookedName>, LedgerError> {
        let (realm, ids) = (realm.to_owned(), ids.to_vec());
        self.db.read(move |tx| tx.named(&realm, livemode, &ids)).await
    }

    /// Which of these payment keys there are, each with the key of the payment that it went into, or its own.
    pub async fn keys(&self, keys: &[String]) -> Result<Vec<(String, String)>, LedgerError> {
        let keys = keys.to_vec();
        self.db.read(move |tx| tx.keys(&keys)).await
    }

    /// These payments with their transfers; at most [`ASKED_MAX`].
    pub async fn booked(&self, keys: &[String]) -> Result<Vec<Booked>, LedgerError> {
        let keys = keys.to_vec();
        self.db.read(move |tx| tx.booked(&keys)).await
    }

    /// A page of a realm's payments by when they were first seen, from after (time, key) of the last one.
    pub async fn booked_page(
        &self,
        walk: &BookWalk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<Booked>, LedgerError> {
        let walk = walk.kept();
        self.db.read(move |tx| tx.booked_page(&walk.lent(), after.clone())).await
    }

    /// When the provider says these payments were paid; those without money in any event are left out.
    pub async fn paid_at(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, LedgerError> {
        let keys = keys.to_vec();
        self.db.read(move |tx| tx.paid_at(&keys)).await
    }

    /// A page of the account's channels by name, each with the `activeTill` that the ledger can explain.
    pub async fn channels_page(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        let (account, after) = (account.to_owned(), after.to_owned());
        self.db.read(move |tx| tx.channels_page(&account, &after, limit)).await
    }

    /// A page of the account's unexplained movements read from `since` to before `until`, by their numbers.
    pub async fn movements_page(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, MovementRow)>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.movements_page(&account, since, until, after, limit)).await
    }

    /// Transfers of these channels that may explain a movement: called and not settled, called more than once, settled
    /// by a person, or by what was observed.
    pub async fn loose(
        &self,
        account: &str,
        channels: &[String],
    ) -> Result<Vec<BookedTransfer>, LedgerError> {
        let (account, channels) = (account.to_owned(), channels.to_vec());
        self.db.read(move |tx| tx.loose(&account, &channels)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn named(
        &mut self,
        realm: &str,
        livemode: bool,
        ids: &[String],
    ) -> Result<Vec<BookedName>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!(
            "SELECT id, account, payment FROM aliases WHERE realm || '' = $1 AND livemode + 0 = $2 AND id IN ({})",
            marks(3, ids.len())
        );
        let livemode = i64::from(livemode);
        let ids: Vec<String> = ids.iter().map(|id| storable::text(id)).collect();
        let mut args = vec![realm.arg(), livemode.arg()];
        args.extend(ids.iter().map(Bind::arg));
        let rows = self.all(&statement, &args)?;
        rows.iter()
            .map(|row| {
                let account: String = row.get("account")?;
                Ok(BookedName {
                    id: row.get("id")?,
                    account: Some(account).filter(|account| !account.is_empty()),
                    payment: row.get("payment")?,
                })
            })
            .collect()
    }

    pub(in crate::ledger) fn keys(&mut self, keys: &[String]) -> Result<Vec<(String, String)>, Fault> {
        let rows = self.among("SELECT key, merged_into FROM payments WHERE", "key", keys)?;
        rows.iter()
            .map(|row| {
                let key: String = row.get("key")?;
                Ok((key.clone(), row.get::<Option<String>>("merged_into")?.unwrap_or(key)))
            })
            .collect()
    }

    pub(in crate::ledger) fn booked(&mut self, keys: &[String]) -> Result<Vec<Booked>, Fault> {
        let rows = self.among(&format!("{PAYMENT} WHERE"), "key", keys)?;
        self.with_transfers(&rows)
    }

    pub(in crate::ledger) fn booked_page(
        &mut self,
        walk: &BookWalk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<Booked>, Fault> {
        // The later of the two bounds, once: of several, SQLite walks from the first.
        let (at, key) = after.filter(|(at, _)| *at >= walk.since).unwrap_or((walk.since, String::new()));
        let along = if self.dialect() == Dialect::Sqlite { "INDEXED BY payments_by_time" } else { "" };
        let statement = format!(
            "{PAYMENT} {along} WHERE (first_seen_at, key) > ($1, $2) AND first_seen_at < $3 \
             AND realm || '' = $4 AND livemode = $5 AND merged_into IS NULL ORDER BY first_seen_at, key LIMIT $6"
        );
        let (livemode, limit) = (i64::from(walk.livemode), i64::from(walk.limit));
        let args = args![at, key, walk.until, walk.realm, livemode, limit];
        let rows = self.in_order(|tx| tx.all(&statement, args))?;
        self.with_transfers(&rows)
    }

    /// Events of a payment are few; the earliest money in them is when the provider says it was paid.
    pub(in crate::ledger) fn paid_at(&mut self, keys: &[String]) -> Result<Vec<(String, Ms)>, Fault> {
        let select = "SELECT payment, facts FROM events WHERE family IS NOT NULL AND facts IS NOT NULL AND";
        let rows = self.among(select, "payment", keys)?;
        let mut paid: BTreeMap<String, Ms> = BTreeMap::new();
        for row in &rows {
            let facts: Facts = serde_json::from_str(&row.get::<String>("facts")?)?;
            let told = paid_at_most(&facts);
            let at = paid.entry(row.get("payment")?).or_insert(told);
            *at = told.min(*at);
        }
        Ok(paid.into_iter().collect())
    }

    pub(in crate::ledger) fn channels_page(
        &mut self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, Fault> {
        let rows = self.all("SELECT channel, detail FROM channels WHERE account = $1 AND channel > $2 ORDER BY channel LIMIT $3", args![account, after, i64::from(limit)])?;
        rows.iter().map(|row| Ok((row.get("channel")?, row::channel(row)?.known))).collect()
    }

    pub(in crate::ledger) fn movements_page(
        &mut self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, MovementRow)>, Fault> {
        let rows = self.all(
            "SELECT number, account, channel, at, low, high FROM movements WHERE account = $1 AND at >= $2 \
             AND at < $3 AND number > $4 ORDER BY number LIMIT $5",
            args![account, since, until, after, i64::from(limit)],
        )?;
        rows.iter().map(|row| Ok((row.get("number")?, rows::movement(row)?))).collect()
    }

    /// A settlement by a person, or by what was observed, is known from its text alone: the state's word is `settled` like any other's.
    pub(in crate::ledger) fn loose(
        &mut self,
        account: &str,
        channels: &[String],
    ) -> Result<Vec<BookedTransfer>, Fault> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        // Along the channels, also where each has nearly all: statistics tell SQLite of the commonest only. `|| ''` keeps
        // the index by state out, and nothing asks for that by key.
        let along = if self.dialect() == Dialect::Sqlite { "INDEXED BY transfers_of_channel" } else { "" };
        let statement = format!(
            "{TRANSFER} {along} WHERE account = $1 AND (state || '' IN ('intended', 'doubtful', 'held') OR (state || '' = 'settled' \
             AND (attempt > 1 OR detail LIKE '%\"by_operator\"%' OR detail LIKE '%\"observed\"%'))) AND channel IN ({})",
            marks(2, channels.len())
        );
        let mut args = vec![account.arg()];
        args.extend(channels.iter().map(Bind::arg));
        let mut found = self.all(&statement, &args)?.iter().map(transfer).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn with_transfers(&mut self, rows: &[Row]) -> Result<Vec<Booked>, Fault> {
        let mut payments = rows.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<String> = payments.iter().map(|payment| payment.key.clone()).collect();
        let mut of: BTreeMap<String, Vec<BookedTransfer>> = BTreeMap::new();
        for row in &self.among(&format!("{TRANSFER} WHERE"), "payment", &keys)? {
            let transfer = transfer(row)?;
            of.entry(transfer.payment.clone()).or_default().push(transfer);
        }
        for payment in &mut payments {
            payment.transfers = of.remove(&payment.key).unwrap_or_default();
            payment.transfers.sort_by_key(|transfer| transfer.n);
        }
        Ok(payments)
    }

    /// Rows of a statement, up to its last condition, whose column is one of these.
    fn among(&mut self, select: &str, column: &str, values: &[String]) -> Result<Vec<Row>, Fault> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!("{select} {column} IN ({})", marks(1, values.len()));
        self.all(&statement, &values.iter().map(Bind::arg).collect::<Vec<_>>())
    }
}

fn payment(row: &Row) -> Result<Booked, Fault> {
    Ok(Booked {
        key: row.get("key")?,
        decision: row.get("decision")?,
        reason: row.get("reason")?,
        next: row.get("next")?,
        channel: row.get("channel")?,
        days: row.get::<Option<i64>>("days")?.map(narrow),
        days_off: u32::try_from(row.get::<i64>("days_off")?).unwrap_or(0),
        days_later: narrow(row.get("days_later")?),
        set_channel: row.get("set_channel")?,
        set_days: row.get::<Option<i64>>("set_days")?.map(narrow),
        amount: row.get("amount")?,
        currency: row.get("currency")?,
        first_seen_at: row.get("first_seen_at")?,
        transfers: Vec::new(),
    })
}

fn transfer(row: &Row) -> Result<BookedTransfer, Fault> {
    let state = row::state(row)?;
    let key: String = row.get("key")?;
    Ok(BookedTransfer {
        payment: row.get("payment")?,
        n: narrow(row.get("n")?),
        channel: row.get("channel")?,
        days: narrow(row.get("days")?),
        reason: words::reason(&state),
        next: words::next(&key, &state),
        state,
        key,
    })
}
