//! The account's hold: too little balance, or a refused token, rests all calls until one transfer, the
//! probe, goes through. And the families that granted days before.

use sqlx::{AssertSqlSafe, Row as _};

use super::{
    SqlLedger, Tx,
    fault::{Fault, corrupt},
    pause, rows,
};
use crate::{
    domain::{
        Ms,
        settle::{AccountNews, State, planned_again},
    },
    ledger::{AccountHold, Scope, SourceRules},
};

/// The causes of transfers that an account's hold keeps back.
pub(super) const BALANCE: &str = "balance";
/// See [`BALANCE`].
pub(super) const TOKEN: &str = "unauthorized";

fn hold_of(row: &sqlx::any::AnyRow) -> Result<AccountHold, Fault> {
    let word: String = row.try_get("news")?;
    let news = match word.as_str() {
        BALANCE => AccountNews::NoBalance,
        TOKEN => AccountNews::NoToken,
        other => return Err(corrupt(format!("the account's hold {other:?}"))),
    };
    Ok(AccountHold {
        news,
        since: row.try_get("since")?,
        probe_at: row.try_get("probe_at")?,
        probe: row.try_get("probe")?,
        probe_channel: row.try_get("probe_channel")?,
    })
}

const HOLD: &str = "SELECT a.news, a.since, a.probe_at, a.probe, t.channel AS probe_channel FROM accounts a \
     LEFT JOIN transfers t ON t.key = a.probe WHERE a.account = $1";

impl SqlLedger {
    pub(super) async fn account_hold_once(&self, account: &str) -> Result<Option<AccountHold>, Fault> {
        let row = sqlx::query(HOLD).bind(account).fetch_optional(&self.read).await?;
        row.as_ref().map(hold_of).transpose()
    }

    /// Serializable: what the news does depends on the hold it finds. Good news for an account without a
    /// hold, which is nearly all news, is a read.
    pub(super) async fn account_news_once(
        &self,
        account: &str,
        news: AccountNews,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), Fault> {
        let bad = match news {
            AccountNews::NoBalance => Some(BALANCE),
            AccountNews::NoToken => Some(TOKEN),
            AccountNews::Reads | AccountNews::Extends => None,
        };
        let found = self.account_hold_once(account).await?;
        match (&found, news) {
            (None, AccountNews::Reads | AccountNews::Extends) => return Ok(()),
            (Some(hold), AccountNews::Reads) if hold.news == AccountNews::NoBalance => return Ok(()),
            _ => {}
        }
        let mut tx = self.serial().await?;
        let hold = sqlx::query(HOLD).bind(account).fetch_optional(&mut *tx).await?;
        let hold = hold.as_ref().map(hold_of).transpose()?;
        match (bad, hold) {
            (Some(word), hold) => {
                // Told of the balance, the partner took the token.
                if hold.is_some_and(|h| h.news == AccountNews::NoToken) && news == AccountNews::NoBalance {
                    plan_again(&mut tx, account, TOKEN, now).await?;
                }
                start(&mut tx, account, word, now, probe_at).await?;
            }
            (None, None) => return Ok(()),
            (None, Some(hold)) => match (news, hold.news) {
                (AccountNews::Extends, _) => {
                    plan_again(&mut tx, account, BALANCE, now).await?;
                    plan_again(&mut tx, account, TOKEN, now).await?;
                    end(&mut tx, account, now).await?;
                }
                (_, AccountNews::NoToken) => {
                    plan_again(&mut tx, account, TOKEN, now).await?;
                    if oldest_held(&mut tx, account, BALANCE).await?.is_some() {
                        // The token hold lay over one for the balance, which goes on.
                        start(&mut tx, account, BALANCE, now, probe_at).await?;
                    } else {
                        end(&mut tx, account, now).await?;
                    }
                }
                (_, _) => return Ok(()),
            },
        }
        tx.commit().await?;
        Ok(())
    }

    /// Serializable, and the first statement is a compare-and-set on `probe_at`: one caller wins. A probe
    /// that was named and not called yet stays the probe; where nothing waits, there is nothing to hold.
    pub(super) async fn take_probe_once(
        &self,
        account: &str,
        now: Ms,
        next_probe_at: Ms,
    ) -> Result<bool, Fault> {
        match self.account_hold_once(account).await? {
            Some(hold) if hold.probe_at <= now => {}
            Some(_) | None => return Ok(false),
        }
        let mut tx = self.serial().await?;
        let taken = sqlx::query("UPDATE accounts SET probe_at = $1 WHERE account = $2 AND probe_at <= $3")
            .bind(next_probe_at)
            .bind(account)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        let hold = hold_of(&sqlx::query(HOLD).bind(account).fetch_one(&mut *tx).await?)?;
        let cause = if hold.news == AccountNews::NoBalance { BALANCE } else { TOKEN };
        let found = match hold.probe {
            Some(key) => planned(&mut tx, account, Some(&key)).await?,
            None => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => match oldest_free(&mut tx, account, cause).await? {
                Some((key, channel, state)) => {
                    let state = again(&mut tx, &key, &state, now).await?;
                    Some((key, channel, state))
                }
                None => planned(&mut tx, account, None).await?,
            },
        };
        let probed = found.is_some();
        match found {
            Some((key, channel, state)) => {
                rows::swap(&mut tx, &key, &state, &state.due_by(now), None, now).await?;
                sqlx::query("UPDATE accounts SET probe = $1 WHERE account = $2")
                    .bind(&*key)
                    .bind(account)
                    .execute(&mut *tx)
                    .await?;
                rows::make_due(&mut tx, account, &channel, now).await?;
            }
            None => end(&mut tx, account, now).await?,
        }
        tx.commit().await?;
        Ok(probed)
    }

    /// Serializable: two workers that start with different settings must not both become the first.
    pub(super) async fn note_rules_once(
        &self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        let mut tx = self.serial().await?;
        let noted = rules(&mut *tx, realm, money_in).await?;
        if let Rules::Same(since) = noted {
            return Ok(since);
        }
        sqlx::query("INSERT INTO source_rules (realm, money_in, since) VALUES ($1, $2, $3)")
            .bind(realm)
            .bind(money_in)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(matches!(noted, Rules::Other).then_some(now))
    }

    pub(super) async fn note_source_once(&self, source: &str, rules: &SourceRules) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO realm_sources (provider, realm, source) VALUES ($1, $2, $3) \
             ON CONFLICT (provider, realm, source) DO NOTHING",
        )
        .bind(&*rules.provider)
        .bind(&*rules.realm)
        .bind(source)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(super) async fn rules_since_once(
        &self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        Ok(match rules(&self.read, realm, money_in).await? {
            Rules::Same(since) => since,
            Rules::Other => Some(now),
            Rules::None => None,
        })
    }
}

/// What is noted of a realm.
enum Rules {
    /// This family; since when, if another one did before.
    Same(Option<Ms>),
    /// Another family.
    Other,
    /// Nothing yet.
    None,
}

async fn rules<'e>(
    executor: impl sqlx::Executor<'e, Database = sqlx::Any>,
    realm: &str,
    money_in: &str,
) -> Result<Rules, Fault> {
    let rows =
        sqlx::query("SELECT money_in, since FROM source_rules WHERE realm = $1 ORDER BY number DESC LIMIT 2")
            .bind(realm)
            .fetch_all(executor)
            .await?;
    match rows.first() {
        None => Ok(Rules::None),
        Some(last) if last.try_get::<String, _>("money_in")? == money_in => {
            let since = last.try_get("since")?;
            Ok(Rules::Same((rows.len() > 1).then_some(since)))
        }
        Some(_) => Ok(Rules::Other),
    }
}

/// Starts a hold, or says that its probe failed.
async fn start(tx: &mut Tx, account: &str, word: &str, now: Ms, probe_at: Ms) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO accounts (account, news, since, probe_at, probe) VALUES ($1, $2, $3, $4, NULL) \
         ON CONFLICT (account) DO UPDATE SET news = excluded.news, probe_at = excluded.probe_at, probe = NULL, \
         since = CASE WHEN accounts.news = excluded.news THEN accounts.since ELSE excluded.since END",
    )
    .bind(account)
    .bind(word)
    .bind(now)
    .bind(probe_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends the hold; channels that were put off for it are due, soonest expiry first.
async fn end(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    sqlx::query("DELETE FROM accounts WHERE account = $1").bind(account).execute(&mut **tx).await?;
    pause::release(tx, &Scope::Account(account.to_owned()), now).await
}

/// Plans again every transfer held for a cause. Each was refused, so none has an open outcome.
async fn plan_again(tx: &mut Tx, account: &str, cause: &str, now: Ms) -> Result<(), Fault> {
    while let Some((key, channel, state)) = oldest_held(tx, account, cause).await? {
        again(tx, &key, &state, now).await?;
        rows::make_due(tx, account, &channel, now).await?;
    }
    Ok(())
}

async fn again(tx: &mut Tx, key: &str, state: &State, now: Ms) -> Result<State, Fault> {
    let next = planned_again(state, now)
        .ok_or_else(|| corrupt(format!("{key} is held for the account, but its outcome is open")))?;
    if !rows::swap(tx, key, state, &next, None, now).await? {
        return Err(Fault::Conflict(format!("{key} was decided meanwhile")));
    }
    Ok(next)
}

async fn oldest_held(
    tx: &mut Tx,
    account: &str,
    cause: &str,
) -> Result<Option<(String, String, State)>, Fault> {
    let row = sqlx::query(
        "SELECT key, channel, detail FROM transfers WHERE account = $1 AND cause = $2 AND state = 'held' \
         ORDER BY created_at LIMIT 1",
    )
    .bind(account)
    .bind(cause)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok((row.try_get("key")?, row.try_get("channel")?, rows::state(&row)?))).transpose()
}

/// No transfer of the same channel has an open outcome, behind which a probe would wait for a person.
const FREE: &str = "NOT EXISTS (SELECT o.key FROM transfers o WHERE o.account = transfers.account \
     AND o.channel = transfers.channel AND o.open = 1)";

/// As [`oldest_held`], on a channel that takes transfers.
async fn oldest_free(
    tx: &mut Tx,
    account: &str,
    cause: &str,
) -> Result<Option<(String, String, State)>, Fault> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT key, channel, detail FROM transfers WHERE account = $1 AND cause = $2 AND state = 'held' \
         AND {FREE} ORDER BY created_at LIMIT 1"
    )))
    .bind(account)
    .bind(cause)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok((row.try_get("key")?, row.try_get("channel")?, rows::state(&row)?))).transpose()
}

/// A planned transfer: this one, or the oldest; on a channel that takes transfers.
async fn planned(
    tx: &mut Tx,
    account: &str,
    key: Option<&str>,
) -> Result<Option<(String, String, State)>, Fault> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT key, channel, detail FROM transfers WHERE account = $1 AND state = 'planned' \
         AND ($2 = '' OR key = $2) AND {FREE} ORDER BY created_at LIMIT 1"
    )))
    .bind(account)
    .bind(key.unwrap_or_default())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok((row.try_get("key")?, row.try_get("channel")?, rows::state(&row)?))).transpose()
}
