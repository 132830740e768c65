//! What metrics and ERROR lines tell of the ledger: along the states of what is not settled, and tables of sums. None
//! grows with the ledger, but with what waits.

use crate::{
    domain::{Ms, closed::PauseCause, settle::AccountSignal},
    ledger::{
        Ledger, LedgerError, Scope,
        db::{Fault, Row, Tx, args},
        measures::{DaysMoved, KeptBack, Measures, Waiting},
        settle::account,
    },
};

/// What each transfer that is not settled waits for, in the order in which a turn looks: `$1` is above 0 where the
/// ledger is on another server, `$2` is the time.
const WAITING: &str = "SELECT w.cause, COUNT(*) AS many, CAST(SUM(w.days) AS BIGINT) AS days, \
     MIN(w.created_at) AS oldest FROM (SELECT t.days, t.created_at, CASE \
     WHEN t.state = 'held' THEN t.cause \
     WHEN t.state = 'intended' THEN 'in_flight' \
     WHEN t.state = 'doubtful' THEN 'doubtful' \
     WHEN $1 > 0 THEN 'failover' \
     WHEN a.news = 'unauthorized' AND t.key <> COALESCE(a.probe, '') THEN 'unauthorized' \
     WHEN a.news = 'balance' AND t.days >= COALESCE(a.ceiling, 1) AND t.key <> COALESCE(a.probe, '') THEN 'balance' \
     ELSE COALESCE((SELECT p.cause FROM pauses p WHERE p.ended_at IS NULL AND p.scope IN \
     ('all', 'account:' || t.account, 'channel:' || t.account || '/' || t.channel) ORDER BY p.number LIMIT 1), CASE \
     WHEN EXISTS (SELECT 1 FROM transfers o WHERE o.account = t.account AND o.channel = t.channel AND o.open = 1) \
     THEN 'channel' WHEN t.due_at > $2 THEN 'retry' ELSE 'due' END) END AS cause \
     FROM transfers t LEFT JOIN accounts a ON a.account = t.account \
     WHERE t.state <> 'settled' AND t.state IN ('planned', 'intended', 'doubtful', 'held') \
     AND (t.state <> 'planned' OR t.due_at IS NOT NULL) AND (t.state <> 'held' OR t.cause IN ('balance', 'unauthorized'))) w GROUP BY w.cause ORDER BY w.cause";

impl Ledger {
    /// What is planned, or held for the account, in a scope, of so many days or more.
    pub async fn kept_back(&self, scope: &Scope, days_min: u32) -> Result<KeptBack, LedgerError> {
        let scope = scope.clone();
        self.db.read(move |tx| tx.kept_back(&scope, days_min)).await
    }

    /// Everything that metrics tell of the ledger, but for what is owed and the balance.
    pub async fn measures(&self, sources: &[String], now: Ms) -> Result<Measures, LedgerError> {
        let sources = sources.to_vec();
        self.db.read(move |tx| tx.measures(&sources, now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn measures(&mut self, sources: &[String], now: Ms) -> Result<Measures, Fault> {
        let pauses: Vec<PauseCause> = self.pauses()?.into_iter().map(|pause| pause.cause).collect();
        let moved = pauses.contains(&PauseCause::Failover);
        Ok(Measures {
            held: self.held_groups(now)?,
            waiting: self.waiting(moved, now)?,
            holds: self.holds()?,
            pauses,
            oldest_open_at: self.oldest_open_at()?,
            moved: self.moved_by_account()?,
            expiry_waiting: self.time(
                "SELECT MIN(c.active_till) AS at FROM transfers t CROSS JOIN channels c \
                     WHERE t.state <> 'settled' AND t.state IN ('planned', 'intended', 'doubtful', 'held') \
                     AND (t.state <> 'planned' OR t.due_at IS NOT NULL) AND c.account = t.account \
                     AND c.channel = t.channel AND c.active_till < $1",
                i64::MAX,
            )?,
            expiry_next: self
                .time("SELECT MIN(active_till) AS at FROM channels WHERE active_till > $1", now)?
                .filter(|at| *at < i64::MAX),
            last_deliveries: self.last_deliveries(sources)?,
            agreements: self.agreements_by_state()?,
            cursors: self.cursors()?,
        })
    }

    fn waiting(&mut self, moved: bool, now: Ms) -> Result<Vec<Waiting>, Fault> {
        let rows = self.all(WAITING, args![i64::from(moved), now])?;
        rows.iter()
            .map(|row| {
                Ok(Waiting {
                    cause: row.get("cause")?,
                    transfers: count(row, "many")?,
                    days: count(row, "days")?,
                    oldest: row.get("oldest")?,
                })
            })
            .collect()
    }

    fn holds(&mut self) -> Result<Vec<(String, AccountSignal)>, Fault> {
        let rows = self.all("SELECT account FROM accounts ORDER BY account", args![])?;
        let mut holds = Vec::with_capacity(rows.len());
        for row in rows {
            let account: String = row.get("account")?;
            if let Some(hold) = account::hold(self, &account)? {
                holds.push((account, hold.news));
            }
        }
        Ok(holds)
    }

    fn oldest_open_at(&mut self) -> Result<Option<Ms>, Fault> {
        let row = self.one(
            "SELECT MIN(CASE WHEN sliced = 1 THEN COALESCE(due_at, created_at) ELSE created_at + 0 END) AS at FROM transfers \
             WHERE state <> 'settled' AND state IN ('planned', 'intended', 'doubtful') \
             AND (state <> 'planned' OR due_at IS NOT NULL)",
            args![],
        )?;
        row.get("at")
    }

    fn moved_by_account(&mut self) -> Result<Vec<DaysMoved>, Fault> {
        let rows = self.all(
            "SELECT account, CAST(SUM(days) AS BIGINT) AS days, CAST(SUM(transfers) AS BIGINT) AS transfers \
             FROM spent GROUP BY account ORDER BY account",
            args![],
        )?;
        rows.iter()
            .map(|row| {
                Ok(DaysMoved {
                    account: row.get("account")?,
                    transfers: count(row, "transfers")?,
                    days: count(row, "days")?,
                })
            })
            .collect()
    }

    fn time(&mut self, statement: &'static str, bound: Ms) -> Result<Option<Ms>, Fault> {
        self.one(statement, args![bound])?.get("at")
    }

    fn cursors(&mut self) -> Result<Vec<(String, Option<Ms>)>, Fault> {
        let rows = self.all("SELECT source, seen_until FROM backfill ORDER BY source", args![])?;
        rows.iter().map(|row| Ok((row.get("source")?, row.get("seen_until")?))).collect()
    }

    /// Along the states, as the account's own look does.
    pub(in crate::ledger) fn kept_back(&mut self, scope: &Scope, days_min: u32) -> Result<KeptBack, Fault> {
        let (account, channel) = match scope {
            Scope::All => (String::new(), String::new()),
            Scope::Account(account) => (account.clone(), String::new()),
            Scope::Channel(account, channel) => (account.clone(), channel.as_str().to_owned()),
        };
        let row = self.one("SELECT COUNT(*) AS many, CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days FROM transfers \
             WHERE state <> 'settled' AND state IN ('planned', 'held') AND ((state = 'planned' AND due_at IS NOT NULL) OR cause IN ('balance', 'unauthorized')) \
             AND ($1 = '' OR account || '' = $1) AND ($3 = '' OR channel || '' = $3) AND days + 0 >= $2", args![account, i64::from(days_min), channel])?;
        Ok(KeptBack { transfers: count(&row, "many")?, days: count(&row, "days")? })
    }
}

fn count(row: &Row, column: &str) -> Result<u64, Fault> {
    Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0))
}
