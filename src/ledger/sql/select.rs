//! What a replay would take, and what would become of it.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _, any::AnyRow};

use super::{SqlLedger, fault::Fault, rows::narrow, show::resolve};
use crate::ledger::{Selection, view::Planned};

impl SqlLedger {
    /// The `WHERE` is put together from fixed texts, so that each selection walks its own index; every value
    /// is bound.
    pub(super) async fn select_once(&self, wanted: &Selection, limit: u32) -> Result<Vec<Planned>, Fault> {
        let mut connection = self.read.acquire().await?;
        let payment = match &wanted.payment {
            Some(name) => match resolve(&mut connection, name).await? {
                Some(key) => Some(key),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let mut texts: Vec<&str> = Vec::new();
        let mut times: Vec<i64> = Vec::new();
        let mut conditions = Vec::new();
        let words = [("e.event_id", &wanted.event), ("e.payment", &payment), ("e.source", &wanted.source)];
        for (column, value) in words.iter().filter_map(|(column, value)| Some((column, value.as_deref()?))) {
            texts.push(value);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
        for (column, value) in [("e.received_at >=", wanted.since), ("e.received_at <", wanted.until)] {
            if let Some(value) = value {
                times.push(value);
                conditions.push(format!("{column} ${}", texts.len().saturating_add(times.len())));
            }
        }
        if wanted.dead {
            conditions.push("e.dead = 1".into());
        }
        if conditions.is_empty() {
            conditions.push("e.number > 0".into());
        }
        let last = texts.len().saturating_add(times.len()).saturating_add(1);
        let statement = format!(
            "SELECT e.number, e.event_id, e.payment, e.held_cause, e.held_reason, e.dead, \
             p.granted, p.decision, p.reason, p.channel, p.days, t.state, t.open FROM events e \
             LEFT JOIN payments p ON p.key = e.payment \
             LEFT JOIN transfers t ON t.payment = e.payment AND t.n = 1 \
             WHERE {} ORDER BY e.number LIMIT ${last}",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for text in texts {
            query = query.bind(text);
        }
        for time in times {
            query = query.bind(time);
        }
        let rows = query.bind(i64::from(limit)).fetch_all(&mut *connection).await?;
        let mut order = Vec::new();
        let mut planned: BTreeMap<String, Planned> = BTreeMap::new();
        for row in &rows {
            let one = verdict(row)?;
            match planned.get_mut(&one.payment) {
                Some(found) => {
                    found.numbers.extend(one.numbers);
                    found.events.extend(one.events);
                }
                None => {
                    order.push(one.payment.clone());
                    planned.insert(one.payment.clone(), one);
                }
            }
        }
        Ok(order.iter().filter_map(|key| planned.remove(key)).collect())
    }
}

fn verdict(row: &AnyRow) -> Result<Planned, Fault> {
    let event: String = row.try_get("event_id")?;
    let payment: Option<String> = row.try_get("payment")?;
    let held: Option<String> = row.try_get("held_reason")?;
    let dead = row.try_get::<i64, _>("dead")? != 0;
    let granted = row.try_get::<Option<i64>, _>("granted")?.unwrap_or(0) != 0;
    let decision: Option<String> = row.try_get("decision")?;
    let reason: Option<String> = row.try_get("reason")?;
    let reason = reason.unwrap_or_default();
    let state: Option<String> = row.try_get("state")?;
    let open = row.try_get::<Option<i64>, _>("open")?.unwrap_or(0) != 0;
    let (verdict, reason) = match (decision.as_deref(), state.as_deref()) {
        (Some(_), Some("settled")) if granted => ("skip", "already credited".to_owned()),
        (Some(_), Some("cancelled")) if granted => ("skip", "its transfer was cancelled".into()),
        (Some(_), Some("held")) if granted && open => ("skip", "held, its outcome is open".into()),
        (Some(_), Some("held")) if granted => {
            ("skip", "its transfer is held; see `daybridge held list`".into())
        }
        (Some(_), Some("doubtful" | "intended")) if granted => {
            ("skip", "in doubt: readings settle it".into())
        }
        (Some(_), _) if granted => ("skip", "already planned".into()),
        (Some("cancelled"), _) => ("skip", reason),
        (Some("nothing"), _) => ("skip", format!("grants nothing: {reason}")),
        (Some("held"), _) => ("held", format!("{reason}; will be read again with today's settings")),
        (Some(_), _) => ("extend", "not granted yet; will be read again with today's settings".into()),
        (None, _) if dead => ("extend", "came from the dead queue; will be read again".into()),
        (None, _) => match held {
            Some(reason) => ("held", format!("{reason}; will be read again")),
            None => ("skip", "not needed".into()),
        },
    };
    Ok(Planned {
        payment: payment.unwrap_or_else(|| event.clone()),
        verdict: verdict.to_owned(),
        reason,
        channel: row.try_get("channel")?,
        days: row.try_get::<Option<i64>, _>("days")?.map(narrow),
        numbers: vec![row.try_get("number")?],
        events: vec![event],
    })
}
