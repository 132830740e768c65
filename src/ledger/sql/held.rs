//! Everything that waits for a person, each with its reason and its next step.

use sqlx::Row as _;

use super::{
    SqlLedger,
    account::{BALANCE, TOKEN},
    fault::Fault,
    list::{self, transfer_sql},
    rows::{self, narrow},
    words,
};
use crate::{
    domain::{Ms, settle::State},
    ledger::view::{self, Held},
};

/// How long a payment may wait for its family's event before a person is told, in ms.
const OTHER_FAMILY_MS: i64 = 3_600_000;

impl SqlLedger {
    /// The account first, since it keeps others back; then transfers, payments and events, oldest first, each
    /// kind up to the limit: many of one never hide the others.
    pub(super) async fn held_once(&self, limit: u32, now: Ms) -> Result<Vec<Held>, Fault> {
        let mut held = self.held_accounts(limit).await?;
        held.extend(self.held_transfers(limit).await?);
        held.extend(self.held_payments(limit, now).await?);
        held.extend(self.held_events(limit).await?);
        Ok(held)
    }

    async fn held_accounts(&self, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = sqlx::query("SELECT account, news, since FROM accounts ORDER BY account LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in rows {
            let account: String = row.try_get("account")?;
            let waiting = sqlx::query(
                "SELECT COUNT(*) AS many, CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days FROM transfers \
                 WHERE account = $1 AND (state = 'planned' OR (state = 'held' AND cause IN ($2, $3)))",
            )
            .bind(&*account)
            .bind(BALANCE)
            .bind(TOKEN)
            .fetch_one(&self.read)
            .await?;
            let (many, days): (i64, i64) = (waiting.try_get("many")?, waiting.try_get("days")?);
            let news: String = row.try_get("news")?;
            let balance = news == BALANCE;
            let (what, next) = if balance {
                (
                    "too few days on the account's balance",
                    "top up the balance; the worker tries one transfer from time to time and goes on when it passes",
                )
            } else {
                (
                    "the partner token was refused",
                    "set a valid token and restart the worker; it goes on when a read passes",
                )
            };
            held.push(Held {
                kind: "account",
                key: account,
                payment: None,
                cause: news,
                reason: format!("{what}: {many} transfers of {days} days in all wait"),
                outcome: None,
                next: next.into(),
                since: row.try_get("since")?,
                channel: None,
                days: Some(narrow(days)),
                history: Vec::new(),
            });
        }
        Ok(held)
    }

    async fn held_transfers(&self, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = sqlx::query(transfer_sql!("WHERE state = 'held' ORDER BY created_at, key LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in &rows {
            let view::Transfer { key, payment, channel, days, outcome, reason, next, created_at, .. } =
                list::transfer(row)?;
            let (cause, since) = match rows::state(row)? {
                State::Held { cause, at, .. } => (cause.word(), at),
                _ => ("", created_at),
            };
            let history = if outcome.as_deref() == Some("open") { vec![key.clone()] } else { Vec::new() };
            held.push(Held {
                kind: "transfer",
                key,
                payment: Some(payment),
                cause: cause.to_owned(),
                reason: reason.unwrap_or_default(),
                outcome,
                next: next.unwrap_or_default(),
                since,
                channel: Some(channel),
                days: Some(days),
                history,
            });
        }
        Ok(held)
    }

    async fn held_payments(&self, limit: u32, now: Ms) -> Result<Vec<Held>, Fault> {
        let rows = sqlx::query(
            "SELECT key, cause, reason, next, since, channel, days FROM payments WHERE decision = 'held' \
             ORDER BY since, key LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        let other = self.paid_in_another_family(limit, now).await?;
        let mut names = self.forgotten_names(limit).await?;
        rows.iter()
            .map(|row| {
                let key: String = row.try_get("key")?;
                let history = names.remove(&key).unwrap_or_default();
                let next: Option<String> = row.try_get("next")?;
                Ok(Held {
                    kind: "payment",
                    payment: Some(key.clone()),
                    key,
                    cause: row.try_get::<Option<String>, _>("cause")?.unwrap_or_default(),
                    reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
                    outcome: None,
                    next: words::forgotten_next(next.unwrap_or_default(), &history),
                    since: row.try_get("since")?,
                    channel: row.try_get("channel")?,
                    days: row.try_get::<Option<i64>, _>("days")?.map(rows::narrow),
                    history,
                })
            })
            .chain(other)
            .collect()
    }

    /// Payments whose money was told by another family than the one that grants, and by no other for a while:
    /// the endpoint does not send the events that `money_in` waits for.
    async fn paid_in_another_family(&self, limit: u32, now: Ms) -> Result<Vec<Result<Held, Fault>>, Fault> {
        let rows = sqlx::query(
            "SELECT p.key, p.since, MIN(e.family) AS family FROM payments p JOIN events e ON e.payment = p.key \
             WHERE p.decision = 'linked' AND p.since < $2 AND e.family IS NOT NULL \
             GROUP BY p.key, p.since ORDER BY p.since, p.key LIMIT $1",
        )
        .bind(i64::from(limit))
        .bind(now.saturating_sub(OTHER_FAMILY_MS))
        .fetch_all(&self.read)
        .await?;
        let one = |row: &sqlx::any::AnyRow| {
            let (key, family): (String, String) = (row.try_get("key")?, row.try_get("family")?);
            Ok(Held {
                kind: "payment",
                payment: Some(key.clone()),
                key,
                cause: "other_family".into(),
                reason: format!("money came in as {family}, but no event of the family that money_in names"),
                outcome: None,
                next: "send the events of money_in to the endpoint too and resend, or change money_in".into(),
                since: row.try_get("since")?,
                channel: None,
                days: None,
                history: Vec::new(),
            })
        };
        Ok(rows.iter().map(one).collect())
    }

    async fn held_events(&self, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = sqlx::query(
            "SELECT event_id, payment, held_cause, held_reason, recorded_at FROM events \
             WHERE held_cause IS NOT NULL ORDER BY number LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let key: String = row.try_get("event_id")?;
                let cause: String = row.try_get("held_cause")?;
                Ok(Held {
                    kind: "event",
                    payment: row.try_get("payment")?,
                    reason: row.try_get::<Option<String>, _>("held_reason")?.unwrap_or_default(),
                    outcome: None,
                    next: words::event_next(&cause, &key),
                    cause,
                    key,
                    since: row.try_get("recorded_at")?,
                    channel: None,
                    days: None,
                    history: Vec::new(),
                })
            })
            .collect()
    }
}
