//! The account's hold: what a refusal for the balance, or of the token, keeps back until a probe goes through.
//!
//! A refused token rests all calls. A refusal for the balance keeps back what is as large as what was refused or
//! larger, by the rule of [`Ceiling`]. The row of the hold is written before the transfer that it keeps back, and
//! touched again by the transaction that holds that one: of a worker whose call went through and one whose call was
//! refused, the first can't end a hold of which the second is about to leave something behind.

use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{
    SqlLedger, Tx,
    fault::{Fault, corrupt},
    pause, rows,
};
use crate::{
    domain::{
        Ms,
        balance::Ceiling,
        closed::HeldCause,
        settle::{AccountNews, State, planned_again},
    },
    ledger::{AccountHold, Scope},
};

/// The causes of transfers that an account's hold keeps back.
pub(super) const BALANCE: &str = HeldCause::Balance.as_str();
/// See [`BALANCE`].
pub(super) const TOKEN: &str = HeldCause::Unauthorized.as_str();

fn hold_of(row: &sqlx::any::AnyRow) -> Result<AccountHold, Fault> {
    let word: String = row.try_get("news")?;
    let news = match word.as_str() {
        BALANCE => AccountNews::NoBalance,
        TOKEN => AccountNews::NoToken,
        other => return Err(corrupt(format!("the account's hold {other:?}"))),
    };
    let refused_first = row.try_get::<Option<i64>, _>("refused_first")?.map(rows::narrow);
    let days = row.try_get::<Option<i64>, _>("ceiling")?.map(rows::narrow);
    Ok(AccountHold {
        news,
        since: row.try_get("since")?,
        probe_at: row.try_get("probe_at")?,
        probe: row.try_get("probe")?,
        ceiling: days.map(|days| Ceiling { days, refused_first }),
    })
}

/// The hold of an account, if there is one.
pub(super) async fn hold<'e>(
    executor: impl sqlx::Executor<'e, Database = sqlx::Any>,
    account: &str,
) -> Result<Option<AccountHold>, Fault> {
    let row = sqlx::query(
        "SELECT news, since, probe_at, probe, ceiling, refused_first FROM accounts WHERE account = $1",
    )
    .bind(account)
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(hold_of).transpose()
}

impl SqlLedger {
    pub(super) async fn account_hold_once(&self, account: &str) -> Result<Option<AccountHold>, Fault> {
        hold(&self.read, account).await
    }

    /// Serializable: what the news does depends on the hold it finds. Good news for an account without a
    /// hold, which is nearly all news, is a read.
    pub(super) async fn account_news_once(
        &self,
        account: &str,
        news: AccountNews,
        transfer: &str,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), Fault> {
        match (self.account_hold_once(account).await?, news) {
            (None, AccountNews::Reads | AccountNews::Extends) => return Ok(()),
            (Some(hold), AccountNews::Reads) if hold.news == AccountNews::NoBalance => return Ok(()),
            _ => {}
        }
        let mut tx = self.serial().await?;
        let hold = hold(&mut *tx, account).await?;
        let told = Told { account, transfer, now, probe_at };
        match (news, hold) {
            (AccountNews::NoBalance, hold) => told.no_balance(&mut tx, hold).await?,
            (AccountNews::NoToken, hold) => told.no_token(&mut tx, hold).await?,
            (AccountNews::Reads, Some(hold)) => told.reads(&mut tx, hold).await?,
            (AccountNews::Extends, Some(hold)) => told.extends(&mut tx, hold).await?,
            (AccountNews::Reads | AccountNews::Extends, None) => return Ok(()),
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What a step of a transfer says about the account.
struct Told<'a> {
    account: &'a str,
    transfer: &'a str,
    now: Ms,
    probe_at: Ms,
}

impl Told<'_> {
    async fn no_balance(&self, tx: &mut Tx, hold: Option<AccountHold>) -> Result<(), Fault> {
        let token = hold.as_ref().is_some_and(|hold| hold.news == AccountNews::NoToken);
        if token {
            // Told of the balance, the partner took the token.
            plan_again(tx, self.account, TOKEN, None, self.now).await?;
        }
        let before = hold.as_ref().and_then(|hold| hold.ceiling);
        let probe = hold.as_ref().is_some_and(|hold| hold.probe.as_deref() == Some(self.transfer));
        let ceiling = Ceiling::refused(before, self.days(tx).await?, probe);
        let goes_on = !probe && !token;
        let next = match &hold {
            Some(hold) if goes_on && (hold.probe.is_some() || ceiling.refused_first.is_some()) => {
                hold.clone()
            }
            _ => AccountHold {
                news: AccountNews::NoBalance,
                since: self.now,
                probe_at: if probe && ceiling.refused_first.is_some() { self.now } else { self.probe_at },
                probe: None,
                ceiling: None,
            },
        };
        write(tx, self.account, &AccountHold { ceiling: Some(ceiling), ..next }).await?;
        if ceiling.days > 1 && before.is_none_or(|before| before.days > ceiling.days) {
            // What goes on goes by its expiry from now on, for there may not be enough for all.
            pause::release(tx, &Scope::Account(self.account.to_owned()), self.now).await?;
        }
        Ok(())
    }

    async fn no_token(&self, tx: &mut Tx, hold: Option<AccountHold>) -> Result<(), Fault> {
        let ceiling = hold.and_then(|hold| hold.ceiling);
        let next = AccountHold {
            news: AccountNews::NoToken,
            since: self.now,
            probe_at: self.probe_at,
            probe: None,
            ceiling: ceiling.map(|ceiling| Ceiling { refused_first: None, ..ceiling }),
        };
        write(tx, self.account, &next).await
    }

    /// Only a token hold ends by a read. One for the balance that it lay over goes on.
    async fn reads(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        if hold.news != AccountNews::NoToken {
            return Ok(());
        }
        plan_again(tx, self.account, TOKEN, None, self.now).await?;
        self.goes_on(tx, hold).await
    }

    async fn extends(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        let days = self.days(tx).await?;
        let left = hold.ceiling.and_then(|ceiling| ceiling.moved(days));
        if hold.news == AccountNews::NoToken {
            plan_again(tx, self.account, TOKEN, None, self.now).await?;
        } else if left == hold.ceiling && left.is_some() {
            return Ok(());
        }
        plan_again(tx, self.account, BALANCE, left.map(|ceiling| ceiling.days), self.now).await?;
        self.goes_on(tx, AccountHold { ceiling: left, ..hold }).await
    }

    /// With what is known of the balance, as long as something waits for it.
    async fn goes_on(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        let Some(ceiling) = hold.ceiling else { return end(tx, self.account, self.now).await };
        if !waits(tx, self.account, ceiling.days).await? {
            return end(tx, self.account, self.now).await;
        }
        let next = AccountHold {
            news: AccountNews::NoBalance,
            since: self.now,
            probe_at: self.probe_at,
            probe: hold.probe,
            ceiling: Some(ceiling),
        };
        write(tx, self.account, &next).await?;
        pause::release(tx, &Scope::Account(self.account.to_owned()), self.now).await
    }

    async fn days(&self, tx: &mut Tx) -> Result<u32, Fault> {
        let row = sqlx::query("SELECT days FROM transfers WHERE key = $1")
            .bind(self.transfer)
            .fetch_optional(&mut **tx)
            .await?;
        Ok(row.map(|row| row.try_get("days")).transpose()?.map_or(1, rows::narrow))
    }
}

/// Writes a hold; one of the same news lasts since it began.
async fn write(tx: &mut Tx, account: &str, hold: &AccountHold) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO accounts (account, news, since, probe_at, probe, ceiling, refused_first) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account) DO UPDATE SET news = excluded.news, \
         probe_at = excluded.probe_at, probe = excluded.probe, ceiling = excluded.ceiling, \
         refused_first = excluded.refused_first, \
         since = CASE WHEN accounts.news = excluded.news THEN accounts.since ELSE excluded.since END",
    )
    .bind(account)
    .bind(if hold.news == AccountNews::NoToken { TOKEN } else { BALANCE })
    .bind(hold.since)
    .bind(hold.probe_at)
    .bind(hold.probe.as_deref())
    .bind(hold.ceiling.map(|ceiling| i64::from(ceiling.days)))
    .bind(hold.ceiling.and_then(|ceiling| ceiling.refused_first).map(i64::from))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// For the transaction that holds a transfer for its account: whoever ends the hold meanwhile meets this one, or has
/// ended it before, and then it begins anew.
pub(super) async fn must_hold(
    tx: &mut Tx,
    account: &str,
    transfer: &str,
    cause: &str,
    now: Ms,
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO accounts (account, news, since, probe_at, probe, ceiling) SELECT $1, $2, $3, $3, NULL, \
         CASE WHEN $2 = 'balance' THEN days ELSE NULL END FROM transfers WHERE key = $4 \
         ON CONFLICT (account) DO UPDATE SET ceiling = CASE WHEN excluded.ceiling < accounts.ceiling \
         OR accounts.ceiling IS NULL THEN excluded.ceiling ELSE accounts.ceiling END",
    )
    .bind(account)
    .bind(cause)
    .bind(now)
    .bind(transfer)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends the hold; channels that were put off for it are due, soonest expiry first.
pub(super) async fn end(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    sqlx::query("DELETE FROM accounts WHERE account = $1").bind(account).execute(&mut **tx).await?;
    pause::release(tx, &Scope::Account(account.to_owned()), now).await
}

/// Plans again what was made shorter than the ceiling: what was refused were more days.
pub(super) async fn goes_on_below(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    let ceiling = hold(&mut **tx, account).await?.and_then(|hold| hold.ceiling);
    plan_again(tx, account, BALANCE, ceiling.map(|ceiling| ceiling.days), now).await
}

/// Ends the hold of an account for which nothing waits any more.
pub(super) async fn end_without_waiting(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    let Some(hold) = hold(&mut **tx, account).await? else { return Ok(()) };
    if !waits(tx, account, least(&hold)).await? {
        end(tx, account, now).await?;
    }
    Ok(())
}

/// The fewest days of a transfer that a hold keeps back.
pub(super) fn least(hold: &AccountHold) -> u32 {
    match (hold.news, hold.ceiling) {
        (AccountNews::NoBalance, Some(ceiling)) => ceiling.days,
        _ => 1,
    }
}

/// A transfer `t` of `$2` days or more that is planned or held for the account `$1`. Along the states: there are few of
/// these, and the account has nearly all transfers that ever were.
pub(super) const WAITING: &str = "t.state IN ('planned', 'held') AND t.account || '' = $1 AND t.days >= $2 \
     AND (t.state = 'planned' OR t.cause IN ('balance', 'unauthorized'))";

/// Whether a transfer of so many days or more is planned or held for the account.
pub(super) async fn waits(connection: &mut AnyConnection, account: &str, days: u32) -> Result<bool, Fault> {
    let row = sqlx::query(AssertSqlSafe(format!("SELECT t.key FROM transfers t WHERE {WAITING} LIMIT 1")))
        .bind(account)
        .bind(i64::from(days))
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) const HELD_FOR: &str = "SELECT key, channel, detail FROM transfers WHERE account = $1 AND cause = $2 \
     AND state = 'held' AND days < $3 ORDER BY created_at LIMIT 1";

/// Plans again every transfer held for a cause, or only those of fewer days. Each was refused, so none has an open
/// outcome.
async fn plan_again(
    tx: &mut Tx,
    account: &str,
    cause: &str,
    below: Option<u32>,
    now: Ms,
) -> Result<(), Fault> {
    loop {
        let row = sqlx::query(HELD_FOR)
            .bind(account)
            .bind(cause)
            .bind(below.map_or(i64::MAX, i64::from))
            .fetch_optional(&mut **tx)
            .await?;
        let Some(row) = row else { return Ok(()) };
        let (key, channel): (String, String) = (row.try_get("key")?, row.try_get("channel")?);
        again(tx, &key, &rows::state(&row)?, now).await?;
        rows::make_due(tx, account, &channel, now).await?;
    }
}

pub(super) async fn again(tx: &mut Tx, key: &str, state: &State, now: Ms) -> Result<(), Fault> {
    let next = planned_again(state, now)
        .ok_or_else(|| corrupt(format!("{key} is held for the account, but its outcome is open")))?;
    if !rows::swap(tx, key, state, &next, None, now).await? {
        return Err(Fault::Conflict(format!("{key} was decided meanwhile")));
    }
    Ok(())
}
