//! What is known of the balance, and what will be needed of it.

use crate::{
    domain::{
        DAY_MS, Ms,
        allocation::forecast::{Owing, Since, committed as needed, daily, dark, late, runway},
    },
    ledger::{
        Act, Ledger, LedgerError,
        db::{Fault, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        row::narrow,
        settle::{brake::DAYS, steps::SLOT_MS},
        storable,
        view::{self, Action, MarkKind},
    },
};

/// Most days that a balance is said to have.
const BALANCE_MAX: i64 = 100_000_000;

/// How far ahead needs are told, in days.
const WITHIN_DAYS: [u32; 2] = [7, 30];

/// Grants of so many days tell what is normal.
const NORMAL_DAYS: i64 = 28;

/// Days on their way, or in doubt, of the account `$1`.
const OPEN: &str = "SELECT CAST(COALESCE(SUM(t.days), 0) AS BIGINT) FROM transfers t WHERE t.state <> 'settled' \
     AND t.state IN ('intended', 'doubtful', 'held') AND t.open = 1 AND t.account || '' = $1";

impl Ledger {
    /// A person says what is on the balance, or what was added to it.
    pub async fn mark_balance(
        &self,
        account: &str,
        kind: MarkKind,
        days: i64,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), LedgerError> {
        let (account, act) = (account.to_owned(), act.kept());
        self.db.write(move |tx| tx.mark_balance(&account, kind, days, &act.lent(), now)).await
    }

    /// What is known of the balance; `within_days`: another horizon beside those of always.
    pub async fn balance(
        &self,
        account: &str,
        within_days: Option<u32>,
        now: Ms,
    ) -> Result<view::Balance, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.balance(&account, within_days, now)).await
    }

    /// The same, and what will be needed of it on each of so many days.
    pub async fn forecast(&self, account: &str, days: u32, now: Ms) -> Result<view::Forecast, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.forecast(&account, days, now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn mark_balance(
        &mut self,
        account: &str,
        kind: MarkKind,
        days: i64,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        let least = if kind == MarkKind::Add { 1 } else { 0 };
        if !(least..=BALANCE_MAX).contains(&days) {
            return Err(refused(format!(
                "days must be {least} to {BALANCE_MAX}, as Whapi's dashboard shows them"
            )));
        }
        if kind == MarkKind::Add && self.mark(account)?.is_none() {
            return Err(refused(
                "nobody has said what is on the balance yet: `daybridge balance set DAYS` first, then add to it",
            ));
        }
        self.execute(
            &format!(
                "INSERT INTO balance_marks (account, at, kind, days, who, reason, under_way) \
                 VALUES ($1, $2, $3, $4, $5, $6, ({OPEN}))"
            ),
            args![account, now, kind, days, act.who, storable::text(act.reason)],
        )?;
        let (action, key) = (Action::Balance, format!("account:{account}"));
        let after = Some(format!("{kind} {days} days"));
        audit::add(self, Entry { action, key: &key, act: *act, before: None, after }, now)?;
        self.commit();
        Ok(())
    }

    /// When it was last said, how many days with those added and come back since, and how many were on their way then.
    fn mark(&mut self, account: &str) -> Result<Option<(Ms, i64, i64)>, Fault> {
        let row = self.optional(
            "SELECT m.at, m.under_way, m.days + (SELECT CAST(COALESCE(SUM(a.days), 0) AS BIGINT) FROM balance_marks a \
             WHERE a.account = m.account AND a.kind IN ('add', 'returned') AND a.number > m.number) AS days \
             FROM balance_marks m WHERE m.account = $1 AND m.kind = 'set' ORDER BY m.number DESC LIMIT 1",
            args![account],
        )?;
        row.map(|row| Ok((row.get("at")?, row.get("days")?, row.get("under_way")?))).transpose()
    }

    pub(in crate::ledger) fn balance(
        &mut self,
        account: &str,
        within_days: Option<u32>,
        now: Ms,
    ) -> Result<view::Balance, Fault> {
        let owing = self.owing(account)?;
        self.balance_of(account, &owing, within_days, now)
    }

    pub(in crate::ledger) fn forecast(
        &mut self,
        account: &str,
        days: u32,
        now: Ms,
    ) -> Result<view::Forecast, Fault> {
        let owing = self.owing(account)?;
        let balance = self.balance_of(account, &owing, None, now)?;
        let lead_ms = self.place().allocation().lead_ms;
        // Rounded in sum, so that the days come to what is told of all of them.
        let new_until = |day: u32| (balance.granted_a_day * f64::from(day)).round() as i64;
        let needs = (0_u32..).zip(daily(&owing, lead_ms, days, now)).map(|(day, committed)| view::Need {
            committed,
            new: new_until(day.saturating_add(1)).saturating_sub(new_until(day)),
        });
        Ok(view::Forecast { needs: needs.collect(), balance })
    }

    fn balance_of(
        &mut self,
        account: &str,
        owing: &[Owing],
        within_days: Option<u32>,
        now: Ms,
    ) -> Result<view::Balance, Fault> {
        let mark = self.mark(account)?;
        let since = self.since(account, mark)?;
        let interval = mark.and_then(|_| since.interval());
        let lead_ms = self.place().allocation().lead_ms;
        let granted = self.granted_since(account, now.saturating_sub(NORMAL_DAYS * DAY_MS))?;
        let granted_a_day = granted as f64 / NORMAL_DAYS as f64;
        let horizons = WITHIN_DAYS.into_iter().chain(within_days);
        let committed = horizons.map(|within_days| {
            let committed = needed(owing, lead_ms, within_days, now);
            let new = (granted_a_day * f64::from(within_days)).round() as i64;
            view::Committed { within_days, committed, expected: committed.saturating_add(new) }
        });
        Ok(view::Balance {
            account: account.to_owned(),
            marked_at: mark.map(|(at, ..)| at),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            stale: mark.is_some() && interval.is_none(),
            moved: since.moved,
            open: since.open,
            unexplained: since.unexplained,
            refused: since.refused,
            owed: owing.iter().map(|one| i64::from(one.owed)).sum(),
            dark: dark(owing, now),
            late: late(owing, lead_ms, now),
            short: interval.is_some_and(|interval| interval.high < needed(owing, lead_ms, 1, now)),
            committed: committed.collect(),
            granted_a_day,
            runway_days: interval.map(|interval| runway(owing, interval.low, lead_ms, now)),
        })
    }

    /// What happened since the mark.
    fn since(&mut self, account: &str, mark: Option<(Ms, i64, i64)>) -> Result<Since, Fault> {
        let Some((at, mark, under_way)) = mark else { return Ok(Since::default()) };
        // What moved is summed by spans; the rest of the span of that moment is counted by itself.
        let slot = at.div_euclid(SLOT_MS).saturating_add(1);
        let row = self.one(
            &format!(
                "SELECT (SELECT CAST(COALESCE(SUM(s.days), 0) AS BIGINT) FROM spent s WHERE s.account = $1 AND s.slot >= $3) \
                 + (SELECT CAST(COALESCE(SUM(t.days), 0) AS BIGINT) FROM transfers t WHERE t.settled_at > $2 \
                 AND t.settled_at < $4 AND t.account || '' = $1) AS moved, ({OPEN}) AS open, \
                 (SELECT CAST(COALESCE(SUM(m.high - m.low), 0) AS BIGINT) FROM movements m \
                 WHERE m.account = $1 AND m.at > $2) AS unexplained, \
                 (SELECT a.ceiling FROM accounts a WHERE a.account = $1 AND a.since > $2) AS refused"
            ),
            args![account, at, slot, slot.saturating_mul(SLOT_MS)],
        )?;
        let unexplained_ms: i64 = row.get("unexplained")?;
        Ok(Since {
            mark,
            moved: row.get("moved")?,
            under_way,
            open: row.get("open")?,
            unexplained: unexplained_ms.saturating_add(DAY_MS - 1).div_euclid(DAY_MS),
            refused: row.get("refused")?,
        })
    }

    /// Days granted since, in slices or at once; those of the span in which that is are counted.
    fn granted_since(&mut self, account: &str, since: Ms) -> Result<i64, Fault> {
        let row = self.one(
            &format!(
                "SELECT CAST(COALESCE(SUM({DAYS}), 0) AS BIGINT) AS days FROM spent WHERE account = $1 AND slot >= $2"
            ),
            args![account, since.div_euclid(SLOT_MS)],
        )?;
        row.get("days")
    }

    /// Every channel on which days are owed, in slices or at once.
    fn owing(&mut self, account: &str) -> Result<Vec<Owing>, Fault> {
        let allocation = self.place().allocation();
        let sliced = self.all(
            "SELECT p.channel, c.active_till, MIN(p.source) AS source, MIN(p.slice) AS slice, \
             CAST(SUM(p.days_left) AS BIGINT) AS owed FROM payments p \
             LEFT JOIN channels c ON c.account = p.partner AND c.channel = p.channel \
             WHERE p.partner = $1 AND p.days_left > 0 AND p.stopped IS NULL GROUP BY p.channel, c.active_till",
            args![account],
        )?;
        let mut owing = Vec::with_capacity(sliced.len());
        for row in &sliced {
            let own = row.get::<Option<i64>>("slice")?.map(narrow);
            owing.push(Owing {
                till: row.get::<Option<i64>>("active_till")?.filter(|till| *till < i64::MAX),
                owed: narrow(row.get("owed")?),
                slice: allocation.sizes(&row.get::<String>("source")?, own).slice,
            });
        }
        let at_once: i64 = self
            .one(
                "SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days FROM transfers WHERE state <> 'settled' \
                 AND state = 'planned' AND sliced = 0 AND account || '' = $1",
                args![account],
            )?
            .get("days")?;
        if at_once > 0 {
            owing.push(Owing { till: None, owed: narrow(at_once), slice: 0 });
        }
        Ok(owing)
    }
}
