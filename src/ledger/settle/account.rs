//! The account's hold: what a refusal for the balance, or of the token, keeps back until a probe goes through.
//!
//! A refused token rests all calls. A refusal for the balance keeps back what is as large as what was refused or
//! larger, by the rule of [`Ceiling`]. The row of the hold is written before the transfer that it keeps back, and
//! touched again by the transaction that holds that one: of a worker whose call went through and one whose call was
//! refused, the first can't end a hold of which the second is about to leave something behind.

use super::{pause, schedule, transition};
use crate::{
    domain::{
        Ms,
        allocation::balance::Ceiling,
        closed::HeldCause,
        settle::{AccountSignal, State, planned_again},
    },
    ledger::{
        AccountHold, Ledger, LedgerError, Scope,
        db::{Fault, Row, Tx, args, fault::corrupt},
        row,
    },
};

pub(in crate::ledger) fn hold_of(row: &Row) -> Result<AccountHold, Fault> {
    let news = match row.get("news")? {
        HeldCause::Balance => AccountSignal::NoBalance,
        HeldCause::Unauthorized => AccountSignal::NoToken,
        other => return Err(corrupt(format!("the column news holds {other}, for which no account is held"))),
    };
    let refused_first = row.get::<Option<i64>>("refused_first")?.map(row::narrow);
    let days = row.get::<Option<i64>>("ceiling")?.map(row::narrow);
    Ok(AccountHold {
        news,
        since: row.get("since")?,
        probe_at: row.get("probe_at")?,
        probe: row.get("probe")?,
        ceiling: days.map(|days| Ceiling { days, refused_first }),
    })
}

/// The hold of an account, if there is one.
pub(in crate::ledger) fn hold(executor: &mut Tx, account: &str) -> Result<Option<AccountHold>, Fault> {
    let row = executor.optional(
        "SELECT news, since, probe_at, probe, ceiling, refused_first FROM accounts WHERE account = $1",
        args![account],
    )?;
    row.as_ref().map(hold_of).transpose()
}

impl Ledger {
    /// Why the account's calls rest, if they do.
    pub async fn account_hold(&self, account: &str) -> Result<Option<AccountHold>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.account_hold(&account)).await
    }

    /// Takes in what a step of a transfer says about the account: [`AccountSignal::NoBalance`] and `NoToken` start a
    /// hold (or move its probe to `probe_at`); `Reads` ends a token hold; `Extends` too, and it ends one for the
    /// balance by the rule of [`Ceiling`]. What waits no more is planned again, and its channel is due.
    pub async fn account_news(
        &self,
        account: &str,
        news: AccountSignal,
        transfer: &str,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), LedgerError> {
        let (account, transfer) = (account.to_owned(), transfer.to_owned());
        let of = account.clone();
        if !self.db.read(move |tx| tx.is_news(&of, news)).await? {
            return Ok(());
        }
        self.db.alone(move |tx| tx.account_news(&account, news, &transfer, now, probe_at)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn account_hold(&mut self, account: &str) -> Result<Option<AccountHold>, Fault> {
        hold(self, account)
    }

    /// Whether news may change anything. Good news for an account without a hold, which is nearly all news, does not.
    pub(in crate::ledger) fn is_news(&mut self, account: &str, news: AccountSignal) -> Result<bool, Fault> {
        Ok(match (self.account_hold(account)?, news) {
            (None, AccountSignal::Reads | AccountSignal::Extends) => false,
            (Some(hold), AccountSignal::Reads) => hold.news != AccountSignal::NoBalance,
            _ => true,
        })
    }

    /// Alone: what the news does depends on the hold it finds.
    pub(in crate::ledger) fn account_news(
        &mut self,
        account: &str,
        news: AccountSignal,
        transfer: &str,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), Fault> {
        let hold = hold(self, account)?;
        let told = Told { account, transfer, now, probe_at };
        match (news, hold) {
            (AccountSignal::NoBalance, hold) => told.no_balance(self, hold)?,
            (AccountSignal::NoToken, hold) => told.no_token(self, hold)?,
            (AccountSignal::Reads, Some(hold)) => told.reads(self, hold)?,
            (AccountSignal::Extends, Some(hold)) => told.extends(self, hold)?,
            (AccountSignal::Reads | AccountSignal::Extends, None) => return Ok(()),
        }
        self.commit();
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
    fn no_balance(&self, tx: &mut Tx, hold: Option<AccountHold>) -> Result<(), Fault> {
        let token = hold.as_ref().is_some_and(|hold| hold.news == AccountSignal::NoToken);
        if token {
            // Told of the balance, the partner took the token.
            plan_again(tx, self.account, HeldCause::Unauthorized, None, self.now)?;
        }
        let before = hold.as_ref().and_then(|hold| hold.ceiling);
        let probe = hold.as_ref().is_some_and(|hold| hold.probe.as_deref() == Some(self.transfer));
        let ceiling = Ceiling::refused(before, self.days(tx)?, probe);
        let goes_on = !probe && !token;
        let next = match &hold {
            Some(hold) if goes_on && (hold.probe.is_some() || ceiling.refused_first.is_some()) => {
                hold.clone()
            }
            _ => AccountHold {
                news: AccountSignal::NoBalance,
                since: self.now,
                probe_at: if probe && ceiling.refused_first.is_some() { self.now } else { self.probe_at },
                probe: None,
                ceiling: None,
            },
        };
        write(tx, self.account, &AccountHold { ceiling: Some(ceiling), ..next })?;
        if ceiling.days > 1 && before.is_none_or(|before| before.days > ceiling.days) {
            // What goes on goes by its expiry from now on, for there may not be enough for all.
            pause::release(tx, &Scope::Account(self.account.to_owned()), self.now)?;
        }
        Ok(())
    }

    fn no_token(&self, tx: &mut Tx, hold: Option<AccountHold>) -> Result<(), Fault> {
        let ceiling = hold.and_then(|hold| hold.ceiling);
        let next = AccountHold {
            news: AccountSignal::NoToken,
            since: self.now,
            probe_at: self.probe_at,
            probe: None,
            ceiling: ceiling.map(|ceiling| Ceiling { refused_first: None, ..ceiling }),
        };
        write(tx, self.account, &next)
    }

    /// Only a token hold ends by a read. One for the balance that it lay over goes on.
    fn reads(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        if hold.news != AccountSignal::NoToken {
            return Ok(());
        }
        plan_again(tx, self.account, HeldCause::Unauthorized, None, self.now)?;
        self.goes_on(tx, hold)
    }

    fn extends(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        let days = self.days(tx)?;
        let left = hold.ceiling.and_then(|ceiling| ceiling.moved(days));
        if hold.news == AccountSignal::NoToken {
            plan_again(tx, self.account, HeldCause::Unauthorized, None, self.now)?;
        } else if left == hold.ceiling && left.is_some() {
            return Ok(());
        }
        plan_again(tx, self.account, HeldCause::Balance, left.map(|ceiling| ceiling.days), self.now)?;
        self.goes_on(tx, AccountHold { ceiling: left, ..hold })
    }

    /// With what is known of the balance, as long as something waits for it.
    fn goes_on(&self, tx: &mut Tx, hold: AccountHold) -> Result<(), Fault> {
        let Some(ceiling) = hold.ceiling else { return end(tx, self.account, self.now) };
        if !waits(tx, self.account, ceiling.days)? {
            return end(tx, self.account, self.now);
        }
        let next = AccountHold {
            news: AccountSignal::NoBalance,
            since: self.now,
            probe_at: self.probe_at,
            probe: hold.probe,
            ceiling: Some(ceiling),
        };
        write(tx, self.account, &next)?;
        pause::release(tx, &Scope::Account(self.account.to_owned()), self.now)
    }

    fn days(&self, tx: &mut Tx) -> Result<u32, Fault> {
        let row = tx.optional("SELECT days FROM transfers WHERE key = $1", args![self.transfer])?;
        Ok(row.map(|row| row.get("days")).transpose()?.map_or(1, row::narrow))
    }
}

/// Writes a hold; one of the same news lasts since it began.
fn write(tx: &mut Tx, account: &str, hold: &AccountHold) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO accounts (account, news, since, probe_at, probe, ceiling, refused_first) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account) DO UPDATE SET news = excluded.news, \
         probe_at = excluded.probe_at, probe = excluded.probe, ceiling = excluded.ceiling, \
         refused_first = excluded.refused_first, \
         since = CASE WHEN accounts.news = excluded.news THEN accounts.since ELSE excluded.since END",
        args![
            account,
            if hold.news == AccountSignal::NoToken { HeldCause::Unauthorized } else { HeldCause::Balance },
            hold.since,
            hold.probe_at,
            hold.probe.as_deref(),
            hold.ceiling.map(|ceiling| i64::from(ceiling.days)),
            hold.ceiling.and_then(|ceiling| ceiling.refused_first).map(i64::from)
        ],
    )?;
    Ok(())
}

/// For the transaction that holds a transfer for its account: whoever ends the hold meanwhile meets this one, or has
/// ended it before, and then it begins anew.
pub(in crate::ledger) fn must_hold(
    tx: &mut Tx,
    account: &str,
    transfer: &str,
    cause: HeldCause,
    now: Ms,
) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO accounts (account, news, since, probe_at, probe, ceiling) SELECT $1, $2, $3, $3, NULL, \
         CASE WHEN $2 = 'balance' THEN days ELSE NULL END FROM transfers WHERE key = $4 \
         ON CONFLICT (account) DO UPDATE SET ceiling = CASE WHEN excluded.ceiling < accounts.ceiling \
         OR accounts.ceiling IS NULL THEN excluded.ceiling ELSE accounts.ceiling END",
        args![account, cause, now, transfer],
    )?;
    Ok(())
}

/// Ends the hold; channels that were put off for it are due, soonest expiry first.
pub(in crate::ledger) fn end(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    tx.execute("DELETE FROM accounts WHERE account = $1", args![account])?;
    pause::release(tx, &Scope::Account(account.to_owned()), now)
}

/// Plans again what was made shorter than the ceiling: what was refused were more days.
pub(in crate::ledger) fn goes_on_below(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    let ceiling = hold(tx, account)?.and_then(|hold| hold.ceiling);
    plan_again(tx, account, HeldCause::Balance, ceiling.map(|ceiling| ceiling.days), now)
}

/// Ends the hold of an account for which nothing waits any more.
pub(in crate::ledger) fn end_without_waiting(tx: &mut Tx, account: &str, now: Ms) -> Result<(), Fault> {
    let Some(hold) = hold(tx, account)? else { return Ok(()) };
    if !waits(tx, account, least(&hold))? {
        end(tx, account, now)?;
    }
    Ok(())
}

/// The fewest days of a transfer that a hold keeps back.
pub(in crate::ledger) fn least(hold: &AccountHold) -> u32 {
    match (hold.news, hold.ceiling) {
        (AccountSignal::NoBalance, Some(ceiling)) => ceiling.days,
        _ => 1,
    }
}

/// A transfer `t` of `$2` days or more that is planned or held for the account `$1`. Along the states: there are few of
/// these, and the account has nearly all transfers that ever were.
pub(in crate::ledger) const WAITING: &str = "t.state <> 'settled' AND t.state IN ('planned', 'held') \
     AND t.account || '' = $1 AND t.days + 0 >= $2 \
     AND ((t.state = 'planned' AND t.due_at IS NOT NULL) OR t.cause IN ('balance', 'unauthorized'))";

/// Whether a transfer of so many days or more is planned or held for the account.
pub(in crate::ledger) fn waits(connection: &mut Tx, account: &str, days: u32) -> Result<bool, Fault> {
    let row = connection.optional(
        &format!("SELECT t.key FROM transfers t WHERE {WAITING} LIMIT 1"),
        args![account, i64::from(days)],
    )?;
    Ok(row.is_some())
}

const HELD_FOR: &str = "SELECT key, channel, detail FROM transfers WHERE account = $1 AND cause = $2 \
     AND state = 'held' AND days < $3 ORDER BY created_at LIMIT 1";

/// Plans again every transfer held for a cause, or only those of fewer days. Each was refused, so none has an open
/// outcome.
fn plan_again(
    tx: &mut Tx,
    account: &str,
    cause: HeldCause,
    below: Option<u32>,
    now: Ms,
) -> Result<(), Fault> {
    loop {
        let row = tx.optional(HELD_FOR, args![account, cause, below.map_or(i64::MAX, i64::from)])?;
        let Some(row) = row else { return Ok(()) };
        let (key, channel): (String, String) = (row.get("key")?, row.get("channel")?);
        again(tx, &key, &row::state(&row)?, now)?;
        schedule::schedule_channel(tx, account, &channel, now)?;
    }
}

pub(in crate::ledger) fn again(tx: &mut Tx, key: &str, state: &State, now: Ms) -> Result<(), Fault> {
    let next = planned_again(state, now)
        .ok_or_else(|| corrupt(format!("{key} is held for the account, but its outcome is open")))?;
    if !transition::compare_and_set(tx, key, state, &next, None, now)? {
        return Err(Fault::Conflict(format!("{key} was decided meanwhile")));
    }
    Ok(())
}
