//! Which stored events a replay takes, and where their payments stand.

use crate::{
    domain::closed::TransferState,
    envelope::Trigger,
    ledger::{
        Ledger, LedgerError, Selection,
        db::{
            Fault, Row, Tx,
            filter::{Filter, Value},
            way::{Walked, Way, rarest},
        },
        plan::{Candidate, PaymentStanding, PlanVerdict, Selected},
        read::{
            pages::by_state,
            resolve::{event_named, resolve},
        },
        row::narrow,
        view::Planned,
    },
};

impl Ledger {
    /// The events a selection names, oldest first, after one of them; at most `limit`.
    pub async fn select(
        &self,
        selection: &Selection,
        after: Option<&Selected>,
        limit: u32,
    ) -> Result<Vec<Selected>, LedgerError> {
        let (selection, after) = (selection.clone(), after.cloned());
        self.db.read(move |tx| tx.select(&selection, after.as_ref(), limit)).await
    }

    /// Where events and their payments stand, in the order of the numbers.
    pub async fn standings(&self, events: &[i64]) -> Result<Vec<PaymentStanding>, LedgerError> {
        let events = events.to_vec();
        self.db.read(move |tx| tx.standings(&events)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn select(
        &mut self,
        wanted: &Selection,
        after: Option<&Selected>,
        limit: u32,
    ) -> Result<Vec<Selected>, Fault> {
        let Some(named) = ByName::of(self, wanted)? else { return Ok(Vec::new()) };
        let ways = ways(wanted, named.source_only(), after);
        let walk = SelectionWalk::choose(self, wanted, &named, after, &ways)?;
        let filter = walk.filter(self, ways);
        let rows = walk.rows(self, filter, limit)?;
        rows.iter().map(|row| selected(row, walk.walked)).collect()
    }

    pub(in crate::ledger) fn standings(&mut self, events: &[i64]) -> Result<Vec<PaymentStanding>, Fault> {
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
                 LEFT JOIN transfers t ON t.payment = e.payment AND t.n = p.last_n",
                "ORDER BY e.number",
                limit,
            )?;
        rows.iter().map(standing).collect()
    }
}

/// What a selection names by itself.
struct ByName {
    payment: Option<String>,
    event: Option<String>,
    /// The event's, or the one that is selected by.
    source: Option<String>,
}

impl ByName {
    /// `None`: there is no such payment or event.
    fn of(tx: &mut Tx, wanted: &Selection) -> Result<Option<Self>, Fault> {
        let payment = match &wanted.payment {
            Some(name) => match resolve(tx, name)? {
                Some(key) => Some(key),
                None => return Ok(None),
            },
            None => None,
        };
        let Some(name) = &wanted.event else {
            return Ok(Some(Self { payment, event: None, source: wanted.source.clone() }));
        };
        let named = event_named(tx, name, wanted.source.as_deref())?;
        Ok(named.map(|(source, event)| Self { payment, event: Some(event), source: Some(source) }))
    }

    /// The source where it is selected by, and no event in it.
    fn source_only(&self) -> Option<&str> {
        self.source.as_deref().filter(|_| self.event.is_none())
    }

    /// The events of one payment, or one event: few, so no index is chosen for them.
    fn few(&self) -> bool {
        self.event.is_some() || self.payment.is_some()
    }
}

/// How a selection is walked.
struct SelectionWalk<'a> {
    wanted: &'a Selection,
    named: &'a ByName,
    after: Option<&'a Selected>,
    walked: Option<Walked>,
    order: Order,
}

impl<'a> SelectionWalk<'a> {
    fn choose(
        tx: &mut Tx,
        wanted: &'a Selection,
        named: &'a ByName,
        after: Option<&'a Selected>,
        ways: &[Way],
    ) -> Result<Self, Fault> {
        let walked = match after {
            Some(after) => after.walked,
            None if named.few() || wanted.dead => None,
            None => rarest(tx, ways)?,
        };
        let timed = wanted.since.is_some() || wanted.until.is_some();
        let order = match walked {
            Some(Walked { column: CHANNEL | STATE, .. }) => Order::Payment,
            Some(Walked { column: TIME, .. }) => Order::Time,
            None if timed && !named.few() && !wanted.dead => Order::Time,
            _ => Order::Number,
        };
        Ok(Self { wanted, named, after, walked, order })
    }

    fn rows(&self, tx: &mut Tx, filter: Filter, limit: u32) -> Result<Vec<Row>, Fault> {
        let order = self.order;
        if self.named.few() {
            let after = self.after.map(|after| after.number);
            let head = order.head(self.wanted).replace("{by}", "");
            return filter.number("e.number + 0 >", after).rows(tx, &head, "ORDER BY e.number + 0", limit);
        }
        let filter = order.after(filter, self.after);
        filter.walk(tx, order.head(self.wanted), self.index(), order.tail(), limit)
    }

    fn filter(&self, tx: &Tx, ways: Vec<Way>) -> Filter {
        let Self { wanted, named, .. } = self;
        let until = if self.order == Order::Time { "e.received_at <" } else { "e.received_at + 0 <" };
        let mut filter = Filter::default()
            .text("e.source =", named.source.as_deref().filter(|_| named.event.is_some()))
            .text("e.event_id =", named.event.as_deref())
            .text("e.payment =", named.payment.as_deref())
            .along(tx, ways, self.walked)
            .number(until, wanted.until)
            .within(
                by_trigger(wanted.trigger),
                wanted.trigger.map(Trigger::as_str),
                if wanted.trigger == Some(Trigger::Webhook) { " LIMIT 1 OFFSET 0)" } else { ")" },
            );
        if wanted.dead {
            filter = filter.fixed("e.dead = 1");
        }
        if wanted.channel.is_some() || wanted.state.is_some() {
            filter = filter.fixed("p.key = e.payment");
        }
        filter
    }

    fn index(&self) -> &'static str {
        match (self.walked, self.order) {
            (Some(walked), _) => walked.index,
            (None, Order::Time) => "events_by_time",
            (None, _) if self.wanted.dead => "events_dead",
            (None, _) => "",
        }
    }
}

const CHANNEL: &str = "p.channel";
const STATE: &str = "p.state";
const TIME: &str = "e.received_at";

/// In which order a selection is walked, always the oldest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// By when the payment was first seen, then along its events.
    Payment,
    /// By when the event was received.
    Time,
    /// As the events were recorded.
    Number,
}

impl Order {
    /// In this order of tables, for SQLite.
    fn head(self, wanted: &Selection) -> &'static str {
        match self {
            Order::Payment => {
                "SELECT e.number, p.first_seen_at AS at, p.key FROM payments p{by} CROSS JOIN events e"
            }
            _ if wanted.channel.is_some() || wanted.state.is_some() => {
                "SELECT e.number, e.received_at AS at, p.key FROM events e{by} CROSS JOIN payments p"
            }
            Order::Time | Order::Number => {
                "SELECT e.number, e.received_at AS at, '' AS key FROM events e{by}"
            }
        }
    }

    fn tail(self) -> &'static str {
        match self {
            Order::Payment => "ORDER BY p.first_seen_at, p.key, e.number",
            Order::Time => "ORDER BY e.received_at, e.number",
            Order::Number => "ORDER BY e.number",
        }
    }

    fn after(self, filter: Filter, after: Option<&Selected>) -> Filter {
        let Some(Selected { number, at, key, .. }) = after else { return filter };
        let (number, at) = (Value::Number(*number), Value::Number(*at));
        match self {
            Order::Payment => {
                // The time by itself, too: the three are no condition of an index.
                let key = Value::Text(key.clone());
                filter
                    .value("p.first_seen_at >=", at.clone())
                    .row("(p.first_seen_at, p.key, e.number) >", Some(vec![at, key, number]))
            }
            Order::Time => filter.row("(e.received_at, e.number) >", Some(vec![at, number])),
            Order::Number => filter.value("e.number >", number),
        }
    }
}

fn selected(row: &Row, walked: Option<Walked>) -> Result<Selected, Fault> {
    Ok(Selected { number: row.get("number")?, at: row.get("at")?, key: row.get("key")?, walked })
}

/// What is selected by, the narrowest first.
fn ways(wanted: &Selection, source: Option<&str>, after: Option<&Selected>) -> Vec<Way> {
    // The later of two bounds, once: of several, SQLite walks from the first.
    let timed =
        after.filter(|after| after.walked.is_some_and(|walked| walked.column == TIME)).map(|after| after.at);
    let since = wanted.since.map(|since| timed.map_or(since, |at| at.max(since)));
    let ways = [
        since.map(|since| Way {
            operator: ">=",
            ..Way::of("events e", TIME, "events_by_time", Value::Number(since))
        }),
        Way::text("payments p", CHANNEL, "payments_by_channel", wanted.channel.as_deref()),
        by_state(wanted.state),
        Way::text("events e", "e.event_type", "events_by_type", wanted.event_type.as_deref()),
        Way::text("events e", "e.source", "events_by_source", source),
    ];
    ways.into_iter().flatten().collect()
}

/// Nearly every event came by a webhook, so the next one is looked at by itself; few came otherwise, so those are
/// listed.
fn by_trigger(trigger: Option<Trigger>) -> &'static str {
    match trigger {
        Some(Trigger::Webhook) => "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.number AND d.cause =",
        Some(Trigger::Replay | Trigger::Backfill) | None => {
            "e.number IN (SELECT d.event FROM deliveries d WHERE d.cause <> 'webhook' AND d.cause ="
        }
    }
}

fn standing(row: &Row) -> Result<PaymentStanding, Fault> {
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
    Ok(PaymentStanding { candidate, skip })
}
