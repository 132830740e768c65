//! Lists, newest first, each along an index and bounded by the caller's limit.

use sqlx::{Row as _, any::AnyRow};

use super::{
    SqlLedger,
    fault::{Fault, corrupt, refused},
    filter::{Filter, Value},
    rows::{self, how_word, narrow, payment_word},
    show::named,
    words,
};
use crate::{
    domain::{
        closed::{PaymentState, TransferState},
        settle::{Outcome, State},
    },
    envelope::Trigger,
    ledger::{
        Outcome as Ended,
        query::{EventQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};

/// What [`payment`] needs; the caller adds what it looks for.
macro_rules! payment_sql {
    ($rest:literal) => {
        concat!(
            "SELECT p.key, p.source, p.realm, p.account AS owner, p.livemode, p.decision, p.cause, p.reason, p.next, \
             p.channel, p.days, p.amount, p.currency, p.customer, p.first_seen_at, t.key AS transfer, t.detail \
             FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`event`] needs.
macro_rules! event_sql {
    ($rest:literal) => {
        concat!(
            "SELECT d.number, d.delivery, d.cause, d.received_at, d.recorded_at, d.outcome, d.reason, \
             e.number AS event_number, e.event_id, e.source, e.event_type, e.payment, e.digest, e.held_cause, \
             p.cause AS payment_cause, t.detail FROM deliveries d JOIN events e ON e.number = d.event \
             LEFT JOIN payments p ON p.key = e.payment \
             LEFT JOIN transfers t ON t.payment = e.payment AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`transfer`] needs.
macro_rules! transfer_sql {
    ($rest:literal) => {
        concat!(
            "SELECT key, payment, account, channel, days, comment, detail, created_at FROM transfers ",
            $rest
        )
    };
}
pub(super) use {event_sql, payment_sql, transfer_sql};

/// Newest payments first.
const PAYMENTS_NEWEST: &str = "ORDER BY p.first_seen_at DESC, p.key DESC";

impl SqlLedger {
    /// A search that names one payment finds that one; else it is a channel, a customer or an amount.
    pub(super) async fn payments_once(
        &self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, Fault> {
        let mut connection = self.read.acquire().await?;
        let after = match &page.after {
            Some(key) => {
                after(&mut connection, "SELECT first_seen_at AS at FROM payments WHERE key = $1", key).await?
            }
            None => None,
        };
        let plain = || {
            Filter::default()
                .fixed("p.merged_into IS NULL")
                .text("p.state =", wanted.state.map(PaymentState::as_str))
                .text("p.source =", wanted.source.as_deref())
                .text("p.channel =", wanted.channel.as_deref())
                .text("p.customer =", wanted.customer.as_deref())
                .number("p.amount =", wanted.amount)
                .number("p.first_seen_at >=", wanted.since)
                .number("p.first_seen_at <", wanted.until)
                .row("(p.first_seen_at, p.key) <", after.clone())
        };
        let Some(text) = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            let rows = plain().rows(&mut *connection, payment_sql!(""), PAYMENTS_NEWEST, page.limit).await?;
            return rows.iter().map(payment).collect();
        };
        let named = named(&mut connection, text).await?;
        let mut ways = Vec::new();
        match named.as_slice() {
            [_, ..] => {
                let keys = named.into_iter().map(Value::Text).collect();
                ways.push(plain().row("p.key IN", Some(keys)));
            }
            [] => {
                ways.push(plain().text("p.channel =", Some(text)));
                ways.push(plain().text("p.customer =", Some(text)));
                ways.extend(text.parse().ok().map(|amount| plain().number("p.amount =", Some(amount))));
            }
        }
        for way in ways {
            let rows = way.rows(&mut *connection, payment_sql!(""), PAYMENTS_NEWEST, page.limit).await?;
            if !rows.is_empty() {
                return rows.iter().map(payment).collect();
            }
        }
        Ok(Vec::new())
    }

    pub(super) async fn transfers_once(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, Fault> {
        let mut connection = self.read.acquire().await?;
        let after = match &page.after {
            Some(key) => {
                after(&mut connection, "SELECT created_at AS at FROM transfers WHERE key = $1", key).await?
            }
            None => None,
        };
        let rows = Filter::default()
            .text("state =", wanted.state.map(TransferState::as_str))
            .text("channel =", wanted.channel.as_deref())
            .row("(created_at, key) <", after)
            .rows(&mut *connection, transfer_sql!(""), "ORDER BY created_at DESC, key DESC", page.limit)
            .await?;
        rows.iter().map(transfer).collect()
    }

    /// What belongs to the event walks the events, newest first; what belongs to the delivery, the deliveries; where
    /// both are asked for, whichever is rarer.
    pub(super) async fn events_once(
        &self,
        wanted: &EventQuery,
        page: &Page,
    ) -> Result<Vec<view::Event>, Fault> {
        let mut connection = self.read.acquire().await?;
        let after = match &page.after {
            Some(delivery) => sqlx::query("SELECT number, event FROM deliveries WHERE delivery = $1")
                .bind(&**delivery)
                .fetch_optional(&mut *connection)
                .await?
                .map(|row| {
                    Ok::<_, Fault>((row.try_get::<i64, _>("number")?, row.try_get::<i64, _>("event")?))
                })
                .transpose()?
                .ok_or_else(|| refused(format!("no delivery {delivery} to go on after")))
                .map(Some)?,
            None => None,
        };
        let by_event = (wanted.source.is_some() || wanted.event_type.is_some()) && !rare(wanted);
        let filter = Filter::default()
            .text("e.source =", wanted.source.as_deref())
            .text("e.event_type =", wanted.event_type.as_deref())
            .text("d.outcome =", wanted.outcome.map(Ended::as_str))
            .text("d.cause =", wanted.trigger.map(Trigger::as_str));
        let (filter, order) = if by_event {
            let after = after.map(|(number, event)| vec![Value::Number(event), Value::Number(number)]);
            (filter.row("(e.number, d.number) <", after), "ORDER BY e.number DESC, d.number DESC")
        } else {
            (filter.number("d.number <", after.map(|(number, _)| number)), "ORDER BY d.number DESC")
        };
        let rows = filter.rows(&mut *connection, event_sql!(""), order, page.limit).await?;
        rows.iter().map(event).collect()
    }

    pub(super) async fn movements_once(&self, limit: u32) -> Result<Vec<view::Movement>, Fault> {
        let rows = sqlx::query(
            "SELECT account, channel, at, low, high FROM movements ORDER BY number DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(movement).collect()
    }
}

/// Outcomes and triggers that few deliveries have.
fn rare(wanted: &EventQuery) -> bool {
    matches!(wanted.outcome, Some(Ended::Held | Ended::Refund))
        || matches!(wanted.trigger, Some(Trigger::Replay | Trigger::Backfill))
}

/// Where a list goes on.
async fn after(
    connection: &mut sqlx::AnyConnection,
    statement: &'static str,
    key: &str,
) -> Result<Option<Vec<Value>>, Fault> {
    let row = sqlx::query(statement).bind(key).fetch_optional(&mut *connection).await?;
    let row = row.ok_or_else(|| refused(format!("no row {key} to go on after")))?;
    Ok(Some(vec![Value::Number(row.try_get("at")?), Value::Text(key.to_owned())]))
}

/// The state of the payment's transfer, where there is one.
fn state_of(row: &AnyRow) -> Result<Option<State>, Fault> {
    let detail: Option<String> = row.try_get("detail")?;
    Ok(detail.map(|text| serde_json::from_str(&text)).transpose()?)
}

pub(super) fn payment(row: &AnyRow) -> Result<view::Payment, Fault> {
    let decision: String = row.try_get("decision")?;
    let state = state_of(row)?;
    let transfer: Option<String> = row.try_get("transfer")?;
    let (word, reason, next, next_at) = match &state {
        Some(state) => {
            let next = words::next(transfer.as_deref().unwrap_or_default(), state);
            (payment_word(state).to_owned(), words::reason(state), next, by_itself(state))
        }
        None => (decision, row.try_get("reason")?, row.try_get("next")?, None),
    };
    let cause: Option<String> = row.try_get("cause")?;
    let cause = match &state {
        Some(state) => held_cause(state),
        None => cause.filter(|_| word == PaymentState::Held.as_str()),
    };
    Ok(view::Payment {
        key: row.try_get("key")?,
        source: row.try_get("source")?,
        state: word,
        cause,
        reason,
        next,
        next_at,
        channel: row.try_get("channel")?,
        days: row.try_get::<Option<i64>, _>("days")?.map(narrow),
        amount: row.try_get("amount")?,
        currency: row.try_get("currency")?,
        customer: row.try_get("customer")?,
        first_seen_at: row.try_get("first_seen_at")?,
    })
}

/// The cause in one word.
fn held_cause(state: &State) -> Option<String> {
    match state {
        State::Held { cause, .. } => Some(cause.word().to_owned()),
        State::Planned { .. }
        | State::Intended { .. }
        | State::Doubtful { .. }
        | State::Settled { .. }
        | State::Cancelled { .. } => None,
    }
}

/// A watch changes nothing any more, so it is no next step.
fn by_itself(state: &State) -> Option<i64> {
    match state {
        State::Settled { .. } => None,
        State::Planned { .. }
        | State::Intended { .. }
        | State::Doubtful { .. }
        | State::Held { .. }
        | State::Cancelled { .. } => state.due(),
    }
}

pub(super) fn event(row: &AnyRow) -> Result<view::Event, Fault> {
    let outcome: String = row.try_get("outcome")?;
    let mut reason: Option<String> = row.try_get("reason")?;
    let mut cause: Option<String> = row.try_get("held_cause")?;
    if cause.is_none() && outcome == Ended::Held.as_str() {
        cause = row.try_get("payment_cause")?;
    }
    let outcome = if outcome == "granted" {
        let state = state_of(row)?.ok_or_else(|| corrupt("a granted event without a transfer"))?;
        reason = words::reason(&state);
        cause = held_cause(&state);
        let word = match state {
            State::Settled { .. } => "credited",
            State::Held { .. } => "held",
            State::Cancelled { .. } => "ignored",
            State::Planned { .. } | State::Intended { .. } | State::Doubtful { .. } => "pending",
        };
        word.to_owned()
    } else {
        outcome
    };
    Ok(view::Event {
        event: row.try_get("event_id")?,
        source: row.try_get("source")?,
        event_type: row.try_get("event_type")?,
        delivery: row.try_get("delivery")?,
        trigger: row.try_get("cause")?,
        outcome,
        cause,
        reason,
        received_at: row.try_get("received_at")?,
        recorded_at: row.try_get("recorded_at")?,
        payment: row.try_get("payment")?,
    })
}

pub(super) fn movement(row: &AnyRow) -> Result<view::Movement, Fault> {
    Ok(view::Movement {
        account: row.try_get("account")?,
        channel: row.try_get("channel")?,
        at: row.try_get("at")?,
        from: row.try_get("low")?,
        to: row.try_get("high")?,
    })
}

pub(super) fn transfer(row: &AnyRow) -> Result<view::Transfer, Fault> {
    let state = rows::state(row)?;
    let key: String = row.try_get("key")?;
    let (before, after) = match &state {
        State::Planned { last, .. } | State::Held { last, .. } => (last.map(|c| c.before), None),
        State::Intended { call, .. } | State::Doubtful { call, .. } => (Some(call.before), None),
        State::Settled { before, after, .. } => (Some(*before), *after),
        State::Cancelled { .. } => (None, None),
    };
    let outcome = match &state {
        State::Held { outcome: Outcome::Open | Outcome::Forgotten, .. } => Some("open".to_owned()),
        State::Held { outcome: Outcome::None, .. } => Some("none".to_owned()),
        _ => None,
    };
    let how = match &state {
        State::Settled { how, .. } => Some(how_word(*how).to_owned()),
        _ => None,
    };
    Ok(view::Transfer {
        payment: row.try_get("payment")?,
        account: row.try_get("account")?,
        channel: row.try_get("channel")?,
        days: narrow(row.try_get("days")?),
        comment: row.try_get("comment")?,
        state: state.word().to_owned(),
        outcome,
        cause: held_cause(&state),
        reason: words::reason(&state),
        how,
        attempt: state.attempt(),
        before,
        after,
        next: words::next(&key, &state),
        next_at: by_itself(&state),
        created_at: row.try_get("created_at")?,
        steps: Vec::new(),
        key,
    })
}
