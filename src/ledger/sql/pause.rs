//! Where no new call is made: by a person's word, or by the brake's. What is doubtful is still read.

use sqlx::{AnyConnection, Row as _, any::AnyRow};

use super::{
    SqlLedger, Tx,
    audit::{self, Entry},
    fault::{Fault, refused},
    rows::SLOT_MS,
    storable,
};
use crate::{
    domain::{
        Ms,
        brake::{Brake, COUNTED_MS, Lately, NORMAL_MS, Passed, passed},
    },
    ledger::{Act, Claim, Scope, view},
};

const PERSON: &str = "operator";
const BRAKE: &str = "brake";

/// The name under which the rules act.
pub(super) const DAYBRIDGE: &str = "daybridge";

/// What holds for a channel, and what was settled lately; since the last pause of the scope was ended, if that is
/// later, for a person has looked at what was before; the rest of the span of that moment is counted by itself.
const LATELY: &str = "SELECT \
     (SELECT MIN(number) FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $1, $2)) AS pause, \
     (SELECT MAX(ended_at) FROM pauses WHERE scope = $1) AS account_looked, \
     (SELECT MAX(ended_at) FROM pauses WHERE scope = $2) AS channel_looked, \
     (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $5 \
        AND slot > COALESCE((SELECT MAX(ended_at) FROM pauses WHERE scope = $1), 0) / 600000) AS account_hour, \
     (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $6) AS account_days, \
     (SELECT CAST(COALESCE(SUM(transfers), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $6) \
        AS account_transfers, \
     (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) FROM transfers WHERE account = $3 AND channel = $4 \
        AND settled_at > $7 \
        AND settled_at > COALESCE((SELECT MAX(ended_at) FROM pauses WHERE scope = $2), 0)) AS channel_hour";

impl SqlLedger {
    /// One read where nothing stands in the way, which is nearly always.
    pub(super) async fn may_call_once(
        &self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<view::Pause>, Fault> {
        let account = Scope::Account(claim.account.clone());
        let channel = Scope::Channel(claim.account.clone(), claim.channel.clone());
        let hour_ago = now.saturating_sub(COUNTED_MS);
        let row = sqlx::query(LATELY)
            .bind(account.word())
            .bind(channel.word())
            .bind(&*claim.account)
            .bind(claim.channel.as_str())
            .bind(hour_ago.div_euclid(SLOT_MS))
            .bind(now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS))
            .bind(hour_ago)
            .fetch_one(&self.read)
            .await?;
        if let Some(number) = row.try_get::<Option<i64>, _>("pause")? {
            let row = sqlx::query("SELECT scope, cause, since, who, reason FROM pauses WHERE number = $1")
                .bind(number)
                .fetch_one(&self.read)
                .await?;
            return pause(&row).map(Some);
        }
        let looked =
            |column: &str| Ok::<_, Fault>(row.try_get::<Option<i64>, _>(column)?.filter(|at| *at > hour_ago));
        let (account_looked, channel_looked) = (looked("account_looked")?, looked("channel_looked")?);
        let account_hour: i64 = row.try_get("account_hour")?;
        let since_look = match account_looked {
            Some(at) => self.rest_of_slot(&claim.account, at).await?,
            None => 0,
        };
        let lately = Lately {
            account_hour: account_hour.saturating_add(since_look),
            account_days: row.try_get("account_days")?,
            account_transfers: row.try_get("account_transfers")?,
            account_channels: 0,
            channel_hour: row.try_get("channel_hour")?,
        };
        let over = match passed(brake, &lately, days) {
            // Counted only where it matters: an account may have 50,000.
            Some(Passed::Account(_)) => {
                let account_channels = self.channels_shown(&claim.account).await?;
                passed(brake, &Lately { account_channels, ..lately }, days)
            }
            other => other,
        };
        let (scope, limit, hour) = match over {
            None => return Ok(None),
            // One transfer may be too much by itself: a person who has resumed has looked at it.
            Some(Passed::Account(_)) if lately.account_hour == 0 && account_looked.is_some() => {
                return Ok(None);
            }
            Some(Passed::Channel(_)) if lately.channel_hour == 0 && channel_looked.is_some() => {
                return Ok(None);
            }
            Some(Passed::Account(limit)) => (account, limit, lately.account_hour),
            Some(Passed::Channel(limit)) => (channel, limit, lately.channel_hour),
        };
        let reason = format!(
            "{days} more days would make {} in an hour; more than {limit} is not normal here",
            hour.saturating_add(i64::from(days))
        );
        let act = Act { who: DAYBRIDGE, reason: &reason };
        self.begin(&scope, BRAKE, &act, now).await?;
        Ok(Some(view::Pause {
            scope: scope.word(),
            cause: BRAKE.into(),
            since: now,
            who: DAYBRIDGE.into(),
            reason,
        }))
    }

    /// Channels of an account that the partner has shown.
    async fn channels_shown(&self, account: &str) -> Result<i64, Fault> {
        let row =
            sqlx::query("SELECT COUNT(*) AS many FROM channels WHERE account = $1 AND active_till < $2")
                .bind(account)
                .bind(i64::MAX)
                .fetch_one(&self.read)
                .await?;
        Ok(row.try_get("many")?)
    }

    /// What was settled on the account lately, whatever its channels.
    pub(super) async fn lately_once(&self, account: &str, now: Ms) -> Result<Lately, Fault> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days, CAST(COALESCE(SUM(transfers), 0) AS BIGINT) \
             AS transfers, CAST(COALESCE(SUM(CASE WHEN slot > $3 THEN days ELSE 0 END), 0) AS BIGINT) AS hour \
             FROM spent WHERE account = $1 AND slot > $2",
        )
        .bind(account)
        .bind(now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS))
        .bind(now.saturating_sub(COUNTED_MS).div_euclid(SLOT_MS))
        .fetch_one(&self.read)
        .await?;
        Ok(Lately {
            account_hour: row.try_get("hour")?,
            account_days: row.try_get("days")?,
            account_transfers: row.try_get("transfers")?,
            account_channels: self.channels_shown(account).await?,
            channel_hour: 0,
        })
    }

    /// Days settled on the account after a moment, to the end of its span of ten minutes.
    async fn rest_of_slot(&self, account: &str, at: Ms) -> Result<i64, Fault> {
        let end = at.div_euclid(SLOT_MS).saturating_add(1).saturating_mul(SLOT_MS);
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days FROM transfers \
             WHERE account = $1 AND settled_at > $2 AND settled_at < $3",
        )
        .bind(account)
        .bind(at)
        .bind(end)
        .fetch_one(&self.read)
        .await?;
        Ok(row.try_get("days")?)
    }

    pub(super) async fn pause_once(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, Fault> {
        self.begin(scope, PERSON, act, now).await
    }

    /// Serializable: two that pause at once make one pause.
    async fn begin(&self, scope: &Scope, cause: &str, act: &Act<'_>, now: Ms) -> Result<bool, Fault> {
        let mut tx = self.serial().await?;
        let begun = begin(&mut tx, scope, cause, act, now).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// Serializable; channels that were put off are due, soonest expiry first.
    pub(super) async fn resume_once(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, Fault> {
        let mut tx = self.serial().await?;
        let word = scope.word();
        if !holding(&mut tx, &word).await? {
            drop(tx);
            return match self.moved().await? {
                Some(moved) if *scope == Scope::All => Err(refused(moved.pause().reason)),
                _ => Ok(false),
            };
        }
        sqlx::query("UPDATE pauses SET ended_at = $1 WHERE scope = $2 AND ended_at IS NULL")
            .bind(now)
            .bind(&*word)
            .execute(&mut *tx)
            .await?;
        release(&mut tx, scope, now).await?;
        probe_at_once(&mut tx, scope, now).await?;
        let entry = Entry {
            action: "settle resume",
            key: &word,
            act: *act,
            before: Some("paused".into()),
            after: Some("on".into()),
        };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn pauses_once(&self) -> Result<Vec<view::Pause>, Fault> {
        let rows = sqlx::query(
            "SELECT scope, cause, since, who, reason FROM pauses WHERE ended_at IS NULL ORDER BY number",
        )
        .fetch_all(&self.read)
        .await?;
        let moved = self.moved().await?.map(|moved| moved.pause());
        moved.into_iter().map(Ok).chain(rows.iter().map(pause)).collect()
    }
}

/// What a planned transfer of a channel waits for, where its calls are paused.
pub(super) async fn waits(
    connection: &mut AnyConnection,
    account: &str,
    channel: &str,
) -> Result<Option<String>, Fault> {
    let row = sqlx::query(
        "SELECT scope, cause, since, who, reason FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $1, $2) \
         ORDER BY number LIMIT 1",
    )
    .bind(format!("account:{account}"))
    .bind(format!("channel:{account}/{channel}"))
    .fetch_optional(connection)
    .await?;
    let Some(pause) = row.as_ref().map(pause).transpose()? else { return Ok(None) };
    let which = match Scope::parse(&pause.scope) {
        Some(Scope::Account(account)) => format!(" --account {account}"),
        Some(Scope::Channel(account, channel)) => format!(" --account {account} --channel {channel}"),
        Some(Scope::All) | None => String::new(),
    };
    let view::Pause { who, reason, .. } = pause;
    Ok(Some(format!("paused by {who} ({reason}); `daybridge settle resume{which}` goes on")))
}

/// Begins a pause in a serializable transaction; `false`: the scope is paused already.
pub(super) async fn begin(
    tx: &mut Tx,
    scope: &Scope,
    cause: &str,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, Fault> {
    let word = scope.word();
    if holding(tx, &word).await? {
        return Ok(false);
    }
    sqlx::query("INSERT INTO pauses (scope, cause, since, who, reason) VALUES ($1, $2, $3, $4, $5)")
        .bind(&*word)
        .bind(cause)
        .bind(now)
        .bind(act.who)
        .bind(storable::text(act.reason))
        .execute(&mut **tx)
        .await?;
    let entry = Entry {
        action: "settle pause",
        key: &word,
        act: *act,
        before: Some("on".into()),
        after: Some("paused".into()),
    };
    audit::add(tx, entry, now).await?;
    Ok(true)
}

async fn holding(tx: &mut Tx, scope: &str) -> Result<bool, Fault> {
    let row = sqlx::query("SELECT number FROM pauses WHERE scope = $1 AND ended_at IS NULL")
        .bind(scope)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

fn pause(row: &AnyRow) -> Result<view::Pause, Fault> {
    Ok(view::Pause {
        scope: row.try_get("scope")?,
        cause: row.try_get("cause")?,
        since: row.try_get("since")?,
        who: row.try_get("who")?,
        reason: row.try_get("reason")?,
    })
}

/// Channels that were put off, or are due anyway, are due now, soonest expiry first: claims go by `due_at`, so it is
/// set as far before now as the expiry is before [`AHEAD_MS`] from now.
pub(super) async fn release(tx: &mut Tx, scope: &Scope, now: Ms) -> Result<(), Fault> {
    let (account, channel) = match scope {
        Scope::All => (None, None),
        Scope::Account(account) => (Some(account.as_str()), None),
        Scope::Channel(account, channel) => (Some(account.as_str()), Some(channel.as_str())),
    };
    sqlx::query(
        "UPDATE channels SET deferred = 0, \
         due_at = CASE WHEN active_till >= $1 THEN $2 ELSE active_till - $3 END \
         WHERE (deferred = 1 OR due_at <= $2) AND ($4 = '' OR account = $4) AND ($5 = '' OR channel = $5)",
    )
    .bind(now.saturating_add(AHEAD_MS))
    .bind(now)
    .bind(AHEAD_MS)
    .bind(account.unwrap_or_default())
    .bind(channel.unwrap_or_default())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was paused may be what an account's hold waits for: where nothing is tried now, the next probe is due.
async fn probe_at_once(tx: &mut Tx, scope: &Scope, now: Ms) -> Result<(), Fault> {
    let account = match scope {
        Scope::All => "",
        Scope::Account(account) | Scope::Channel(account, _) => account,
    };
    sqlx::query(
        "UPDATE accounts SET probe_at = $1 WHERE probe IS NULL AND probe_at > $1 AND ($2 = '' OR account = $2)",
    )
    .bind(now)
    .bind(account)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Expiries further off than this are all alike, in ms: 20 years.
const AHEAD_MS: i64 = 20 * 365 * 86_400_000;
