//! A transfer's state in sentences for operators: what is known, and what comes next.

use crate::domain::{
    allocation::slices::QUEUED,
    closed::HeldCause,
    settle::{Cause, How, Outcome, State},
};

/// What a person does about money that another family than `money_in` told of.
pub(in crate::ledger) const OTHER_FAMILY_NEXT: &str =
    "send the events of money_in to the endpoint too and resend, or change money_in and restart the worker";

/// What a payment waits for whose turn has not come.
pub(in crate::ledger) const QUEUED_NEXT: &str = "it waits for older payments of its channel";

/// What is known, for the list of steps.
pub(in crate::ledger) fn note(state: &State) -> String {
    match state {
        State::Planned { reason: Some(reason), last, .. } => match last {
            Some(call) => format!("planned again after attempt {}: {reason}", call.attempt),
            None => format!("waits: {reason}"),
        },
        State::Planned { reason: None, .. } => "planned".into(),
        State::Intended { call, .. } => {
            format!("attempt {} is about to be sent; activeTill was {}", call.attempt, call.before)
        }
        State::Doubtful { why, .. } => format!("the outcome is not known: {why}"),
        State::Settled { how, before, after, .. } => match (how, after) {
            (How::Answered, Some(after)) => {
                format!("the partner said yes; activeTill went from {before} to {after}")
            }
            (How::Observed, Some(after)) => format!("activeTill went from {before} to {after}"),
            (How::ByOperator, _) | (_, None) => "a person found it in Billing History".into(),
        },
        State::Held { cause, .. } => cause.to_string(),
        State::Cancelled { reason, .. } => format!("cancelled: {reason}"),
    }
}

/// Why it stands where it stands; `None` where the state says it all.
pub(in crate::ledger) fn reason(state: &State) -> Option<String> {
    match state {
        State::Planned { reason, .. } => reason.clone(),
        State::Doubtful { why, .. } => Some(why.clone()),
        State::Held { cause, .. } => Some(cause.to_string()),
        State::Cancelled { reason, .. } => Some(reason.clone()),
        State::Intended { .. } | State::Settled { .. } => None,
    }
}

/// The next step.
pub(in crate::ledger) fn next(key: &str, state: &State) -> Option<String> {
    match state {
        State::Planned { ahead: Some(ahead), .. } if ahead.at == QUEUED => Some(QUEUED_NEXT.into()),
        State::Planned { .. } if state.wanted().is_some() => {
            Some("its days move when the channel has less than lead left".into())
        }
        State::Planned { .. } => Some("the worker reads the channel and extends it".into()),
        State::Intended { .. } => Some("the answer of the call is recorded, or readings decide".into()),
        State::Doubtful { .. } => Some("the worker reads activeTill again; nothing to do".into()),
        State::Held { cause, outcome, .. } => Some(held_next(key, cause, *outcome)),
        State::Settled { .. } | State::Cancelled { .. } => None,
    }
}

/// What a person does about a held transfer.
fn held_next(key: &str, cause: &Cause, outcome: Outcome) -> String {
    let others = match outcome {
        Outcome::None => None,
        Outcome::Open => Some(""),
        Outcome::Forgotten => Some(" (with `--days N` where it shows other days)"),
    };
    if let Some(others) = others {
        return format!(
            "look for {key} in Billing History; then `daybridge held resolve '{key}' --applied --reason …` if it is there{others}, or `--not-applied` if it is not"
        );
    }
    let first = match cause {
        Cause::Balance(_) => {
            return format!(
                "top up the account's balance of days; it goes on by itself, at once with `daybridge held retry '{key}'`"
            );
        }
        Cause::Unauthorized => {
            return format!(
                "set a valid partner token and restart the worker; it goes on by itself, at once with `daybridge held retry '{key}'`"
            );
        }
        Cause::UnknownChannel => {
            return format!(
                "check that the channel exists on this partner account, then `daybridge held retry '{key}'`; or name the right one: `daybridge held set '{key}' --channel …`; `daybridge held cancel '{key}' --reason …` closes it"
            );
        }
        Cause::Refunded(_) | Cause::Disputed(_) => {
            return format!(
                "decide how many days are due: `daybridge held retry '{key}' --cause {}` moves the days that it names, `daybridge held set '{key}' --days …` others, `daybridge held cancel '{key}' --reason …` none; where the money comes back it goes on by itself",
                cause.word()
            );
        }
        Cause::Stopped(_) | Cause::Ended(_) => {
            return format!(
                "`daybridge payments go KEY --reason …` lets its payment go on; `daybridge held cancel '{key}' --reason …` takes the rest of its days off"
            );
        }
        Cause::Refused(..) => "do away with what the partner complains of",
        Cause::Below(..) => "look at the channel: it has fewer days than it had before",
        Cause::TooOld(_) => "check that the partner can be reached",
        Cause::Unmoved
        | Cause::AcceptedUnmoved
        | Cause::Conflict { .. }
        | Cause::Unobserved(_)
        | Cause::Restored => "look at the channel and at Billing History",
    };
    format!("{first}; then `daybridge held retry '{key}'`, or `daybridge held cancel '{key}' --reason …`")
}

/// What an account's hold keeps back.
pub(in crate::ledger) struct Waiting {
    pub(in crate::ledger) many: i64,
    pub(in crate::ledger) days: u32,
    /// Transfers of as many days or more wait.
    pub(in crate::ledger) least: u32,
    /// One of them.
    pub(in crate::ledger) key: Option<String>,
}

impl Waiting {
    fn transfers(&self) -> String {
        let (wait, transfers) = if self.many == 1 { ("waits", "transfer") } else { ("wait", "transfers") };
        format!("{} {transfers} of {} days in all {wait}", self.many, self.days)
    }

    fn at_once(&self) -> String {
        let key = self.key.as_deref().unwrap_or("KEY");
        format!("at once with `daybridge held retry '{key}'`")
    }
}

/// Why transfers wait for the balance, and what to do.
pub(in crate::ledger) fn no_balance(waiting: &Waiting) -> (String, String) {
    let reason = match waiting.least {
        1 => format!("no day is left on the account's balance: {}", waiting.transfers()),
        least => format!(
            "the account's balance is below {least} days: {}, each of {least} days or more; smaller ones go on",
            waiting.transfers()
        ),
    };
    let next = format!(
        "top up the balance: {} days move all of them; the worker tries one from time to time, the one that expires soonest first, and they go on when it passes; {}",
        waiting.days,
        waiting.at_once()
    );
    (reason, next)
}

/// Why transfers wait for a valid token, and what to do.
pub(in crate::ledger) fn no_token(waiting: &Waiting) -> (String, String) {
    let reason = format!("the partner token was refused: {}", waiting.transfers());
    let next = format!(
        "set a valid token and restart the worker; it goes on when a read passes; {}",
        waiting.at_once()
    );
    (reason, next)
}

/// What a payment waits for that stands behind a held slice of its channel.
pub(in crate::ledger) fn waits_behind(key: &str, cause: HeldCause) -> String {
    format!("{QUEUED_NEXT}; {key} is held ({cause}): `daybridge held show '{key}'` says what to do")
}

/// What a planned transfer of so many days waits for, where its account's hold keeps it back.
pub(in crate::ledger) fn waits_for_account(key: &str, days: u32, token: bool) -> String {
    if token {
        format!(
            "it waits: the partner token was refused; set a valid one and restart the worker; at once with `daybridge held retry '{key}'`"
        )
    } else {
        format!(
            "it waits: the account's balance is below {days} days; top it up, and it goes on by itself; at once with `daybridge held retry '{key}'`"
        )
    }
}

/// Equal days would be taken for those of a call whose outcome is open.
const BY_HAND: &str = "extend its channel by them by hand, while no transfer of it is planned or in doubt (they would be taken for its days)";

/// Why days that moved, or did not, wait for a person, and what to do.
pub(in crate::ledger) fn gap(cause: HeldCause, key: &str, days: u32, money: &str) -> (String, String) {
    let closes = format!("`daybridge held cancel '{key}' --reason …` says that it is decided");
    if cause == HeldCause::DaysSpent {
        let reason =
            format!("{days} days were spent already that its money does not cover any more: {money}");
        (reason, format!("decide whether its channel keeps them, nothing is taken back by itself; {closes}"))
    } else {
        let reason =
            format!("{days} days are owed: they had been taken off before the others moved; {money}");
        (reason, format!("{BY_HAND}; {closes}"))
    }
}

/// The same of days that were paid for after the others had been granted.
pub(in crate::ledger) fn paid_later(key: &str, days: u32, money: &str) -> (String, String) {
    let reason = format!(
        "{days} more days were paid for, by money that came in after the others were on their way; {money}"
    );
    let next = format!("{BY_HAND}; `daybridge held cancel '{key}' --reason …` says that it is decided");
    (reason, next)
}

/// What a person does about a payment that a restored ledger holds; `history` are the keys to look for.
pub(in crate::ledger) fn forgotten_next(next: String, history: &[String]) -> String {
    match history {
        [] | [_] => next,
        several => format!("{next}; it may stand there as any of {}", several.join(", ")),
    }
}

/// What a person does about a held event.
pub(in crate::ledger) fn event_next(cause: HeldCause, id: &str) -> String {
    match cause {
        HeldCause::Dead => format!(
            "look for what made the worker fail in its log, then `daybridge held retry '{id}'`; `daybridge held cancel '{id}' --reason …` closes it"
        ),
        HeldCause::Unfetched => format!(
            "the worker asks the provider's API again by itself, at once with `daybridge held retry '{id}'`; where the key is the reason, renew api_key and restart the worker; `daybridge held cancel '{id}' --reason …` closes it"
        ),
        HeldCause::Unreadable => format!(
            "compare its body (`daybridge events show '{id}'`) with the source's settings, restart the worker where they were wrong, then `daybridge held retry '{id}'`; `daybridge held cancel '{id}' --reason …` closes it"
        ),
        HeldCause::Unclear => format!(
            "see at the provider for what this money is, and extend the channel by hand where it buys more; `daybridge held cancel '{id}' --reason …` says that it is decided"
        ),
        HeldCause::Closed => format!(
            "look in Billing History whether its days were moved by hand: if they were, `daybridge held cancel '{id}' --reason …` keeps it closed; if not, `daybridge held retry '{id}'` opens it and reads it again"
        ),
        _ => format!(
            "look at its body (`daybridge events show '{id}'`) and at the payments it names; `daybridge held cancel '{id}' --reason …` closes it"
        ),
    }
}
