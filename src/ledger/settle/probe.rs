//! Which transfer tries whether an account's hold is over: of those that wait and can be called now, the one that
//! expires soonest, then the smallest. One whose channel is paused, can't be read, or waits behind an open outcome is
//! passed over, so that it never stands for the others.

use super::{
    account::{self, WAITING, again, end, hold, least},
    schedule,
};
use crate::domain::settle::PROBE_AHEAD_MS_MAX;
use crate::{
    domain::{Ms, settle::State},
    ledger::{
        AccountHold, Ledger, LedgerError,
        db::{Fault, Row, Tx, args},
        row,
    },
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
fn next_sql(second: bool) -> String {
    let order = if second { "t.days, c.active_till" } else { "c.active_till" };
    format!("{} AND t.days < $4 ORDER BY {order}, t.created_at, t.key LIMIT 1", callable())
}

struct Found {
    key: String,
    channel: String,
    state: State,
}

impl Ledger {
    /// Makes one transfer that waits and can be called the probe of a hold whose `probe_at` has come, the one that
    /// expires soonest first; one caller wins.
    pub async fn take_probe(&self, account: &str, now: Ms, next_probe_at: Ms) -> Result<bool, LedgerError> {
        if !self.account_hold(account).await?.is_some_and(|hold| hold.probe_due(now)) {
            return Ok(false);
        }
        let account = account.to_owned();
        self.db.alone(move |tx| tx.take_probe(&account, now, next_probe_at)).await
    }

    /// A transfer that could not be called is the probe no longer; another may be taken at once.
    pub async fn pass_probe(&self, account: &str, transfer: &str, now: Ms) -> Result<(), LedgerError> {
        let hold = self.account_hold(account).await?;
        if hold.is_none_or(|hold| hold.probe.as_deref() != Some(transfer)) {
            return Ok(());
        }
        let (account, transfer) = (account.to_owned(), transfer.to_owned());
        self.db.write(move |tx| tx.pass_probe(&account, &transfer, now)).await
    }
}

impl Tx {
    /// The first statement is a compare-and-set on `probe_at`: one caller wins. A probe that was
    /// named and can be called stays the probe; where nothing waits, there is nothing to hold.
    pub(in crate::ledger) fn take_probe(
        &mut self,
        account: &str,
        now: Ms,
        next_probe_at: Ms,
    ) -> Result<bool, Fault> {
        let taken = self.execute(
            "UPDATE accounts SET probe_at = $1 WHERE account = $2 AND (probe_at <= $3 OR probe_at > $4)",
            args![next_probe_at, account, now, now.saturating_add(PROBE_AHEAD_MS_MAX)],
        )?;
        if taken == 0 {
            return Ok(false);
        }
        let Some(hold) = hold(self, account)? else { return Ok(false) };
        let found = match &hold.probe {
            Some(key) => named(self, account, key, now)?,
            None => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => next(self, account, &hold, now)?,
        };
        let probed = found.is_some();
        match found {
            Some(found) => begin(self, account, &found, now)?,
            None if account::waits(self, account, least(&hold))? => {
                wait(self, account, &hold, now, next_probe_at)?;
            }
            None => end(self, account, now)?,
        }
        self.commit();
        Ok(probed)
    }

    /// A compare-and-set on the probe.
    pub(in crate::ledger) fn pass_probe(
        &mut self,
        account: &str,
        transfer: &str,
        now: Ms,
    ) -> Result<(), Fault> {
        self.execute(
            "UPDATE accounts SET probe = NULL, probe_at = $1 WHERE account = $2 AND probe = $3",
            args![now, account, transfer],
        )?;
        self.commit();
        Ok(())
    }
}

fn named(tx: &mut Tx, account: &str, key: &str, now: Ms) -> Result<Option<Found>, Fault> {
    let row = tx.optional(&format!("{} AND t.key = $4", callable()), args![account, 0_i64, now, key])?;
    row.as_ref().map(found).transpose()
}

/// The soonest to expire of those that wait; after that one was refused, the smallest below it.
fn next(tx: &mut Tx, account: &str, hold: &AccountHold, now: Ms) -> Result<Option<Found>, Fault> {
    let first = hold.ceiling.and_then(|ceiling| ceiling.refused_first);
    let row = tx.optional(
        &next_sql(first.is_some()),
        args![account, i64::from(least(hold)), now, first.map_or(i64::MAX, i64::from)],
    )?;
    row.as_ref().map(found).transpose()
}

fn found(row: &Row) -> Result<Found, Fault> {
    Ok(Found { key: row.get("key")?, channel: row.get("channel")?, state: row::state(row)? })
}

fn begin(tx: &mut Tx, account: &str, found: &Found, now: Ms) -> Result<(), Fault> {
    if matches!(found.state, State::Held { .. }) {
        again(tx, &found.key, &found.state, now)?;
    }
    tx.execute("UPDATE accounts SET probe = $1 WHERE account = $2", args![&*found.key, account])?;
    schedule::schedule_channel(tx, account, &found.channel, now)
}

/// Something waits, and nothing of it can be called now: the round is over, and the next one begins at its time, or as
/// soon as the first of them is due again.
fn wait(tx: &mut Tx, account: &str, hold: &AccountHold, now: Ms, next_probe_at: Ms) -> Result<(), Fault> {
    let row = tx.one(
        &format!("SELECT MIN(t.due_at) AS due FROM transfers t WHERE {WAITING} AND t.due_at > $3"),
        args![account, i64::from(least(hold)), now],
    )?;
    let due: Option<Ms> = row.get("due")?;
    let second = hold.ceiling.is_some_and(|ceiling| ceiling.refused_first.is_some());
    let at = due.filter(|_| !second).map_or(next_probe_at, |due| due.min(next_probe_at));
    tx.execute(
        "UPDATE accounts SET probe = NULL, refused_first = NULL, probe_at = $1 WHERE account = $2",
        args![at, account],
    )?;
    Ok(())
}
