//! Where no new call is made: by a person's word, or by the brake's. What is doubtful is still read.

use crate::{
    domain::{Ms, closed::PauseCause},
    ledger::{
        Act, Ledger, LedgerError, Scope,
        db::{Fault, Row, Tx, args},
        decide::audit::{self, Entry},
        storable,
        view::{self, Action},
    },
};

/// The name under which the rules act.
pub(in crate::ledger) const DAYBRIDGE: &str = "daybridge";

impl Ledger {
    /// No new call is made in this scope until it is resumed. `false`: it was paused already.
    pub async fn pause(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        let (scope, act) = (scope.clone(), act.kept());
        self.db.alone(move |tx| tx.pause(&scope, PauseCause::Operator, &act.lent(), now)).await
    }

    /// The pauses that hold now, oldest first.
    pub async fn pauses(&self) -> Result<Vec<view::Pause>, LedgerError> {
        self.db.read(move |tx| tx.pauses()).await
    }
}

impl Tx {
    /// Of two that pause at once, one does.
    pub(in crate::ledger) fn pause(
        &mut self,
        scope: &Scope,
        cause: PauseCause,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, Fault> {
        let begun = begin(self, scope, cause, act, now)?;
        self.commit();
        Ok(begun)
    }

    /// Channels that were put off are due, soonest expiry first.
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
            action: Action::Resume,
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
    let which = match &pause.scope {
        Scope::Account(account) => format!(" --account {account}"),
        Scope::Channel(account, channel) => format!(" --account {account} --channel {channel}"),
        Scope::All => String::new(),
    };
    let view::Pause { who, reason, .. } = pause;
    Ok(Some(format!("paused by {who} ({reason}); `daybridge resume{which}` goes on")))
}

/// Begins a pause; `false`: the scope is paused already.
pub(in crate::ledger) fn begin(
    tx: &mut Tx,
    scope: &Scope,
    cause: PauseCause,
    act: &Act<'_>,
    now: Ms,
) -> Result<bool, Fault> {
    let word = scope.word();
    let begun = tx.execute(
        "INSERT INTO pauses (scope, cause, since, who, reason) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (scope) WHERE ended_at IS NULL DO NOTHING",
        args![&*word, cause, now, act.who, storable::text(act.reason)],
    )?;
    if begun == 0 {
        return Ok(false);
    }
    let entry = Entry {
        action: Action::Pause,
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

pub(in crate::ledger) fn pause(row: &Row) -> Result<view::Pause, Fault> {
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
    let (far, all) = (now.saturating_add(AHEAD_MS), i64::from(account.is_none()));
    // Each by its index, which has only what waits; `|| ''` keeps that of the account's channels out.
    for waits in [
        "deferred = 1 AND ($6 = 1 OR account || '' = $4)",
        match account {
            None => "due_at IS NOT NULL AND due_at <= $2 AND $6 = 1 AND COALESCE($4, '') = ''",
            Some(_) => "due_at IS NOT NULL AND due_at <= $2 AND account = $4 AND $6 = 0",
        },
    ] {
        tx.execute(
            &format!(
                "UPDATE channels SET deferred = 0, \
                 due_at = CASE WHEN active_till >= $1 THEN $2 ELSE active_till - $3 END \
                 WHERE {waits} AND ($5 = '' OR channel || '' = $5)"
            ),
            args![far, now, AHEAD_MS, account, channel.unwrap_or_default(), all],
        )?;
    }
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
