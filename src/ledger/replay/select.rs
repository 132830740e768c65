//! Which stored events a replay takes, and where their payments stand.

use crate::{
    domain::closed::TransferState,
    envelope::Trigger,
    ledger::{
        Ledger, LedgerError, Selection,
        db::{
            Fault, Row, Tx,
            filter::{Filter, Value},
        },
        plan::{Candidate, PlanVerdict, Standing},
        read::resolve::{event_named, resolve},
        row::narrow,
        view::Planned,
    },
};

impl Ledger {
    /// Numbers of the events a selection names, oldest first, after a number; at most `limit`.
    pub async fn select(
        &self,
        selection: &Selection,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, LedgerError> {
        let selection = selection.clone();
        self.db.read(move |tx| tx.select(&selection, after, limit)).await
    }

    /// Where events and their payments stand, in the order of the numbers.
    pub async fn standings(&self, events: &[i64]) -> Result<Vec<Standing>, LedgerError> {
        let events = events.to_vec();
        self.db.read(move |tx| tx.standings(&events)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn select(
        &mut self,
        wanted: &Selection,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, Fault> {
        let payment = match &wanted.payment {
            Some(name) => match resolve(self, name)? {
                Some(key) => Some(key),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let event = match &wanted.event {
            Some(name) => match event_named(self, name, wanted.source.as_deref())? {
                Some(event) => Some(event),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (source, event) =
            event.map_or((wanted.source.clone(), None), |(source, id)| (Some(source), Some(id)));
        let mut filter = Filter::default()
            .number("e.number >", Some(after))
            .text("e.event_id =", event.as_deref())
            .text("e.payment =", payment.as_deref())
            .text("e.source =", source.as_deref())
            .text("e.event_type =", wanted.event_type.as_deref())
            .text("p.channel =", wanted.channel.as_deref())
            .word("p.state =", wanted.state)
            .number("e.received_at >=", wanted.since)
            .number("e.received_at <", wanted.until)
            .within(by_trigger(wanted.trigger), wanted.trigger.map(Trigger::as_str), ")");
        if wanted.dead {
            filter = filter.fixed("e.dead = 1");
        }
        let joined = wanted.channel.is_some() || wanted.state.is_some();
        let head = if joined {
            "SELECT e.number FROM events e JOIN payments p ON p.key = e.payment"
        } else {
            "SELECT e.number FROM events e"
        };
        let rows = filter.rows(self, head, "ORDER BY e.number", limit)?;
        rows.iter().map(|row| row.get("number")).collect()
    }

    pub(in crate::ledger) fn standings(&mut self, events: &[i64]) -> Result<Vec<Standing>, Fault> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = events.iter().map(|number| Value::Number(*number)).collect();
        let limit = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let rows = Filter::default()
            .row("e.number IN", Some(numbers))
            .rows(
                self,
                "SELECT e.number, e.source, e.event_id, e.event_type, e.payment, p.granted, p.out_known, p.channel, p.days, \
                 t.state, t.open, b.event AS body FROM events e LEFT JOIN bodies b ON b.event = e.number LEFT JOIN payments p ON p.key = e.payment \
                 LEFT JOIN transfers t ON t.payment = e.payment AND t.n = 1",
                "ORDER BY e.number",
                limit,
            )?;
        rows.iter().map(standing).collect()
    }
}

/// Nearly every event came by a webhook, so the next one is looked at by itself; few came otherwise, so those are
/// listed.
fn by_trigger(trigger: Option<Trigger>) -> &'static str {
    match trigger {
        Some(Trigger::Webhook) => "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.number AND d.cause =",
        Some(Trigger::Replay | Trigger::Backfill) | None => {
            "e.number IN (SELECT d.event FROM deliveries d WHERE d.cause ="
        }
    }
}

fn standing(row: &Row) -> Result<Standing, Fault> {
    let event: String = row.get("event_id")?;
    let payment: Option<String> = row.get("payment")?;
    let payment = payment.unwrap_or_else(|| event.clone());
    // Of what was granted only the money that went out is weighed again, by the settings of today.
    let granted = row.get::<Option<i64>>("granted")?.unwrap_or(0) != 0
        && row.get::<Option<i64>>("out_known")?.unwrap_or(0) == 0;
    let state: Option<TransferState> = row.get("state")?;
    let open = row.get::<Option<i64>>("open")?.unwrap_or(0) != 0;
    let reason = match state {
        Some(TransferState::Settled) => "already credited",
        Some(TransferState::Cancelled) => "its transfer was cancelled",
        Some(TransferState::Held) if open => "held, its outcome is open",
        Some(TransferState::Held) => "its transfer is held; see `daybridge held list`",
        Some(TransferState::Doubtful | TransferState::Intended) => "in doubt: readings settle it",
        Some(TransferState::Planned) | None => "already planned",
    };
    let body = row.get::<Option<i64>>("body")?.is_some();
    let reason =
        if body { reason } else { "its body was dropped to save room: it cannot be published again" };
    let skip = (granted || !body)
        .then(|| {
            Ok::<_, Fault>(Planned {
                payment: payment.clone(),
                verdict: PlanVerdict::Skip,
                reason: reason.into(),
                channel: row.get("channel")?,
                days: row.get::<Option<i64>>("days")?.map(narrow),
                active_till_before: None,
                active_till_after: None,
            })
        })
        .transpose()?;
    let candidate = Candidate {
        payment,
        number: if body { Some(row.get("number")?) } else { None },
        source: row.get("source")?,
        event_id: event,
        event_type: row.get("event_type")?,
        body: None,
    };
    Ok(Standing { candidate, skip })
}
