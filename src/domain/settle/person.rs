//! What a person decides about a transfer, after a look at Billing History.

use super::{
    super::{DAY_MS, Ms, channel::Channel},
    Call, Cause, How, Outcome, State,
    evidence::unmoved,
};

/// A person's decision; who and why are kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Try again: the call behind it was not applied.
    Retry,
    /// The days are on the channel.
    Applied,
    /// An open outcome: the days are not on the channel; plan the transfer anew.
    NotApplied,
    /// Never call.
    Cancel,
}

/// Why an order does not fit the state; the text says what does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OrderRefused(pub String);

const OUTCOME_OPEN: &str = "its outcome is open: look for its key in Billing History, then `held resolve KEY --applied` or `--not-applied`";
const OUTCOME_NOT_OPEN: &str = "its outcome is not open: `held retry KEY` or `held cancel KEY`";
const BEING_SETTLED: &str = "it is being settled by readings; wait until it is settled or held";

/// Applies an order to a transfer of `days`.
///
/// What a person calls applied is explained by the ledger from then on, and expected of the next reading.
/// What a person calls not applied leaves the channel as it was, so that other movement stays unexplained;
/// it has to wait until the settle window after the call is over, for the call may still be applied. What a
/// restored ledger has forgotten may have been called until it was declared so.
pub fn order(
    days: u32,
    state: &State,
    channel: &Channel,
    order: Order,
    reason: &str,
    settle_window_ms: i64,
    now: Ms,
) -> Result<(State, Channel), OrderRefused> {
    let refused = |text: &str| Err(OrderRefused(text.to_owned()));
    let mut channel = channel.clone();
    let state = match (state, order) {
        // A refusal may have hidden a success.
        (State::Held { outcome: Outcome::Open, last, .. }, Order::Applied)
        | (State::Held { outcome: Outcome::None, last: last @ Some(_), .. }, Order::Applied) => {
            explain(&mut channel, *last, days);
            found_in_history(*last, now)
        }
        (State::Held { outcome: Outcome::Open, last, .. }, Order::NotApplied) => {
            if let Some(call) = last {
                call_is_over(call.at, settle_window_ms, now)?;
            }
            State::planned(now)
        }
        // What the channel showed in the forgotten time explains nothing now, so nothing is said of it. Nor where no call
        // is known at all: then the ledger forgot it and was never told so.
        (State::Held { outcome: Outcome::Forgotten, last, .. }, Order::Applied)
        | (State::Held { outcome: Outcome::None, last: last @ None, .. }, Order::Applied) => {
            found_in_history(*last, now)
        }
        (State::Held { outcome: Outcome::Forgotten, at, .. }, Order::NotApplied) => {
            call_is_over(*at, settle_window_ms, now)?;
            State::planned(now)
        }
        (State::Held { outcome: Outcome::Open, .. }, Order::Retry | Order::Cancel)
        | (State::Held { outcome: Outcome::Forgotten, .. }, Order::Retry) => return refused(OUTCOME_OPEN),
        (State::Held { outcome: Outcome::None, cause, .. }, Order::Retry) => {
            if matches!(cause, Cause::Below(..)) {
                accept_reading(&mut channel);
            }
            planned_again(state, now).unwrap_or_else(|| state.clone())
        }
        // That a person closed it may be forgotten too.
        (State::Held { outcome: Outcome::None | Outcome::Forgotten, .. }, Order::Cancel)
        | (State::Planned { .. }, Order::Cancel) => {
            State::Cancelled { reason: reason.to_owned(), at: now, attempt: state.attempt(), money_out: None }
        }
        (State::Held { outcome: Outcome::None, .. }, Order::NotApplied) => {
            return refused(OUTCOME_NOT_OPEN);
        }
        (State::Planned { .. }, _) => return refused("it is planned and will be called by itself"),
        (State::Intended { .. } | State::Doubtful { .. }, _) => return refused(BEING_SETTLED),
        (State::Settled { .. }, _) => return refused("it is settled already"),
        (State::Cancelled { .. }, _) => return refused("it is cancelled"),
    };
    Ok((state, channel))
}

/// A call that may have been sent until `at` may be applied until the settle window after it is over.
pub fn call_is_over(at: Ms, settle_window_ms: i64, now: Ms) -> Result<(), OrderRefused> {
    let over = at.saturating_add(settle_window_ms);
    if now < over {
        let wait = over.saturating_sub(now).checked_div(1000).unwrap_or(0);
        return Err(OrderRefused(format!("its call may still be applied: decide again in {wait} s")));
    }
    Ok(())
}

/// What the last call moved is the ledger's own from now on, and the next reading must show it.
fn explain(channel: &mut Channel, last: Option<Call>, days: u32) {
    let sent = last.map_or(days, |call| call.sent(days));
    let moved_ms = i64::from(sent).saturating_mul(DAY_MS);
    let unmoved = last.and_then(|call| unmoved(&call, channel));
    channel.count(last.map_or(0, |call| call.number), moved_ms);
    channel.known = unmoved.map(|till| till.saturating_add(moved_ms)).or(channel.known);
    channel.floor = channel.floor.max(channel.known);
}

/// A person accepts what is read now as the truth.
fn accept_reading(channel: &mut Channel) {
    channel.floor = None;
    channel.known = None;
}

fn found_in_history(last: Option<Call>, now: Ms) -> State {
    State::Settled {
        how: How::ByOperator,
        before: last.map_or(0, |c| c.before),
        after: None,
        at: now,
        attempt: last.map_or(0, |c| c.attempt),
        watch: None,
    }
}

/// A held transfer whose call was not applied, planned again; its last call stays known, so that the next
/// reading must show the channel as it was left. `None`: it is not held, or its outcome is open.
pub fn planned_again(state: &State, now: Ms) -> Option<State> {
    let State::Held { outcome: Outcome::None, last, retried, .. } = state else { return None };
    Some(State::planned_after(now, *last, *retried))
}
