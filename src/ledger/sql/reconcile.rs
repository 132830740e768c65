//! What reconcile reads, a page or a batch at a time: the number of statements grows with pages, not payments.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _, any::AnyRow};

use super::{
    SqlLedger,
    fault::{Fault, retry},
    list,
    rows::{self, narrow},
    storable, words,
};
use crate::{
    domain::{Ms, facts::Facts, money_out::paid_at_most},
    ledger::{
        LedgerError,
        books::{Booked, BookedTransfer, Books, Name, Walk},
        view::Movement,
    },
};

const PAYMENT: &str = "SELECT key, decision, reason, next, channel, days, days_reduced - CASE WHEN gap IS NULL THEN 0 ELSE days_owed END AS days_off, set_channel, set_days, amount, currency, first_seen_at FROM payments";

const TRANSFER: &str = "SELECT key, payment, n, channel, days, detail FROM transfers";

/// `$from, $from+1, …` for so many values: the databases share no way to bind a list.
fn marks(from: usize, many: usize) -> String {
    let marks: Vec<String> = (from..from.saturating_add(many)).map(|n| format!("${n}")).collect();
    marks.join(", ")
}

#[async_trait]
impl Books for SqlLedger {
    async fn named(&self, realm: &str, livemode: bool, ids: &[String]) -> Result<Vec<Name>, LedgerError> {
        retry!(self.named_once(realm, livemode, ids))
    }

    async fn keys(&self, keys: &[String]) -> Result<Vec<(String, String)>, LedgerError> {
        retry!(self.keys_once(keys))
    }

    async fn booked(&self, keys: &[String]) -> Result<Vec<Booked>, LedgerError> {
        retry!(self.booked_once(keys))
    }

    async fn booked_page(
        &self,
        walk: &Walk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<Booked>, LedgerError> {
        retry!(self.booked_page_once(walk, after.clone()))
    }

    async fn paid_at(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, LedgerError> {
        retry!(self.paid_at_once(keys))
    }

    async fn channels_page(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        retry!(self.channels_page_once(account, after, limit))
    }

    async fn movements_page(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Movement)>, LedgerError> {
        retry!(self.movements_page_once(account, since, until, after, limit))
    }

    async fn loose(&self, account: &str, channels: &[String]) -> Result<Vec<BookedTransfer>, LedgerError> {
        retry!(self.loose_once(account, channels))
    }
}

impl SqlLedger {
    pub(super) async fn named_once(
        &self,
        realm: &str,
        livemode: bool,
        ids: &[String],
    ) -> Result<Vec<Name>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!(
            "SELECT id, account, payment FROM aliases WHERE realm = $1 AND livemode = $2 AND id IN ({})",
            marks(3, ids.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(realm).bind(i64::from(livemode));
        for id in ids {
            query = query.bind(storable::text(id));
        }
        let rows = query.fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| {
                let account: String = row.try_get("account")?;
                Ok(Name {
                    id: row.try_get("id")?,
                    account: Some(account).filter(|account| !account.is_empty()),
                    payment: row.try_get("payment")?,
                })
            })
            .collect()
    }

    pub(super) async fn keys_once(&self, keys: &[String]) -> Result<Vec<(String, String)>, Fault> {
        let rows = self.among("SELECT key, merged_into FROM payments WHERE", "key", keys).await?;
        rows.iter()
            .map(|row| {
                let key: String = row.try_get("key")?;
                Ok((key.clone(), row.try_get::<Option<String>, _>("merged_into")?.unwrap_or(key)))
            })
            .collect()
    }

    pub(super) async fn booked_once(&self, keys: &[String]) -> Result<Vec<Booked>, Fault> {
        let rows = self.among(&format!("{PAYMENT} WHERE"), "key", keys).await?;
        self.with_transfers(&rows).await
    }

    pub(super) async fn booked_page_once(
        &self,
        walk: &Walk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<Booked>, Fault> {
        let (at, key) = after.unwrap_or((walk.since.saturating_sub(1), String::new()));
        let statement = format!(
            "{PAYMENT} WHERE (first_seen_at, key) > ($1, $2) AND first_seen_at >= $3 AND first_seen_at < $4 \
             AND realm = $5 AND livemode = $6 AND merged_into IS NULL ORDER BY first_seen_at, key LIMIT $7"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(at)
            .bind(key)
            .bind(walk.since)
            .bind(walk.until)
            .bind(walk.realm)
            .bind(i64::from(walk.livemode))
            .bind(i64::from(walk.limit))
            .fetch_all(&self.read)
            .await?;
        self.with_transfers(&rows).await
    }

    /// Events of a payment are few; the earliest money in them is when the provider says it was paid.
    pub(super) async fn paid_at_once(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, Fault> {
        let select = "SELECT payment, facts FROM events WHERE family IS NOT NULL AND facts IS NOT NULL AND";
        let rows = self.among(select, "payment", keys).await?;
        let mut paid: BTreeMap<String, Ms> = BTreeMap::new();
        for row in &rows {
            let facts: Facts = serde_json::from_str(&row.try_get::<String, _>("facts")?)?;
            let told = paid_at_most(&facts);
            let at = paid.entry(row.try_get("payment")?).or_insert(told);
            *at = told.min(*at);
        }
        Ok(paid.into_iter().collect())
    }

    pub(super) async fn channels_page_once(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, Fault> {
        let rows = sqlx::query(
            "SELECT channel, detail FROM channels WHERE account = $1 AND channel > $2 ORDER BY channel LIMIT $3",
        )
        .bind(account)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("channel")?, rows::channel(row)?.known))).collect()
    }

    pub(super) async fn movements_page_once(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Movement)>, Fault> {
        let rows = sqlx::query(
            "SELECT number, account, channel, at, low, high FROM movements WHERE account = $1 AND at >= $2 \
             AND at < $3 AND number > $4 ORDER BY number LIMIT $5",
        )
        .bind(account)
        .bind(since)
        .bind(until)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("number")?, list::movement(row)?))).collect()
    }

    /// A person's settlement is known from its text alone: the state's word is `settled` like any other's.
    pub(super) async fn loose_once(
        &self,
        account: &str,
        channels: &[String],
    ) -> Result<Vec<BookedTransfer>, Fault> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!(
            "{TRANSFER} WHERE account = $1 AND (state IN ('intended', 'doubtful', 'held') OR (state = 'settled' \
             AND (attempt > 1 OR detail LIKE '%\"by_operator\"%'))) AND channel IN ({}) ORDER BY key",
            marks(2, channels.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(account);
        for channel in channels {
            query = query.bind(&**channel);
        }
        query.fetch_all(&self.read).await?.iter().map(transfer).collect()
    }

    async fn with_transfers(&self, rows: &[AnyRow]) -> Result<Vec<Booked>, Fault> {
        let mut payments = rows.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<String> = payments.iter().map(|payment| payment.key.clone()).collect();
        let mut of: BTreeMap<String, Vec<BookedTransfer>> = BTreeMap::new();
        for row in &self.among(&format!("{TRANSFER} WHERE"), "payment", &keys).await? {
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
    async fn among(&self, select: &str, column: &str, values: &[String]) -> Result<Vec<AnyRow>, Fault> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!("{select} {column} IN ({})", marks(1, values.len()));
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for value in values {
            query = query.bind(&**value);
        }
        Ok(query.fetch_all(&self.read).await?)
    }
}

fn payment(row: &AnyRow) -> Result<Booked, Fault> {
    Ok(Booked {
        key: row.try_get("key")?,
        decision: row.try_get("decision")?,
        reason: row.try_get("reason")?,
        next: row.try_get("next")?,
        channel: row.try_get("channel")?,
        days: row.try_get::<Option<i64>, _>("days")?.map(narrow),
        days_off: u32::try_from(row.try_get::<i64, _>("days_off")?).unwrap_or(0),
        set_channel: row.try_get("set_channel")?,
        set_days: row.try_get::<Option<i64>, _>("set_days")?.map(narrow),
        amount: row.try_get("amount")?,
        currency: row.try_get("currency")?,
        first_seen_at: row.try_get("first_seen_at")?,
        transfers: Vec::new(),
    })
}

fn transfer(row: &AnyRow) -> Result<BookedTransfer, Fault> {
    let state = rows::state(row)?;
    let key: String = row.try_get("key")?;
    Ok(BookedTransfer {
        payment: row.try_get("payment")?,
        n: narrow(row.try_get("n")?),
        channel: row.try_get("channel")?,
        days: narrow(row.try_get("days")?),
        reason: words::reason(&state),
        next: words::next(&key, &state),
        state,
        key,
    })
}
