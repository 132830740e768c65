//! Lists, newest first, each along an index and bounded by the caller's limit.

use sqlx::{Row as _, any::AnyRow};

use super::{
    SqlLedger,
    fault::{Fault, corrupt},
    rows::{self, how_word, narrow},
    words,
};
use crate::{
    domain::settle::{Outcome, State},
    ledger::view,
};

/// What [`payment`] needs; the caller adds what it looks for.
macro_rules! payment_sql {
    ($rest:literal) => {
        concat!(
            "SELECT p.key, p.source, p.realm, p.account AS owner, p.livemode, p.decision, p.reason, p.next, \
             p.channel, p.days, p.amount, p.currency, p.first_seen_at, t.key AS transfer, t.detail \
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
             e.number AS event_number, e.event_id, e.source, e.event_type, e.payment, e.digest, \
             t.detail FROM deliveries d JOIN events e ON e.number = d.event \
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

impl SqlLedger {
    pub(super) async fn payments_once(&self, limit: u32) -> Result<Vec<view::Payment>, Fault> {
        let rows = sqlx::query(payment_sql!(
            "WHERE p.merged_into IS NULL ORDER BY p.first_seen_at DESC, p.key DESC LIMIT $1"
        ))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(payment).collect()
    }

    pub(super) async fn transfers_once(&self, limit: u32) -> Result<Vec<view::Transfer>, Fault> {
        let rows = sqlx::query(transfer_sql!("ORDER BY created_at DESC, key DESC LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(transfer).collect()
    }

    pub(super) async fn events_once(&self, limit: u32) -> Result<Vec<view::Event>, Fault> {
        let rows = sqlx::query(event_sql!("ORDER BY d.number DESC LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
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

    /// By indices over the states; the settled ones are counted one by one along theirs.
    pub(super) async fn counts_once(&self) -> Result<view::Counts, Fault> {
        let mut counts = view::Counts::default();
        let rows = sqlx::query(
            "SELECT state, COUNT(*) AS many, MIN(created_at) AS oldest FROM transfers GROUP BY state",
        )
        .fetch_all(&self.read)
        .await?;
        for row in rows {
            let many = u64::try_from(row.try_get::<i64, _>("many")?).unwrap_or(0);
            let oldest: Option<i64> = row.try_get("oldest")?;
            let mut open = |field: &mut u64| {
                *field = field.saturating_add(many);
                counts.oldest_open_at = [counts.oldest_open_at, oldest].into_iter().flatten().min();
            };
            match row.try_get::<String, _>("state")?.as_str() {
                "planned" | "intended" => open(&mut counts.planned),
                "doubtful" => open(&mut counts.doubtful),
                "settled" => counts.credited = many,
                "held" => counts.held = counts.held.saturating_add(many),
                _ => {}
            }
        }
        for statement in [
            "SELECT COUNT(*) AS many FROM events WHERE held_cause IS NOT NULL",
            "SELECT COUNT(*) AS many FROM payments WHERE decision = 'held'",
        ] {
            let many: i64 = sqlx::query(statement).fetch_one(&self.read).await?.try_get("many")?;
            counts.held = counts.held.saturating_add(u64::try_from(many).unwrap_or(0));
        }
        Ok(counts)
    }
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
            let word = match state {
                State::Planned { .. } | State::Intended { .. } => "planned",
                State::Doubtful { .. } => "doubtful",
                State::Settled { .. } => "credited",
                State::Held { .. } => "held",
                State::Cancelled { .. } => "cancelled",
            };
            let next = words::next(transfer.as_deref().unwrap_or_default(), state);
            (word.to_owned(), words::reason(state), next, by_itself(state))
        }
        None => (decision, row.try_get("reason")?, row.try_get("next")?, None),
    };
    Ok(view::Payment {
        key: row.try_get("key")?,
        source: row.try_get("source")?,
        state: word,
        reason,
        next,
        next_at,
        channel: row.try_get("channel")?,
        days: row.try_get::<Option<i64>, _>("days")?.map(narrow),
        amount: row.try_get("amount")?,
        currency: row.try_get("currency")?,
        first_seen_at: row.try_get("first_seen_at")?,
    })
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
    let outcome = if outcome == "granted" {
        let state = state_of(row)?.ok_or_else(|| corrupt("a granted event without a transfer"))?;
        reason = words::reason(&state);
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
