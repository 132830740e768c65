//! Lists, newest first, and what their rows tell.

use super::words;
use crate::{
    domain::{
        closed::PaymentState,
        settle::{Outcome, State},
    },
    ledger::{
        Ledger, LedgerError, Outcome as Ended,
        db::{Fault, Row, Tx, args, fault::corrupt},
        query::{EventQuery, Page, PaymentQuery, TransferQuery},
        row::{self, how_word, narrow, payment_word},
        view,
    },
};

/// What [`payment`] needs; the caller adds what it looks for, and `{by}` where it walks an index.
macro_rules! payment_sql {
    ($by:literal, $rest:literal) => {
        concat!(
            "SELECT p.key, p.source, p.realm, p.account AS owner, p.livemode, p.decision, p.cause, p.reason, p.next, \
             p.channel, p.days, p.amount, p.currency, p.customer, p.first_seen_at, t.key AS transfer, t.detail \
             FROM payments p",
            $by,
            " LEFT JOIN transfers t ON t.payment = p.key AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`event`] needs, of deliveries `d` and their events `e`.
macro_rules! event_sql {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT d.number, d.delivery, d.cause, d.received_at, d.recorded_at, d.outcome, d.reason, \
             e.number AS event_number, e.event_id, e.source, e.event_type, e.payment, e.digest, e.held_cause, \
             p.cause AS payment_cause, t.detail FROM ",
            $from,
            " LEFT JOIN payments p ON p.key = e.payment \
             LEFT JOIN transfers t ON t.payment = e.payment AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`transfer`] needs.
macro_rules! transfer_sql {
    ($by:literal, $rest:literal) => {
        concat!(
            "SELECT key, payment, account, channel, days, comment, detail, created_at FROM transfers",
            $by,
            " ",
            $rest
        )
    };
}
pub(in crate::ledger) use {event_sql, payment_sql, transfer_sql};

impl Ledger {
    /// Payments, newest first.
    pub async fn payments(
        &self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.payments(&wanted, &page)).await
    }

    /// Transfers, newest first.
    pub async fn transfers(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.transfers(&wanted, &page)).await
    }

    /// Events (one row per delivery), newest first; a page goes on after a delivery's id.
    pub async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.events(&wanted, &page)).await
    }

    /// Unexplained movements, newest first.
    pub async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError> {
        self.db.read(move |tx| tx.movements(limit)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn movements(&mut self, limit: u32) -> Result<Vec<view::Movement>, Fault> {
        let rows = self.all(
            "SELECT account, channel, at, low, high FROM movements ORDER BY number DESC LIMIT $1",
            args![i64::from(limit)],
        )?;
        rows.iter().map(movement).collect()
    }
}

/// The state of the payment's transfer, where there is one.
fn state_of(row: &Row) -> Result<Option<State>, Fault> {
    let detail: Option<String> = row.get("detail")?;
    Ok(detail.map(|text| serde_json::from_str(&text)).transpose()?)
}

pub(in crate::ledger) fn payment(row: &Row) -> Result<view::Payment, Fault> {
    let decision: String = row.get("decision")?;
    let state = state_of(row)?;
    let transfer: Option<String> = row.get("transfer")?;
    let (word, reason, next, next_at) = match &state {
        Some(state) => {
            let next = words::next(transfer.as_deref().unwrap_or_default(), state);
            (payment_word(state).to_owned(), words::reason(state), next, by_itself(state))
        }
        None => (decision, row.get("reason")?, row.get("next")?, None),
    };
    let cause: Option<String> = row.get("cause")?;
    let cause = match &state {
        Some(state) => held_cause(state),
        None => cause.filter(|_| word == PaymentState::Held.as_str()),
    };
    Ok(view::Payment {
        key: row.get("key")?,
        source: row.get("source")?,
        state: word,
        cause,
        reason,
        next,
        next_at,
        channel: row.get("channel")?,
        days: row.get::<Option<i64>>("days")?.map(narrow),
        amount: row.get("amount")?,
        currency: row.get("currency")?,
        customer: row.get("customer")?,
        first_seen_at: row.get("first_seen_at")?,
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

pub(in crate::ledger) fn event(row: &Row) -> Result<view::Event, Fault> {
    let outcome: String = row.get("outcome")?;
    let mut reason: Option<String> = row.get("reason")?;
    let mut cause: Option<String> = row.get("held_cause")?;
    if cause.is_none() && outcome == Ended::Held.as_str() {
        cause = row.get("payment_cause")?;
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
        event: row.get("event_id")?,
        source: row.get("source")?,
        event_type: row.get("event_type")?,
        delivery: row.get("delivery")?,
        trigger: row.get("cause")?,
        outcome,
        cause,
        reason,
        received_at: row.get("received_at")?,
        recorded_at: row.get("recorded_at")?,
        payment: row.get("payment")?,
    })
}

pub(in crate::ledger) fn movement(row: &Row) -> Result<view::Movement, Fault> {
    Ok(view::Movement {
        account: row.get("account")?,
        channel: row.get("channel")?,
        at: row.get("at")?,
        from: row.get("low")?,
        to: row.get("high")?,
    })
}

pub(in crate::ledger) fn transfer(row: &Row) -> Result<view::Transfer, Fault> {
    let state = row::state(row)?;
    let key: String = row.get("key")?;
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
        payment: row.get("payment")?,
        account: row.get("account")?,
        channel: row.get("channel")?,
        days: narrow(row.get("days")?),
        comment: row.get("comment")?,
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
        created_at: row.get("created_at")?,
        steps: Vec::new(),
        key,
    })
}
