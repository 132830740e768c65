//! What recording would do: the same code in a transaction that is never committed, so that a plan cannot say anything
//! else than what happens.

use sqlx::Row as _;

use super::{SqlLedger, Tx, fault::Fault, record::record, rows::narrow};
use crate::{
    domain::{DAY_MS, Ms},
    ledger::{Entry, Outcome, view::Planned},
};

impl SqlLedger {
    /// Read committed: what is never committed cannot break what others commit, and must not make them wait for it or
    /// be refused because of them.
    pub(super) async fn rehearse_once(&self, entries: &[Entry<'_>], now: Ms) -> Result<Vec<Planned>, Fault> {
        let mut tx = self.plain().await?;
        let mut planned = Vec::with_capacity(entries.len());
        for entry in entries {
            let recorded = record(&mut tx, entry, now).await?;
            let payment = recorded.payment.unwrap_or_else(|| entry.envelope.event_id.clone());
            let reason = recorded.reason.unwrap_or_default();
            let mut one = Planned {
                verdict: String::new(),
                reason,
                channel: None,
                days: None,
                active_till_before: None,
                active_till_after: None,
                payment,
            };
            let cause = known(&mut tx, &mut one).await?;
            let word = match recorded.outcome {
                // Money that came back, or a link, may be what sets its days going.
                _ if recorded.planned.is_some() => {
                    reach(&mut tx, entry.account, &mut one, now).await?;
                    "extend"
                }
                Outcome::Granted => {
                    reach(&mut tx, entry.account, &mut one, now).await?;
                    "extend"
                }
                Outcome::Held if contradicts(cause.as_deref()) => "conflict",
                Outcome::Held => "held",
                Outcome::Duplicate | Outcome::Refund | Outcome::Link | Outcome::Ignored => "skip",
            };
            one.verdict = word.into();
            if one.reason.is_empty() {
                one.reason = spoken(recorded.outcome).into();
            }
            planned.push(one);
        }
        tx.rollback().await?;
        Ok(planned)
    }
}

fn spoken(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Granted => "not granted yet",
        Outcome::Duplicate => "already planned",
        Outcome::Refund => "a refund is kept with its payment",
        Outcome::Link => "only joins ids; grants nothing by itself",
        Outcome::Ignored => "not needed",
        Outcome::Held => "waits for a person",
    }
}

fn contradicts(cause: Option<&str>) -> bool {
    cause.is_some_and(|cause| cause.ends_with("_contradictory") || cause == "contradiction")
}

/// Fills in channel and days of the payment; returns the cause of its hold, or of its event's.
async fn known(tx: &mut Tx, one: &mut Planned) -> Result<Option<String>, Fault> {
    let row = sqlx::query("SELECT channel, days - days_reduced AS days, cause FROM payments WHERE key = $1")
        .bind(&*one.payment)
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(row) = row {
        one.channel = row.try_get("channel")?;
        one.days = row.try_get::<Option<i64>, _>("days")?.map(narrow);
        return Ok(row.try_get("cause")?);
    }
    let row =
        sqlx::query("SELECT held_cause FROM events WHERE event_id = $1 AND held_cause IS NOT NULL LIMIT 1")
            .bind(&*one.payment)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.map(|row| row.try_get("held_cause")).transpose()?)
}

/// What the days would make of the channel's `activeTill`, as far as the ledger knows it.
async fn reach(tx: &mut Tx, account: &str, one: &mut Planned, now: Ms) -> Result<(), Fault> {
    let row = sqlx::query("SELECT active_till FROM channels WHERE account = $1 AND channel = $2")
        .bind(account)
        .bind(one.channel.as_deref())
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let Some(before) = Some(row.try_get::<i64, _>("active_till")?).filter(|at| *at < i64::MAX) else {
        return Ok(());
    };
    one.active_till_before = Some(before);
    let days = i64::from(one.days.unwrap_or(0)).saturating_mul(DAY_MS);
    one.active_till_after = Some(before.max(now).saturating_add(days));
    Ok(())
}
