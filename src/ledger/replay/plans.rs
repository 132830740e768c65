//! Frozen replays: their counts, their states, and how far they were published.

use crate::{
    domain::Ms,
    ledger::{
        Act, Ledger, LedgerError, Plan,
        db::{Fault, Row, Tx, args, fault::refused, filter::Filter},
        decide::audit::{self, Entry},
        plan::{PlanState, Progress, Totals},
        query::Page,
        view::Action,
    },
};

/// Shortest beginning of a hash that names a plan, in characters.
const HASH_CHARS_MIN: usize = 8;

/// A draft older than this was left behind by a process that ended, in ms: 1 day.
const DRAFT_AGE_MS_MAX: i64 = 86_400_000;

const PLAN: &str = "SELECT number, hash, made_by, made_at, selection, state, payments, events, skip, extend, held, \
     conflict, days, published, applied_by, changed_at FROM plans";

impl Ledger {
    /// Begins a plan; returns its number.
    pub async fn plan_begin(&self, selection: &str, who: &str, now: Ms) -> Result<i64, LedgerError> {
        let (selection, who) = (selection.to_owned(), who.to_owned());
        self.db.write(move |tx| tx.plan_begin(&selection, &who, now)).await
    }

    /// Counts the plan and gives it its hash: it can be applied from now on.
    pub async fn plan_finish(&self, plan: i64, hash: &str, now: Ms) -> Result<Plan, LedgerError> {
        let hash = hash.to_owned();
        self.db.write(move |tx| tx.plan_finish(plan, &hash, now)).await
    }

    /// Drops a plan that was never finished.
    pub async fn plan_drop(&self, plan: i64) -> Result<(), LedgerError> {
        self.db.write(move |tx| tx.plan_drop(plan)).await
    }

    /// A plan by hash, or by an unambiguous beginning of it of 8 characters or more.
    pub async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError> {
        let hash = hash.to_owned();
        self.db.read(move |tx| tx.plan(&hash)).await
    }

    /// Plans, newest first; a page goes on after a hash.
    pub async fn plans(&self, page: &Page) -> Result<Vec<Plan>, LedgerError> {
        let page = page.clone();
        self.db.read(move |tx| tx.plans(&page)).await
    }

    /// Moves a plan from one of some states to another, with the audit entry; `false`: it is in none of them.
    pub async fn plan_move(
        &self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, LedgerError> {
        let (plan, from, act) = (plan.clone(), from.to_vec(), act.kept());
        self.db.write(move |tx| tx.plan_move(&plan, &from, to, &act.lent(), now)).await
    }

    /// Keeps how far a plan was published; returns the state that others may have moved it to.
    pub async fn plan_published(
        &self,
        plan: i64,
        progress: Progress,
        now: Ms,
    ) -> Result<PlanState, LedgerError> {
        self.db.write(move |tx| tx.plan_published(plan, progress, now)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn plan_begin(
        &mut self,
        selection: &str,
        who: &str,
        now: Ms,
    ) -> Result<i64, Fault> {
        for statement in [
            "DELETE FROM plan_events WHERE plan IN (SELECT number FROM plans WHERE state = 'draft' AND made_at < $1)",
            "DELETE FROM plan_payments WHERE plan IN (SELECT number FROM plans WHERE state = 'draft' AND made_at < $1)",
            "DELETE FROM plans WHERE state = 'draft' AND made_at < $1",
        ] {
            self.execute(statement, args![now.saturating_sub(DRAFT_AGE_MS_MAX)])?;
        }
        let row = self.one("INSERT INTO plans (made_by, made_at, selection, state, payments, events, skip, extend, held, conflict, \
             days, published, changed_at) VALUES ($1, $2, $3, 'draft', 0, 0, 0, 0, 0, 0, 0, 0, $2) RETURNING number", args![who, now, selection])?;
        self.commit();
        row.get("number")
    }

    pub(in crate::ledger) fn plan_finish(&mut self, plan: i64, hash: &str, now: Ms) -> Result<Plan, Fault> {
        self.execute(
            "UPDATE plans SET hash = $1, state = 'ready', changed_at = $2, \
             events = (SELECT COUNT(*) FROM plan_events WHERE plan = $3), \
             payments = (SELECT COUNT(*) FROM plan_payments WHERE plan = $3), \
             skip = (SELECT COUNT(*) FROM plan_payments WHERE plan = $3 AND verdict = 'skip'), \
             extend = (SELECT COUNT(*) FROM plan_payments WHERE plan = $3 AND verdict = 'extend'), \
             held = (SELECT COUNT(*) FROM plan_payments WHERE plan = $3 AND verdict = 'held'), \
             conflict = (SELECT COUNT(*) FROM plan_payments WHERE plan = $3 AND verdict = 'conflict'), \
             days = (SELECT COALESCE(CAST(SUM(days) AS BIGINT), 0) FROM plan_payments \
                     WHERE plan = $3 AND verdict = 'extend') \
             WHERE number = $3",
            args![hash, now, plan],
        )?;
        let row = self.one(&format!("{PLAN} WHERE number = $1"), args![plan])?;
        let plan = read(&row)?;
        let entry = Entry {
            action: Action::PlanMade,
            key: hash,
            act: Act { who: &plan.made_by, reason: &plan.selection },
            before: None,
            after: Some(format!("{} events, {} days", plan.events, plan.totals.days)),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(plan)
    }

    pub(in crate::ledger) fn plan_drop(&mut self, plan: i64) -> Result<(), Fault> {
        for statement in [
            "DELETE FROM plan_events WHERE plan IN (SELECT number FROM plans WHERE number = $1 AND state = 'draft')",
            "DELETE FROM plan_payments WHERE plan IN (SELECT number FROM plans WHERE number = $1 AND state = 'draft')",
            "DELETE FROM plans WHERE number = $1 AND state = 'draft'",
        ] {
            self.execute(statement, args![plan])?;
        }
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn plan(&mut self, hash: &str) -> Result<Option<Plan>, Fault> {
        if hash.len() < HASH_CHARS_MIN || !hash.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(refused(format!(
                "a plan is named by {HASH_CHARS_MIN} or more characters of its hash"
            )));
        }
        let rows = self.all(
            &format!("{PLAN} WHERE hash = $1 OR hash LIKE $2 ORDER BY hash LIMIT 2"),
            args![hash, format!("{hash}%")],
        )?;
        let (row, more) = match rows.as_slice() {
            [] => return Ok(None),
            [row, rest @ ..] => (row, !rest.is_empty()),
        };
        let plan = read(row)?;
        if more && plan.hash != hash {
            return Err(refused("several plans begin like this: give more of the hash"));
        }
        Ok(Some(plan))
    }

    pub(in crate::ledger) fn plans(&mut self, page: &Page) -> Result<Vec<Plan>, Fault> {
        let after = match page.after.as_deref() {
            Some(hash) => self.plan(hash)?.map(|plan| plan.number),
            None => None,
        };
        let rows = Filter::default().fixed("state <> 'draft'").number("number <", after).rows(
            self,
            PLAN,
            "ORDER BY number DESC",
            page.limit,
        )?;
        rows.iter().map(read).collect()
    }

    /// One row's compare-and-set.
    pub(in crate::ledger) fn plan_move(
        &mut self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, Fault> {
        let states: Vec<String> = from.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let moved = self.execute(
            &format!(
                "UPDATE plans SET state = $1, changed_at = $2, \
             applied_by = CASE WHEN $1 = 'running' THEN $3 ELSE applied_by END \
             WHERE number = $4 AND state IN ({})",
                states.join(", ")
            ),
            args![to, now, act.who, plan.number],
        )?;
        if moved == 0 {
            return Ok(false);
        }
        let action = match to {
            PlanState::Running => Action::PlanApplied,
            PlanState::Paused => Action::PlanPaused,
            PlanState::Aborted => Action::PlanAborted,
            PlanState::Draft | PlanState::Ready | PlanState::Applied => Action::PlanMoved,
        };
        let entry = Entry {
            action,
            key: &plan.hash,
            act: *act,
            before: Some(plan.state.as_str().into()),
            after: Some(to.as_str().into()),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(true)
    }

    pub(in crate::ledger) fn plan_published(
        &mut self,
        plan: i64,
        progress: Progress,
        now: Ms,
    ) -> Result<PlanState, Fault> {
        let row = self.one("UPDATE plans SET published = CASE WHEN published < $1 THEN $1 ELSE published END, changed_at = $2, \
             state = CASE WHEN $3 = 1 AND state = 'running' THEN 'applied' ELSE state END \
             WHERE number = $4 RETURNING state", args![progress.position, now, i64::from(progress.done), plan])?;
        self.commit();
        row.get("state")
    }
}

fn read(row: &Row) -> Result<Plan, Fault> {
    let count = |column: &str| Ok::<_, Fault>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok(Plan {
        number: row.get("number")?,
        hash: row.get::<Option<String>>("hash")?.unwrap_or_default(),
        selection: row.get("selection")?,
        made_by: row.get("made_by")?,
        created_at: row.get("made_at")?,
        state: row.get("state")?,
        applied_by: row.get("applied_by")?,
        changed_at: row.get("changed_at")?,
        events: count("events")?,
        published: count("published")?,
        totals: Totals {
            payments: count("payments")?,
            skip: count("skip")?,
            extend: count("extend")?,
            held: count("held")?,
            conflict: count("conflict")?,
            days: count("days")?,
        },
    })
}
