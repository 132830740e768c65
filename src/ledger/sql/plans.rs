//! Frozen replays: their rows, their counts, and how far they were published.

use sqlx::{AssertSqlSafe, Row as _, any::AnyRow};

use super::{
    SqlLedger,
    audit::{self, Entry},
    fault::{Fault, corrupt, refused},
    filter::Filter,
    rows::narrow,
    zlib::{pack, unpack},
};
use crate::{
    domain::Ms,
    ledger::{
        Act, Plan,
        plan::{Candidate, Change, PlanState, Progress, Totals},
        query::Page,
        view::Planned,
    },
};

/// Shortest beginning of a hash that names a plan, in characters.
const HASH_CHARS_MIN: usize = 8;

/// A draft older than this was left behind by a process that ended, in ms: 1 day.
const DRAFT_AGE_MS_MAX: i64 = 86_400_000;

const PLAN: &str = "SELECT number, hash, made_by, made_at, selection, state, payments, events, skip, extend, held, \
     conflict, days, published, applied_by, changed_at FROM plans";

/// Weight of a verdict in SQL: what moves days says most.
macro_rules! weight {
    ($column:literal) => {
        concat!(
            "CASE ",
            $column,
            " WHEN 'extend' THEN 3 WHEN 'conflict' THEN 2 WHEN 'held' THEN 1 ELSE 0 END"
        )
    };
}

impl SqlLedger {
    pub(super) async fn plan_begin_once(&self, selection: &str, who: &str, now: Ms) -> Result<i64, Fault> {
        let mut tx = self.plain().await?;
        for statement in [
            "DELETE FROM plan_events WHERE plan IN (SELECT number FROM plans WHERE state = 'draft' AND made_at < $1)",
            "DELETE FROM plan_payments WHERE plan IN (SELECT number FROM plans WHERE state = 'draft' AND made_at < $1)",
            "DELETE FROM plans WHERE state = 'draft' AND made_at < $1",
        ] {
            sqlx::query(statement).bind(now.saturating_sub(DRAFT_AGE_MS_MAX)).execute(&mut *tx).await?;
        }
        let row = sqlx::query(
            "INSERT INTO plans (made_by, made_at, selection, state, payments, events, skip, extend, held, conflict, \
             days, published, changed_at) VALUES ($1, $2, $3, 'draft', 0, 0, 0, 0, 0, 0, 0, 0, $2) RETURNING number",
        )
        .bind(who)
        .bind(now)
        .bind(selection)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(row.try_get("number")?)
    }

    pub(super) async fn plan_add_once(
        &self,
        plan: i64,
        events: &[Candidate],
        payments: &[Planned],
    ) -> Result<(), Fault> {
        let mut tx = self.plain().await?;
        let row = sqlx::query("SELECT MAX(position) AS last FROM plan_events WHERE plan = $1")
            .bind(plan)
            .fetch_one(&mut *tx)
            .await?;
        let mut position = row.try_get::<Option<i64>, _>("last")?.unwrap_or(0);
        for payment in payments {
            sqlx::query(concat!(
                "INSERT INTO plan_payments (plan, payment, position, verdict, reason, channel, days, before, after) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (plan, payment) DO UPDATE SET \
                 verdict = excluded.verdict, reason = excluded.reason, channel = excluded.channel, \
                 days = excluded.days, before = excluded.before, after = excluded.after WHERE ",
                weight!("excluded.verdict"),
                " > ",
                weight!("plan_payments.verdict")
            ))
            .bind(plan)
            .bind(&*payment.payment)
            .bind(position.saturating_add(1))
            .bind(&*payment.verdict)
            .bind(&*payment.reason)
            .bind(payment.channel.as_deref())
            .bind(payment.days.map(i64::from))
            .bind(payment.active_till_before)
            .bind(payment.active_till_after)
            .execute(&mut *tx)
            .await?;
        }
        for event in events {
            position = position.saturating_add(1);
            let zlib = event.body.as_deref().map(pack).transpose()?;
            sqlx::query(
                "INSERT INTO plan_events (plan, position, payment, event, source, event_id, event_type, zlib) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(plan)
            .bind(position)
            .bind(&*event.payment)
            .bind(event.number)
            .bind(&*event.source)
            .bind(&*event.event_id)
            .bind(&*event.event_type)
            .bind(zlib)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn plan_finish_once(&self, plan: i64, hash: &str, now: Ms) -> Result<Plan, Fault> {
        let mut tx = self.plain().await?;
        sqlx::query(
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
        )
        .bind(hash)
        .bind(now)
        .bind(plan)
        .execute(&mut *tx)
        .await?;
        let row = sqlx::query(AssertSqlSafe(format!("{PLAN} WHERE number = $1")))
            .bind(plan)
            .fetch_one(&mut *tx)
            .await?;
        let plan = read(&row)?;
        let entry = Entry {
            action: "replay plan",
            key: hash,
            act: Act { who: &plan.made_by, reason: &plan.selection },
            before: None,
            after: Some(format!("{} events, {} days", plan.events, plan.totals.days)),
        };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(plan)
    }

    pub(super) async fn plan_drop_once(&self, plan: i64) -> Result<(), Fault> {
        let mut tx = self.plain().await?;
        for statement in [
            "DELETE FROM plan_events WHERE plan IN (SELECT number FROM plans WHERE number = $1 AND state = 'draft')",
            "DELETE FROM plan_payments WHERE plan IN (SELECT number FROM plans WHERE number = $1 AND state = 'draft')",
            "DELETE FROM plans WHERE number = $1 AND state = 'draft'",
        ] {
            sqlx::query(statement).bind(plan).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn plan_once(&self, hash: &str) -> Result<Option<Plan>, Fault> {
        if hash.len() < HASH_CHARS_MIN || !hash.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(refused(format!(
                "a plan is named by {HASH_CHARS_MIN} or more characters of its hash"
            )));
        }
        let rows = sqlx::query(AssertSqlSafe(format!(
            "{PLAN} WHERE hash = $1 OR hash LIKE $2 ORDER BY hash LIMIT 2"
        )))
        .bind(hash)
        .bind(format!("{hash}%"))
        .fetch_all(&self.read)
        .await?;
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

    pub(super) async fn plans_once(&self, page: &Page) -> Result<Vec<Plan>, Fault> {
        let after = match page.after.as_deref() {
            Some(hash) => self.plan_once(hash).await?.map(|plan| plan.number),
            None => None,
        };
        let rows = Filter::default()
            .fixed("state <> 'draft'")
            .number("number <", after)
            .rows(&self.read, PLAN, "ORDER BY number DESC", page.limit)
            .await?;
        rows.iter().map(read).collect()
    }

    pub(super) async fn plan_payments_once(
        &self,
        plan: i64,
        verdict: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Planned)>, Fault> {
        let rows = Filter::default()
            .number("plan =", Some(plan))
            .text("verdict =", verdict)
            .number("position >", Some(after))
            .rows(
                &self.read,
                "SELECT position, payment, verdict, reason, channel, days, before, after FROM plan_payments",
                "ORDER BY position, payment",
                limit,
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get("position")?, planned(row)?))).collect()
    }

    pub(super) async fn plan_events_once(
        &self,
        plan: i64,
        payment: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Candidate)>, Fault> {
        let rows = Filter::default()
            .number("plan =", Some(plan))
            .text("payment =", payment)
            .number("position >", Some(after))
            .rows(
                &self.read,
                "SELECT position, payment, event, source, event_id, event_type, zlib FROM plan_events",
                "ORDER BY position",
                limit,
            )
            .await?;
        rows.iter()
            .map(|row| {
                let zlib: Option<Vec<u8>> = row.try_get("zlib")?;
                let candidate = Candidate {
                    payment: row.try_get("payment")?,
                    number: row.try_get("event")?,
                    source: row.try_get("source")?,
                    event_id: row.try_get("event_id")?,
                    event_type: row.try_get("event_type")?,
                    body: zlib.as_deref().map(|zlib| unpack(zlib, "an event of a plan")).transpose()?,
                };
                Ok((row.try_get("position")?, candidate))
            })
            .collect()
    }

    /// Compared in the database, so that a plan of any size costs no memory here.
    pub(super) async fn plan_changes_once(
        &self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, Fault> {
        // Of the rest of a plan that was begun, what is skipped now may have been done by its beginning.
        let (join, still) = if rest { ("", " AND b.verdict <> 'skip'") } else { ("LEFT ", "") };
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT a.payment, a.verdict AS verdict_a, a.reason AS reason_a, a.days AS days_a, a.channel AS channel_a, \
             a.before AS before_a, b.verdict AS verdict_b, b.reason AS reason_b, b.days AS days_b, \
             b.channel AS channel_b, b.before AS before_b FROM plan_payments a \
             {join}JOIN plan_payments b ON b.plan = $2 AND b.payment = a.payment WHERE a.plan = $1{still} \
             AND EXISTS (SELECT 1 FROM plan_events e WHERE e.plan = $1 AND e.payment = a.payment) \
             AND (b.verdict IS NULL OR a.verdict <> b.verdict OR (a.verdict <> 'skip' AND a.reason <> b.reason) \
                  OR COALESCE(a.days, 0) <> COALESCE(b.days, 0) OR COALESCE(a.channel, '') <> COALESCE(b.channel, '') \
                  OR COALESCE(a.before, 0) <> COALESCE(b.before, 0)) ORDER BY a.position, a.payment LIMIT $3",
        )))
        .bind(plan)
        .bind(other)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(change).collect()
    }

    /// One row's compare-and-set.
    pub(super) async fn plan_move_once(
        &self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, Fault> {
        let mut tx = self.plain().await?;
        let states: Vec<String> = from.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let moved = sqlx::query(AssertSqlSafe(format!(
            "UPDATE plans SET state = $1, changed_at = $2, \
             applied_by = CASE WHEN $1 = 'running' THEN $3 ELSE applied_by END \
             WHERE number = $4 AND state IN ({})",
            states.join(", ")
        )))
        .bind(to.as_str())
        .bind(now)
        .bind(act.who)
        .bind(plan.number)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        let action = match to {
            PlanState::Running => "replay apply",
            PlanState::Paused => "replay pause",
            PlanState::Aborted => "replay abort",
            PlanState::Draft | PlanState::Ready | PlanState::Applied => "replay",
        };
        let entry = Entry {
            action,
            key: &plan.hash,
            act: *act,
            before: Some(plan.state.as_str().into()),
            after: Some(to.as_str().into()),
        };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn plan_published_once(
        &self,
        plan: i64,
        progress: Progress,
        now: Ms,
    ) -> Result<PlanState, Fault> {
        let mut tx = self.plain().await?;
        let row = sqlx::query(
            "UPDATE plans SET published = CASE WHEN published < $1 THEN $1 ELSE published END, changed_at = $2, \
             state = CASE WHEN $3 = 1 AND state = 'running' THEN 'applied' ELSE state END \
             WHERE number = $4 RETURNING state",
        )
        .bind(progress.position)
        .bind(now)
        .bind(i64::from(progress.done))
        .bind(plan)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        state(&row)
    }
}

fn state(row: &AnyRow) -> Result<PlanState, Fault> {
    let word: String = row.try_get("state")?;
    PlanState::parse(&word).ok_or_else(|| corrupt(format!("the plan's state {word:?}")))
}

fn read(row: &AnyRow) -> Result<Plan, Fault> {
    let count = |column: &str| Ok::<_, Fault>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0));
    Ok(Plan {
        number: row.try_get("number")?,
        hash: row.try_get::<Option<String>, _>("hash")?.unwrap_or_default(),
        selection: row.try_get("selection")?,
        made_by: row.try_get("made_by")?,
        created_at: row.try_get("made_at")?,
        state: state(row)?,
        applied_by: row.try_get("applied_by")?,
        changed_at: row.try_get("changed_at")?,
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

fn planned(row: &AnyRow) -> Result<Planned, Fault> {
    Ok(Planned {
        payment: row.try_get("payment")?,
        verdict: row.try_get("verdict")?,
        reason: row.try_get("reason")?,
        channel: row.try_get("channel")?,
        days: row.try_get::<Option<i64>, _>("days")?.map(narrow),
        active_till_before: row.try_get("before")?,
        active_till_after: row.try_get("after")?,
    })
}

fn change(row: &AnyRow) -> Result<Change, Fault> {
    let side = |verdict: &str, reason: &str, days: &str, channel: &str, before: &str| {
        let Some(verdict) = row.try_get::<Option<String>, _>(verdict)? else {
            return Ok::<_, Fault>("nothing".to_owned());
        };
        let mut text = verdict;
        if let (Some(days), Some(channel)) =
            (row.try_get::<Option<i64>, _>(days)?, row.try_get::<Option<String>, _>(channel)?)
        {
            text = format!("{text} {channel} {days}d");
        }
        if let Some(before) = row.try_get::<Option<i64>, _>(before)? {
            text = format!("{text} from activeTill {before}");
        }
        Ok(format!("{text}: {}", row.try_get::<Option<String>, _>(reason)?.unwrap_or_default()))
    };
    Ok(Change {
        payment: row.try_get("payment")?,
        planned: side("verdict_a", "reason_a", "days_a", "channel_a", "before_a")?,
        now: side("verdict_b", "reason_b", "days_b", "channel_b", "before_b")?,
    })
}
