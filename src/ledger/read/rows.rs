//! One row of a list as operators see it: what its columns and its transfer's state come to.

use super::words;
use crate::{
    domain::{
        closed::{HeldCause, PaymentDecision, PaymentState},
        settle::{State, reversal::may_have_moved},
    },
    ledger::{
        DeliveryOutcome as Ended,
        db::{Fault, Row, fault::corrupt},
        row::{self, narrow, payment_state},
        view::{self, CallOutcome, EventOutcome},
    },
};

/// The state of the payment's transfer, where there is one.
fn state_of(row: &Row) -> Result<Option<State>, Fault> {
    let detail: Option<String> = row.get("detail")?;
    Ok(detail.map(|text| serde_json::from_str(&text)).transpose()?)
}

pub(in crate::ledger) fn payment(row: &Row) -> Result<view::Payment, Fault> {
    let decision: PaymentDecision = row.get("decision")?;
    let state = state_of(row)?;
    let transfer: Option<String> = row.get("transfer")?;
    let sliced = row.get::<i64>("sliced")? != 0;
    let (moved, owed) = days(row, state.as_ref(), sliced)?;
    let (stands, reason, next, next_at) = match &state {
        Some(state) => {
            let next = words::next(transfer.as_deref().unwrap_or_default(), state);
            let stands = if sliced { row.get("state")? } else { payment_state(state) };
            (stands, words::reason(state), next, by_itself(state))
        }
        None if sliced => (row.get("state")?, None, Some(words::QUEUED_NEXT.to_owned()), None),
        None => (without_transfer(decision)?, row.get("reason")?, row.get("next")?, None),
    };
    let cause: Option<HeldCause> = row.get("cause")?;
    let cause = match &state {
        Some(state) => held_cause(state),
        None => cause.filter(|_| stands == PaymentState::Held),
    };
    Ok(view::Payment {
        key: row.get("key")?,
        source: row.get("source")?,
        state: stands,
        cause,
        reason,
        next,
        next_at,
        channel: row.get("channel")?,
        sliced,
        days: row.get::<Option<i64>>("days")?.map(narrow),
        moved,
        owed,
        amount: row.get("amount")?,
        currency: row.get("currency")?,
        customer: row.get("customer")?,
        agreement: row.get("agreement")?,
        first_seen_at: row.get("first_seen_at")?,
    })
}

/// How many of a payment's days have moved, or may have, and how many are still to move.
fn days(row: &Row, state: Option<&State>, sliced: bool) -> Result<(u32, u32), Fault> {
    if sliced {
        return Ok((narrow(row.get("days_moved")?), narrow(row.get("days_left")?)));
    }
    let days = row.get::<Option<i64>>("transfer_days")?.map_or(0, narrow);
    Ok(match state {
        Some(state) if may_have_moved(state) => (days, 0),
        None | Some(State::Cancelled { .. }) => (0, 0),
        Some(_) => (0, days),
    })
}

/// Where a payment stands that has no transfer.
fn without_transfer(decision: PaymentDecision) -> Result<PaymentState, Fault> {
    match decision {
        PaymentDecision::Linked => Ok(PaymentState::Linked),
        PaymentDecision::Nothing => Ok(PaymentState::Nothing),
        PaymentDecision::Held => Ok(PaymentState::Held),
        PaymentDecision::Cancelled => Ok(PaymentState::Cancelled),
        PaymentDecision::Granted | PaymentDecision::Merged => {
            Err(corrupt(format!("a payment that is {decision}, without a transfer")))
        }
    }
}

fn held_cause(state: &State) -> Option<HeldCause> {
    match state {
        State::Held { cause, .. } => Some(cause.word()),
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
        | State::Cancelled { .. } => state.wanted().or_else(|| state.due()),
    }
}

pub(in crate::ledger) fn event(row: &Row) -> Result<view::Event, Fault> {
    let ended: Ended = row.get("outcome")?;
    let mut reason: Option<String> = row.get("reason")?;
    let mut cause: Option<HeldCause> = row.get("held_cause")?;
    if cause.is_none() && ended == Ended::Held {
        cause = row.get("payment_cause")?;
    }
    let outcome = match EventOutcome::of(ended) {
        Some(outcome) => outcome,
        None => {
            // Without one, its payment waits for others of its channel.
            let state = state_of(row)?;
            reason = state.as_ref().and_then(words::reason);
            cause = state.as_ref().and_then(held_cause);
            let stands = match &state {
                Some(state) if row.get::<i64>("sliced")? == 0 => payment_state(state),
                // Its newest transfer is one of several.
                Some(_) | None => row.get("payment_state")?,
            };
            match stands {
                PaymentState::Credited | PaymentState::Running => EventOutcome::Credited,
                PaymentState::Held => EventOutcome::Held,
                PaymentState::Cancelled => EventOutcome::Ignored,
                PaymentState::Linked
                | PaymentState::Planned
                | PaymentState::Doubtful
                | PaymentState::Nothing => EventOutcome::Pending,
            }
        }
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

pub(in crate::ledger) fn movement(row: &Row) -> Result<view::MovementRow, Fault> {
    Ok(view::MovementRow {
        account: row.get("account")?,
        channel: row.get("channel")?,
        at: row.get("at")?,
        from: row.get("low")?,
        to: row.get("high")?,
    })
}

pub(in crate::ledger) fn transfer(row: &Row) -> Result<view::TransferRow, Fault> {
    let state = row::state(row)?;
    let key: String = row.get("key")?;
    let (before, after) = match &state {
        State::Planned { last, .. } | State::Held { last, .. } => (last.map(|c| c.before), None),
        State::Intended { call, .. } | State::Doubtful { call, .. } => (Some(call.before), None),
        State::Settled { before, after, .. } => (Some(*before), *after),
        State::Cancelled { .. } => (None, None),
    };
    let outcome = match &state {
        State::Held { outcome, .. } => Some(CallOutcome::from(*outcome)),
        _ => None,
    };
    let how = match &state {
        State::Settled { how, .. } => Some(*how),
        _ => None,
    };
    Ok(view::TransferRow {
        payment: row.get("payment")?,
        account: row.get("account")?,
        channel: row.get("channel")?,
        days: narrow(row.get("days")?),
        comment: row.get("comment")?,
        state: state.word(),
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
