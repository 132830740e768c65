//! How rows are read: their words and numbers as the rules have them.

use super::{
    Scope, Transfer,
    db::{Fault, Read, Row, Value},
};
use crate::domain::{Ms, channel::Channel, closed::PaymentState, settle::State};

/// Days and counts are small in our words and BIGINT in the database.
pub(in crate::ledger) fn narrow(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Lease that a state carries; 0 where it carries none.
pub(in crate::ledger) fn epoch_of(state: &State) -> i64 {
    match state {
        State::Intended { epoch, .. } => *epoch,
        State::Planned { .. }
        | State::Doubtful { .. }
        | State::Settled { .. }
        | State::Held { .. }
        | State::Cancelled { .. } => 0,
    }
}

/// What `transfers.due_at` and `wanted_at` hold: a slice whose time has not come is not due.
pub(in crate::ledger) fn times(state: &State, now: Ms) -> (Option<Ms>, Option<Ms>) {
    match state.wanted() {
        Some(at) if at > now => (None, Some(at)),
        Some(at) => (Some(at), None),
        None => (state.due(), None),
    }
}

/// What `channels.active_till` holds: the last `activeTill` that the ledger can explain, or the end of time.
pub(in crate::ledger) fn expiry(channel: &Channel) -> i64 {
    channel.known.unwrap_or(i64::MAX)
}

/// Where a payment stands by its transfer.
pub(in crate::ledger) fn payment_state(state: &State) -> PaymentState {
    match state {
        State::Planned { .. } | State::Intended { .. } => PaymentState::Planned,
        State::Doubtful { .. } => PaymentState::Doubtful,
        State::Settled { .. } => PaymentState::Credited,
        State::Held { .. } => PaymentState::Held,
        State::Cancelled { .. } => PaymentState::Cancelled,
    }
}

impl Read for Scope {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(word) => Scope::parse(word),
            Value::Null | Value::Number(_) | Value::Bytes(_) => None,
        }
    }

    fn unread(value: &Value) -> String {
        match value {
            Value::Text(word) => format!("{word:?}, which is no scope"),
            Value::Null | Value::Number(_) | Value::Bytes(_) => "no scope".to_owned(),
        }
    }
}

/// A transfer as settle sees it.
pub(in crate::ledger) fn transfer(row: &Row) -> Result<Transfer, Fault> {
    Ok(Transfer {
        key: row.get("key")?,
        payment: row.get("payment")?,
        days: narrow(row.get("days")?),
        comment: row.get("comment")?,
        state: state(row)?,
        traceparent: row.get("traceparent")?,
    })
}

/// The state in a row's `detail`.
pub(in crate::ledger) fn state(row: &Row) -> Result<State, Fault> {
    Ok(serde_json::from_str(&row.get::<String>("detail")?)?)
}

/// The channel in a row's `detail`.
pub(in crate::ledger) fn channel(row: &Row) -> Result<Channel, Fault> {
    Ok(serde_json::from_str(&row.get::<String>("detail")?)?)
}
