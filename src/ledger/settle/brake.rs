//! Whether days may move, by what was paused, and what was settled or granted lately.

use super::{
    pause::{DAYBRIDGE, begin, pause},
    steps::SLOT_MS,
};
use crate::{
    domain::{
        Ms,
        allocation::brake::{Brake, COUNTED_MS, Lately, NORMAL_MS, Passed, passed},
        closed::PauseCause,
        id::ChannelId,
    },
    ledger::{
        Act, Claim, Ledger, LedgerError, Scope,
        db::{Fault, Tx, args},
        view,
    },
};

/// Of a span of `spent`: days that count for the brake.
pub(in crate::ledger) const DAYS: &str = "days - sliced_days + granted_days";

/// Of a span of `spent`: how many transfers, or payments that move in slices, had these days.
pub(in crate::ledger) const TRANSFERS: &str = "transfers - slices + grants";

/// Days that were granted and move in slices.
const GRANTED: &str = "INSERT INTO spent (account, slot, days, transfers, granted_days, grants) VALUES ($1, $2, 0, 0, $3, 1) \
     ON CONFLICT (account, slot) DO UPDATE SET granted_days = spent.granted_days + excluded.granted_days, \
     grants = spent.grants + 1";

/// What holds for a channel, and what was settled or granted lately; since the last pause of the scope was ended, if that is
/// later, for a person has looked at what was before; the rest of the span of that moment is counted by itself.
fn lately_sql() -> String {
    let channel_hour = channel_hour("$3", "$4", "l.since");
    format!(
        "WITH l AS (SELECT CASE WHEN ended.at > $7 THEN ended.at ELSE $7 END AS since FROM \
            (SELECT COALESCE(MAX(ended_at), 0) AS at FROM pauses WHERE scope = $2) ended) \
         SELECT \
         (SELECT MIN(number) FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $1, $2)) AS pause, \
         (SELECT MAX(ended_at) FROM pauses WHERE scope = $1) AS account_looked, \
         (SELECT MAX(ended_at) FROM pauses WHERE scope = $2) AS channel_looked, \
         (SELECT CAST(COALESCE(SUM({DAYS}), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $5 \
            AND slot > COALESCE((SELECT MAX(ended_at) FROM pauses WHERE scope = $1), 0) / 600000) AS account_hour, \
         (SELECT CAST(COALESCE(SUM({DAYS}), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $6) AS account_days, \
         (SELECT CAST(COALESCE(SUM({TRANSFERS}), 0) AS BIGINT) FROM spent WHERE account = $3 AND slot > $6) \
            AS account_transfers, \
         {channel_hour} AS channel_hour FROM l"
    )
}

/// Days that a channel got after a moment: what moved at once, and what was granted to move in slices, of which some has
/// moved and some is left.
pub(in crate::ledger) fn channel_hour(account: &str, channel: &str, since: &str) -> String {
    format!(
        "(SELECT CAST(COALESCE(SUM(m.days), 0) AS BIGINT) FROM transfers m LEFT JOIN payments g ON g.key = m.payment \
            WHERE m.account = {account} AND m.channel = {channel} AND m.settled_at > {since} \
            AND (m.sliced = 0 OR g.granted_at > {since})) \
         + (SELECT CAST(COALESCE(SUM(days_left), 0) AS BIGINT) FROM payments WHERE partner = {account} \
            AND channel = {channel} AND days_left > 0 AND granted_at > {since})"
    )
}

/// What [`lately_sql`] found.
struct Looked {
    /// The number of a pause.
    pause: Option<i64>,
    /// Whether a person has ended one of the account, or the channel, in the span that is counted.
    account: bool,
    channel: bool,
    lately: Lately,
}

impl Ledger {
    /// Whether a planned transfer of the claimed channel may be called now: what was paused by a person, and what the
    /// brake pauses by this very question. A slice brings no days that were not counted when they were granted: it asks with
    /// none, for payments that were recorded at the same time did not see each other.
    pub async fn may_call(
        &self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<view::Pause>, LedgerError> {
        let (claim, brake) = (claim.clone(), *brake);
        let found = self.db.read(move |tx| tx.may_call(&claim, days, &brake, now)).await?;
        let Some((pause, begins)) = found else { return Ok(None) };
        if let Some(scope) = begins {
            let reason = pause.reason.clone();
            let braked = move |tx: &mut Tx| {
                tx.pause(&scope, PauseCause::Brake, &Act { who: DAYBRIDGE, reason: &reason }, now)
            };
            self.db.alone(braked).await?;
        }
        Ok(Some(pause))
    }

    /// What was settled on the account lately, for what the brake comes to.
    pub async fn lately(&self, account: &str, now: Ms) -> Result<Lately, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.lately(&account, now)).await
    }
}

impl Tx {
    /// One read where nothing stands in the way, which is nearly always.
    pub(in crate::ledger) fn may_call(
        &mut self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<(view::Pause, Option<Scope>)>, Fault> {
        let looked = self.looked(&claim.account, &claim.channel, now)?;
        if let Some(number) = looked.pause {
            let row = self.one(
                "SELECT scope, cause, since, who, reason FROM pauses WHERE number = $1",
                args![number],
            )?;
            return Ok(Some((pause(&row)?, None)));
        }
        let Some(over) = self.over(&claim.account, &claim.channel, &looked.lately, brake, days)? else {
            return Ok(None);
        };
        // One transfer may be too much by itself: a person who has resumed has looked at it.
        let looked_at = match over.scope {
            Scope::Channel(..) => looked.channel && looked.lately.channel_hour == 0,
            Scope::Account(_) | Scope::All => looked.account && looked.lately.account_hour == 0,
        };
        if looked_at {
            return Ok(None);
        }
        let pause = view::Pause {
            scope: over.scope.clone(),
            cause: PauseCause::Brake,
            since: now,
            who: DAYBRIDGE.into(),
            reason: over.reason,
        };
        Ok(Some((pause, Some(over.scope))))
    }

    /// What so many days more would pass.
    fn over(
        &mut self,
        account: &str,
        channel: &ChannelId,
        lately: &Lately,
        brake: &Brake,
        days: u32,
    ) -> Result<Option<Over>, Fault> {
        let over = match passed(brake, lately, days) {
            // Counted only where it matters: an account may have 50,000.
            Some(Passed::Account(_)) => {
                let account_channels = self.channels_shown(account)?;
                passed(brake, &Lately { account_channels, ..*lately }, days)
            }
            other => other,
        };
        let (scope, limit, hour) = match over {
            None => return Ok(None),
            Some(Passed::Account(limit)) => (Scope::Account(account.to_owned()), limit, lately.account_hour),
            Some(Passed::Channel(limit)) => {
                (Scope::Channel(account.to_owned(), channel.clone()), limit, lately.channel_hour)
            }
        };
        let too_much = match days {
            0 => format!("{hour} days were granted in an hour"),
            days => {
                format!("{days} more days would make {} in an hour", hour.saturating_add(i64::from(days)))
            }
        };
        let reason = format!("{too_much}; more than {limit} is not normal here");
        Ok(Some(Over { scope, reason }))
    }

    fn looked(&mut self, account: &str, channel: &ChannelId, now: Ms) -> Result<Looked, Fault> {
        let hour_ago = now.saturating_sub(COUNTED_MS);
        let row = self.one(
            &lately_sql(),
            args![
                Scope::Account(account.to_owned()).word(),
                Scope::Channel(account.to_owned(), channel.clone()).word(),
                account,
                channel.as_str(),
                hour_ago.div_euclid(SLOT_MS),
                now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS),
                hour_ago
            ],
        )?;
        let looked =
            |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.filter(|at| *at > hour_ago));
        let account_looked = looked("account_looked")?;
        let since_look = match account_looked {
            Some(at) => self.rest_of_slot(account, at)?,
            None => 0,
        };
        Ok(Looked {
            pause: row.get("pause")?,
            account: account_looked.is_some(),
            channel: looked("channel_looked")?.is_some(),
            lately: Lately {
                account_hour: row.get::<i64>("account_hour")?.saturating_add(since_look),
                account_days: row.get("account_days")?,
                account_transfers: row.get("account_transfers")?,
                account_channels: 0,
                channel_hour: row.get("channel_hour")?,
            },
        })
    }

    /// Channels of an account that the partner has shown.
    fn channels_shown(&mut self, account: &str) -> Result<i64, Fault> {
        let row = self.one(
            "SELECT COUNT(*) AS many FROM channels WHERE account = $1 AND active_till < $2",
            args![account, i64::MAX],
        )?;
        row.get("many")
    }

    /// What was settled or granted on the account lately, whatever its channels.
    pub(in crate::ledger) fn lately(&mut self, account: &str, now: Ms) -> Result<Lately, Fault> {
        let row = self.one(
            &format!(
                "SELECT CAST(COALESCE(SUM({DAYS}), 0) AS BIGINT) AS days, \
                 CAST(COALESCE(SUM({TRANSFERS}), 0) AS BIGINT) AS transfers, \
                 CAST(COALESCE(SUM(CASE WHEN slot > $3 THEN {DAYS} ELSE 0 END), 0) AS BIGINT) AS hour \
                 FROM spent WHERE account = $1 AND slot > $2"
            ),
            args![
                account,
                now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS),
                now.saturating_sub(COUNTED_MS).div_euclid(SLOT_MS)
            ],
        )?;
        Ok(Lately {
            account_hour: row.get("hour")?,
            account_days: row.get("days")?,
            account_transfers: row.get("transfers")?,
            account_channels: self.channels_shown(account)?,
            channel_hour: 0,
        })
    }

    /// Days settled on the account after a moment, or granted, to the end of its span of ten minutes.
    fn rest_of_slot(&mut self, account: &str, at: Ms) -> Result<i64, Fault> {
        let end = at.div_euclid(SLOT_MS).saturating_add(1).saturating_mul(SLOT_MS);
        let row = self.one(
            "SELECT (SELECT CAST(COALESCE(SUM(m.days), 0) AS BIGINT) FROM transfers m \
             LEFT JOIN payments g ON g.key = m.payment WHERE m.account || '' = $1 AND m.settled_at > $2 \
             AND (m.sliced = 0 AND m.settled_at < $3 OR g.granted_at > $2 AND g.granted_at < $3)) \
             + (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) FROM payments \
             WHERE partner = $1 AND days_left > 0 AND granted_at > $2 AND granted_at < $3) AS days",
            args![account, at, end],
        )?;
        row.get("days")
    }
}

/// A scope that is to be paused.
struct Over {
    scope: Scope,
    reason: String,
}

/// A payment that moves in slices counts when it is granted. Where it is too much, its channel or account is paused at once:
/// its first slice may be due in weeks.
pub(in crate::ledger) fn granted(
    tx: &mut Tx,
    account: &str,
    channel: &ChannelId,
    days: u32,
    now: Ms,
) -> Result<(), Fault> {
    let brake = tx.place().allocation().brake;
    let lately = tx.looked(account, channel, now)?.lately;
    if let Some(Over { scope, reason }) = tx.over(account, channel, &lately, &brake, days)? {
        begin(tx, &scope, PauseCause::Brake, &Act { who: DAYBRIDGE, reason: &reason }, now)?;
    }
    tx.send(GRANTED, args![account, now.div_euclid(SLOT_MS), i64::from(days)])
}
