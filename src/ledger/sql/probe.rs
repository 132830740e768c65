//! Which transfer tries whether an account's hold is over: of those that wait and can be called now, the one that
//! expires soonest, then the smallest. One whose channel is paused, can't be read, or waits behind an open outcome is
//! passed over, so that it never stands for the others.

use sqlx::{AssertSqlSafe, Row as _};

use super::{
    SqlLedger, Tx,
    account::{self, WAITING, again, end, hold, least},
    fault::Fault,
    rows,
};
use crate::{
    domain::{Ms, settle::State},
    ledger::{AccountHold, PROBE_AHEAD_MS_MAX},
};

/// A transfer `t` that waits for its account `$1`, has `$2` days or more, and can be called at `$3`.
fn callable() -> String {
    format!(
        "SELECT t.key, t.channel, t.detail FROM transfers t CROSS JOIN channels c WHERE {WAITING} \
         AND c.account = t.account AND c.channel = t.channel AND (t.state = 'held' OR t.due_at <= $3) \
         AND NOT EXISTS (SELECT 1 FROM transfers o WHERE o.account = t.account AND o.channel = t.channel AND o.open = 1) \
         AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.ended_at IS NULL \
         AND p.scope IN ('all', 'account:' || t.account, 'channel:' || t.account || '/' || t.channel))"
    )
}

/// The next probe of a round that is at its first, or its second.
pub(super) fn next_sql(second: bool) -> String {
    let order = if second { "t.days, c.active_till" } else { "c.active_till" };
    format!("{} AND t.days < $4 ORDER BY {order}, t.created_at, t.key LIMIT 1", callable())
}

struct Found {
    key: String,
    channel: String,
    state: State,
}

impl SqlLedger {
    /// Serializable, and the first statement is a compare-and-set on `probe_at`: one caller wins. A probe that was
    /// named and can be called stays the probe; where nothing waits, there is nothing to hold.
    pub(super) async fn take_probe_once(
        &self,
        account: &str,
        now: Ms,
        next_probe_at: Ms,
    ) -> Result<bool, Fault> {
        match self.account_hold_once(account).await? {
            Some(hold) if hold.probe_due(now) => {}
            Some(_) | None => return Ok(false),
        }
        let mut tx = self.serial().await?;
        let taken = sqlx::query(
            "UPDATE accounts SET probe_at = $1 WHERE account = $2 AND (probe_at <= $3 OR probe_at > $4)",
        )
        .bind(next_probe_at)
        .bind(account)
        .bind(now)
        .bind(now.saturating_add(PROBE_AHEAD_MS_MAX))
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        let Some(hold) = hold(&mut *tx, account).await? else { return Ok(false) };
        let found = match &hold.probe {
            Some(key) => named(&mut tx, account, key, now).await?,
            None => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => next(&mut tx, account, &hold, now).await?,
        };
        let probed = found.is_some();
        match found {
            Some(found) => begin(&mut tx, account, &found, now).await?,
            None if account::waits(&mut tx, account, least(&hold)).await? => {
                wait(&mut tx, account, &hold, now, next_probe_at).await?;
            }
            None => end(&mut tx, account, now).await?,
        }
        tx.commit().await?;
        Ok(probed)
    }

    /// A compare-and-set on the probe.
    pub(super) async fn pass_probe_once(&self, account: &str, transfer: &str, now: Ms) -> Result<(), Fault> {
        let hold = self.account_hold_once(account).await?;
        if hold.is_none_or(|hold| hold.probe.as_deref() != Some(transfer)) {
            return Ok(());
        }
        let mut tx = self.plain().await?;
        sqlx::query("UPDATE accounts SET probe = NULL, probe_at = $1 WHERE account = $2 AND probe = $3")
            .bind(now)
            .bind(account)
            .bind(transfer)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn named(tx: &mut Tx, account: &str, key: &str, now: Ms) -> Result<Option<Found>, Fault> {
    let row = sqlx::query(AssertSqlSafe(format!("{} AND t.key = $4", callable())))
        .bind(account)
        .bind(0_i64)
        .bind(now)
        .bind(key)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(found).transpose()
}

/// The soonest to expire of those that wait; after that one was refused, the smallest below it.
async fn next(tx: &mut Tx, account: &str, hold: &AccountHold, now: Ms) -> Result<Option<Found>, Fault> {
    let first = hold.ceiling.and_then(|ceiling| ceiling.refused_first);
    let row = sqlx::query(AssertSqlSafe(next_sql(first.is_some())))
        .bind(account)
        .bind(i64::from(least(hold)))
        .bind(now)
        .bind(first.map_or(i64::MAX, i64::from))
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(found).transpose()
}

fn found(row: &sqlx::any::AnyRow) -> Result<Found, Fault> {
    Ok(Found { key: row.try_get("key")?, channel: row.try_get("channel")?, state: rows::state(row)? })
}

async fn begin(tx: &mut Tx, account: &str, found: &Found, now: Ms) -> Result<(), Fault> {
    if matches!(found.state, State::Held { .. }) {
        again(tx, &found.key, &found.state, now).await?;
    }
    sqlx::query("UPDATE accounts SET probe = $1 WHERE account = $2")
        .bind(&*found.key)
        .bind(account)
        .execute(&mut **tx)
        .await?;
    rows::make_due(tx, account, &found.channel, now).await
}

/// Something waits, and nothing of it can be called now: the round is over, and the next one begins at its time, or as
/// soon as the first of them is due again.
async fn wait(
    tx: &mut Tx,
    account: &str,
    hold: &AccountHold,
    now: Ms,
    next_probe_at: Ms,
) -> Result<(), Fault> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT MIN(t.due_at) AS due FROM transfers t WHERE {WAITING} AND t.due_at > $3"
    )))
    .bind(account)
    .bind(i64::from(least(hold)))
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    let due: Option<Ms> = row.try_get("due")?;
    let second = hold.ceiling.is_some_and(|ceiling| ceiling.refused_first.is_some());
    let at = due.filter(|_| !second).map_or(next_probe_at, |due| due.min(next_probe_at));
    sqlx::query("UPDATE accounts SET probe = NULL, refused_first = NULL, probe_at = $1 WHERE account = $2")
        .bind(at)
        .bind(account)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
