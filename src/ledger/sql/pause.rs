//! Where no new call is made: by a person's word, or by the brake's. What is doubtful is still read.

use super::{
    audit::{self, Entry},
    rows::SLOT_MS,
    storable,
};
use crate::{
    domain::{
        Ms,
        brake::{Brake, COUNTED_MS, Lately, NORMAL_MS, Passed, passed},
    },
    ledger::{
        Act, Claim, Scope,
        db::{Fault, Row, Tx, args},
        view,
    },
};

pub(in crate::ledger) const PERSON: &str = "operator";
pub(in crate::ledger) const BRAKE: &str = "brake";

/// The name under which the rules act.
pub(in crate::ledger) const DAYBRIDGE: &str = "daybridge";

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

impl Tx {
    /// One read where nothing stands in the way, which is nearly always.
    pub(in crate::ledger) fn may_call(
        &mut self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<(view::Pause, Option<Scope>)>, Fault> {
        let account = Scope::Account(claim.account.clone());
        let channel = Scope::Channel(claim.account.clone(), claim.channel.clone());
        let hour_ago = now.saturating_sub(COUNTED_MS);
        let row = self.one(
            LATELY,
            args![
                account.word(),
                channel.word(),
                &*claim.account,
                claim.channel.as_str(),
                hour_ago.div_euclid(SLOT_MS),
                now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS),
                hour_ago
            ],
        )?;
        if let Some(number) = row.get::<Option<i64>>("pause")? {
            let row = self.one(
                "SELECT scope, cause, since, who, reason FROM pauses WHERE number = $1",
                args![number],
            )?;
            return Ok(Some((pause(&row)?, None)));
        }
        let looked =
            |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.filter(|at| *at > hour_ago));
        let (account_looked, channel_looked) = (looked("account_looked")?, looked("channel_looked")?);
        let account_hour: i64 = row.get("account_hour")?;
        let since_look = match account_looked {
            Some(at) => self.rest_of_slot(&claim.account, at)?,
            None => 0,
        };
        let lately = Lately {
            account_hour: account_hour.saturating_add(since_look),
            account_days: row.get("account_days")?,
            account_transfers: row.get("account_transfers")?,
            account_channels: 0,
            channel_hour: row.get("channel_hour")?,
        };
        let over = match passed(brake, &lately, days) {
            // Counted only where it matters: an account may have 50,000.
            Some(Passed::Account(_)) => {
                let account_channels = self.channels_shown(&claim.account)?;
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
        let pause = view::Pause {
            scope: scope.word(),
            cause: BRAKE.into(),
            since: now,
            who: DAYBRIDGE.into(),
            reason,
        };
        Ok(Some((pause, Some(scope))))
    }

    /// Channels of an account that the partner has shown.
    fn channels_shown(&mut self, account: &str) -> Result<i64, Fault> {
        let row = self.one(
            "SELECT COUNT(*) AS many FROM channels WHERE account = $1 AND active_till < $2",
            args![account, i64::MAX],
        )?;
        row.get("many")
    }

    /// What was settled on the account lately, whatever its channels.
    pub(in crate::ledger) fn lately(&mut self, account: &str, now: Ms) -> Result<Lately, Fault> {
        let row = self.one("SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days, CAST(COALESCE(SUM(transfers), 0) AS BIGINT) \
             AS transfers, CAST(COALESCE(SUM(CASE WHEN slot > $3 THEN days ELSE 0 END), 0) AS BIGINT) AS hour \
             FROM spent WHERE account = $1 AND slot > $2", args![account, now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS), now.saturating_sub(COUNTED_MS).div_euclid(SLOT_MS)])?;
        Ok(Lately {
            account_hour: row.get("hour")?,
            account_days: row.get("days")?,
            account_transfers: row.get("transfers")?,
            account_channels: self.channels_shown(account)?,
            channel_hour: 0,
        })
    }

    /// Days settled on the account after a moment, to the end of its span of ten minutes.
    fn rest_of_slot(&mut self, account: &str, at: Ms) -> Result<i64, Fault> {
        let end = at.div_euclid(SLOT_MS).saturating_add(1).saturating_mul(SLOT_MS);
        let row = self.one(
            "SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days FROM transfers \
             WHERE account = $1 AND settled_at > $2 AND settled_at < $3",
            args![account, at, end],
        )?;
        row.get("days")
    }

    /// Serializable: two that pause at once make one pause.
    pub(in crate::ledger) fn pause(
        &mut self,
        scope: &Scope,
        cause: &str,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, Fault> {
        let begun = begin(self, scope, cause, act, now)?;
        self.commit();
        Ok(begun)
    }

    /// Serializable; channels that were put off are due, soonest expiry first.
    pub(in crate::ledger) fn resume(&mut self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, Fault> {
        let word = scope.word();
        if !holding(self, &word)? {
            return Ok(false);
        }
        self.execute(
            "UPDATE pauses SET ended_at = $1 WHERE scope = $2 AND ended_at IS NULL",
            args![now, &*word],
        )?;
        release(self, scope, now)?;
        probe_at_once(self, scope, now)?;
        let entry = Entry {
            action: "settle resume",
            key: &word,
            act: *act,
            before: Some("paused".into()),
            after: Some("on".into()),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(true)
    }

    pub(in crate::ledger) fn pauses(&mut self) -> Result<Vec<view::Pause>, Fault> {
        let rows = self.all(
            "SELECT scope, cause, since, who, reason FROM pauses WHERE ended_at IS NULL ORDER BY number",
            args![],
        )?;
        let moved = self.moved()?.map(|moved| moved.pause());
        moved.into_iter().map(Ok).chain(rows.iter().map(pause)).collect()
    }
}

/// What a planned transfer of a channel waits for, where its calls are paused.
pub(in crate::ledger) fn waits(
    connection: &mut Tx,
    account: &str,
    channel: &str,
) -> Result<Option<String>, Fault> {
    let row = connection.optional("SELECT scope, cause, since, who, reason FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $1, $2) \
         ORDER BY number LIMIT 1", args![format!("account:{account}"), format!("channel:{account}/{channel}")])?;
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
pub(in crate::ledger) fn begin(
    tx: &mut Tx,
    scope: &Scope,
    cause: &str,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, Fault> {
    let word = scope.word();
    if holding(tx, &word)? {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO pauses (scope, cause, since, who, reason) VALUES ($1, $2, $3, $4, $5)",
        args![&*word, cause, now, act.who, storable::text(act.reason)],
    )?;
    let entry = Entry {
        action: "settle pause",
        key: &word,
        act: *act,
        before: Some("on".into()),
        after: Some("paused".into()),
    };
    audit::add(tx, entry, now)?;
    Ok(true)
}

fn holding(tx: &mut Tx, scope: &str) -> Result<bool, Fault> {
    let row = tx.optional("SELECT number FROM pauses WHERE scope = $1 AND ended_at IS NULL", args![scope])?;
    Ok(row.is_some())
}

fn pause(row: &Row) -> Result<view::Pause, Fault> {
    Ok(view::Pause {
        scope: row.get("scope")?,
        cause: row.get("cause")?,
        since: row.get("since")?,
        who: row.get("who")?,
        reason: row.get("reason")?,
    })
}

/// Channels that were put off, or are due anyway, are due now, soonest expiry first: claims go by `due_at`, so it is
/// set as far before now as the expiry is before [`AHEAD_MS`] from now.
pub(in crate::ledger) fn release(tx: &mut Tx, scope: &Scope, now: Ms) -> Result<(), Fault> {
    let (account, channel) = match scope {
        Scope::All => (None, None),
        Scope::Account(account) => (Some(account.as_str()), None),
        Scope::Channel(account, channel) => (Some(account.as_str()), Some(channel.as_str())),
    };
    tx.execute(
        "UPDATE channels SET deferred = 0, \
         due_at = CASE WHEN active_till >= $1 THEN $2 ELSE active_till - $3 END \
         WHERE (deferred = 1 OR due_at <= $2) AND ($4 = '' OR account = $4) AND ($5 = '' OR channel = $5)",
        args![
            now.saturating_add(AHEAD_MS),
            now,
            AHEAD_MS,
            account.unwrap_or_default(),
            channel.unwrap_or_default()
        ],
    )?;
    Ok(())
}

/// What was paused may be what an account's hold waits for: where nothing is tried now, the next probe is due.
fn probe_at_once(tx: &mut Tx, scope: &Scope, now: Ms) -> Result<(), Fault> {
    let account = match scope {
        Scope::All => "",
        Scope::Account(account) | Scope::Channel(account, _) => account,
    };
    tx.execute("UPDATE accounts SET probe_at = $1 WHERE probe IS NULL AND probe_at > $1 AND ($2 = '' OR account = $2)", args![now, account])?;
    Ok(())
}

/// Expiries further off than this are all alike, in ms: 20 years.
const AHEAD_MS: i64 = 20 * 365 * 86_400_000;
