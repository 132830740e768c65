//! What a plan says: its payments, its events, and what differs between two of them.

use crate::ledger::{
    Ledger, LedgerError,
    db::{
        Fault, Row, Tx, args,
        compression::{pack, unpack},
        filter::Filter,
    },
    plan::{Candidate, Change, PlanVerdict},
    row::narrow,
    view::{self, Planned},
};

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

impl Ledger {
    /// Adds events and what would become of their payments; of two verdicts on a payment the weightier stays.
    pub async fn plan_add(
        &self,
        plan: i64,
        events: &[Candidate],
        payments: &[view::Planned],
    ) -> Result<(), LedgerError> {
        let (events, payments) = (events.to_vec(), payments.to_vec());
        self.db.write(move |tx| tx.plan_add(plan, &events, &payments)).await
    }

    /// What a plan says of payments, in its order, after a position.
    pub async fn plan_payments(
        &self,
        plan: i64,
        verdict: Option<PlanVerdict>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Planned)>, LedgerError> {
        self.db.read(move |tx| tx.plan_payments(plan, verdict, after, limit)).await
    }

    /// The events of a plan, or of one payment in it, in its order, after a position.
    pub async fn plan_events(
        &self,
        plan: i64,
        payment: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Candidate)>, LedgerError> {
        let payment = payment.map(str::to_owned);
        self.db.read(move |tx| tx.plan_events(plan, payment.as_deref(), after, limit)).await
    }

    /// What differs between what two plans of the same events say. `rest`: the other one is of the rest of a plan that
    /// was begun.
    pub async fn plan_changes(
        &self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, LedgerError> {
        self.db.read(move |tx| tx.plan_changes(plan, other, rest, limit)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn plan_add(
        &mut self,
        plan: i64,
        events: &[Candidate],
        payments: &[Planned],
    ) -> Result<(), Fault> {
        let row = self.one("SELECT MAX(position) AS last FROM plan_events WHERE plan = $1", args![plan])?;
        let mut position = row.get::<Option<i64>>("last")?.unwrap_or(0);
        for payment in payments {
            self.execute(concat!(
                "INSERT INTO plan_payments (plan, payment, position, verdict, reason, channel, days, before, after) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (plan, payment) DO UPDATE SET \
                 verdict = excluded.verdict, reason = excluded.reason, channel = excluded.channel, \
                 days = excluded.days, before = excluded.before, after = excluded.after WHERE ",
                weight!("excluded.verdict"),
                " > ",
                weight!("plan_payments.verdict")
            ), args![plan, &*payment.payment, position.saturating_add(1), payment.verdict, &*payment.reason, payment.channel.as_deref(), payment.days.map(i64::from), payment.active_till_before, payment.active_till_after])?;
        }
        for event in events {
            position = position.saturating_add(1);
            let zlib = event.body.as_deref().map(pack).transpose()?;
            self.execute("INSERT INTO plan_events (plan, position, payment, event, source, event_id, event_type, zlib) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", args![plan, position, &*event.payment, event.number, &*event.source, &*event.event_id, &*event.event_type, zlib])?;
        }
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn plan_payments(
        &mut self,
        plan: i64,
        verdict: Option<PlanVerdict>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Planned)>, Fault> {
        let rows = Filter::default()
            .number("plan =", Some(plan))
            .word("verdict =", verdict)
            .number("position >", Some(after))
            .rows(
                self,
                "SELECT position, payment, verdict, reason, channel, days, before, after FROM plan_payments",
                "ORDER BY position, payment",
                limit,
            )?;
        rows.iter().map(|row| Ok((row.get("position")?, planned(row)?))).collect()
    }

    pub(in crate::ledger) fn plan_events(
        &mut self,
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
                self,
                "SELECT position, payment, event, source, event_id, event_type, zlib FROM plan_events",
                "ORDER BY position",
                limit,
            )?;
        rows.iter()
            .map(|row| {
                let zlib: Option<Vec<u8>> = row.get("zlib")?;
                let candidate = Candidate {
                    payment: row.get("payment")?,
                    number: row.get("event")?,
                    source: row.get("source")?,
                    event_id: row.get("event_id")?,
                    event_type: row.get("event_type")?,
                    body: zlib.as_deref().map(|zlib| unpack(zlib, "an event of a plan")).transpose()?,
                };
                Ok((row.get("position")?, candidate))
            })
            .collect()
    }

    /// Compared in the database, so that a plan of any size costs no memory here.
    pub(in crate::ledger) fn plan_changes(
        &mut self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, Fault> {
        // Of the rest of a plan that was begun, what is skipped now may have been done by its beginning.
        let (join, still) = if rest { ("", " AND b.verdict <> 'skip'") } else { ("LEFT ", "") };
        let rows = self.all(&format!(
            "SELECT a.payment, a.verdict AS verdict_a, a.reason AS reason_a, a.days AS days_a, a.channel AS channel_a, \
             a.before AS before_a, b.verdict AS verdict_b, b.reason AS reason_b, b.days AS days_b, \
             b.channel AS channel_b, b.before AS before_b FROM plan_payments a \
             {join}JOIN plan_payments b ON b.plan = $2 AND b.payment = a.payment WHERE a.plan = $1{still} \
             AND EXISTS (SELECT 1 FROM plan_events e WHERE e.plan = $1 AND e.payment = a.payment) \
             AND (b.verdict IS NULL OR a.verdict <> b.verdict OR (a.verdict <> 'skip' AND a.reason <> b.reason) \
                  OR COALESCE(a.days, 0) <> COALESCE(b.days, 0) OR COALESCE(a.channel, '') <> COALESCE(b.channel, '') \
                  OR COALESCE(a.before, 0) <> COALESCE(b.before, 0)) ORDER BY a.position, a.payment LIMIT $3",
        ), args![plan, other, i64::from(limit)])?;
        rows.iter().map(change).collect()
    }
}

fn planned(row: &Row) -> Result<Planned, Fault> {
    Ok(Planned {
        payment: row.get("payment")?,
        verdict: row.get("verdict")?,
        reason: row.get("reason")?,
        channel: row.get("channel")?,
        days: row.get::<Option<i64>>("days")?.map(narrow),
        active_till_before: row.get("before")?,
        active_till_after: row.get("after")?,
    })
}

fn change(row: &Row) -> Result<Change, Fault> {
    let side = |verdict: &str, reason: &str, days: &str, channel: &str, before: &str| {
        let Some(verdict) = row.get::<Option<PlanVerdict>>(verdict)? else {
            return Ok::<_, Fault>("nothing".to_owned());
        };
        let mut text = verdict.to_string();
        if let (Some(days), Some(channel)) =
            (row.get::<Option<i64>>(days)?, row.get::<Option<String>>(channel)?)
        {
            text = format!("{text} {channel} {days}d");
        }
        if let Some(before) = row.get::<Option<i64>>(before)? {
            text = format!("{text} from activeTill {before}");
        }
        Ok(format!("{text}: {}", row.get::<Option<String>>(reason)?.unwrap_or_default()))
    };
    Ok(Change {
        payment: row.get("payment")?,
        planned: side("verdict_a", "reason_a", "days_a", "channel_a", "before_a")?,
        now: side("verdict_b", "reason_b", "days_b", "channel_b", "before_b")?,
    })
}
