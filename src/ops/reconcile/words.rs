//! Why, in sentences, and what to do.

use super::evidence::{Differs, Evidence, Says};
use crate::{
    domain::{
        closed::PaymentDecision,
        settle::{Outcome, State},
    },
    ledger::books::{Booked, BookedTransfer},
};

/// What to do where the days went to another channel than the payment names.
pub(super) fn other_channel(named: &str) -> String {
    format!("the payment names the channel {named}: look at both, and extend the right one by hand")
}

/// Most lines of Billing History named in a sentence.
const PLACES_MAX: usize = 5;

pub(super) fn matched(partly_refunded: bool, in_history: bool) -> String {
    let evidence = if in_history { "extended once, as Billing History shows" } else { "extended once" };
    let refund = if partly_refunded { "; a part of its money was refunded" } else { "" };
    format!("{evidence}{refund}")
}

/// Nothing is owed and nothing moved. What is still planned would move.
pub(super) fn owes_nothing(refunded: bool, pending: Option<&BookedTransfer>) -> (String, Option<String>) {
    let why =
        if refunded { "refunded in full, and no days moved" } else { "its amount is 0, and no days moved" };
    (why.into(), would_move(pending))
}

/// Nothing is owed, and days moved. The ledger does not know it where `later` days have yet to move.
pub(super) fn owes_nothing_and_moved(refunded: bool, key: &str, later: u32) -> (String, String) {
    let why = if refunded {
        "its money was refunded in full, and its days moved"
    } else {
        "its amount is 0, and days moved"
    };
    let keeps = "decide whether its channel keeps the days";
    if later == 0 {
        return (why.into(), keeps.into());
    }
    let stop = format!(
        "`daybridge payments stop '{key}' --reason …`, then backfill or resend the event that tells it; {keeps}"
    );
    (format!("{why}; {later} more move later, for the ledger was not told"), stop)
}

/// All of its days were taken off in the ledger.
pub(super) fn taken_back(pending: Option<&BookedTransfer>) -> (String, Option<String>) {
    ("its money went out again, as the ledger was told, and no days moved".into(), would_move(pending))
}

fn would_move(pending: Option<&BookedTransfer>) -> Option<String> {
    let calls = |state: &State| {
        matches!(state, State::Planned { .. } | State::Intended { .. } | State::Doubtful { .. })
            || state.open()
    };
    let transfer = pending.filter(|transfer| calls(&transfer.state))?;
    Some(format!(
        "its transfer is {}: `daybridge held cancel '{}'` where that is possible, or its days may move yet",
        transfer.state.word(),
        transfer.key
    ))
}

pub(super) fn not_listed() -> (String, String) {
    (
        "its days moved, and the provider's record does not have it".into(),
        "look for it at the provider; if it is not there, a signing secret may have leaked".into(),
    )
}

/// Days moved again: how that is known.
pub(super) fn twice(found: &Evidence<'_>) -> String {
    if found.again_lines.is_empty() {
        return "it was called more than once, and its channel moved by its days again".into();
    }
    let mut shown: Vec<String> = found
        .again_lines
        .iter()
        .take(PLACES_MAX)
        .map(|place| format!("{}:{}", place.file, place.line))
        .collect();
    if found.again_lines.len() > PLACES_MAX {
        shown.push("…".into());
    }
    format!(
        "its key stands on {} lines of Billing History (file:line {})",
        found.again_lines.len(),
        shown.join(", ")
    )
}

/// A line bears the key and says something else than the ledger.
pub(super) fn differs(differs: &Differs<'_>) -> (String, String) {
    let Differs { transfer, place, says } = differs;
    let BookedTransfer { key, channel, days: ours, .. } = transfer;
    let line = format!("Billing History (file:line {}:{})", place.file, place.line);
    match says {
        Says::Days(days) => (
            format!("{line} says {days} days under {key}, and the ledger {ours}"),
            format!(
                "look at the line and at the channel {channel}: extend it by the days that are missing, or have those that are too many taken back; if both show {ours}, the line was read wrongly"
            ),
        ),
        Says::Channel(other) => (
            format!("{line} says the channel {other} under {key}, and the ledger {channel}"),
            format!("look at both channels: if {channel} lacks the {ours} days, extend it by hand"),
        ),
        Says::GivenBack => (
            format!(
                "{line} says under {key} that its days were given back: they have another sign than in the other lines"
            ),
            format!("look at the channel {channel}: if it lacks the {ours} days, extend it by hand"),
        ),
    }
}

pub(super) fn twice_next(key: &str) -> String {
    format!("have the second extension of {key} taken back")
}

/// Money came in and no days moved at all.
pub(super) fn missing(
    booked: Option<&Booked>,
    found: &Evidence<'_>,
    in_history: bool,
) -> (String, Option<String>) {
    let Some(booked) = booked else {
        return ("no event of it ever arrived".into(), Some("backfill or resend it".into()));
    };
    if let Some(transfer) = found.absent {
        let why = format!("the ledger calls it settled, but {} is not in Billing History", transfer.key);
        let next = "look at the channel; if its days are missing, extend it by hand with that comment";
        return (why, Some(next.into()));
    }
    let Some(transfer) = found.pending else {
        let reason = booked.reason.as_deref().unwrap_or("no reason was kept");
        return match booked.decision {
            PaymentDecision::Linked => (
                "only events arrived that grant no days (money_in of the source)".into(),
                Some("backfill or resend it".into()),
            ),
            decision => (format!("{decision}: {reason}"), booked.next.clone()),
        };
    };
    let evidence = match (found.moved, in_history) {
        (true, _) => "; its channel moved by exactly its days, so it was probably applied",
        (false, true) => "; Billing History does not name it",
        (false, false) => "",
    };
    (format!("{}{evidence}", state(transfer)), rest_needs(transfer))
}

/// Days that are owed still move when their time has come.
pub(super) fn later(moved: u32, later: u32) -> String {
    format!("{moved} of its days have moved, {later} move when its channel needs them")
}

/// So many days were paid for; `later` of them have yet to move.
fn paid(owed: u32, later: u32, found: &Evidence<'_>) -> String {
    let moves = if later > 0 { format!(", and {later} move later") } else { String::new() };
    format!("paid for {owed} days, extended by {}{}{moves}", found.days, odd(found))
}

pub(super) fn too_few(owed: u32, later: u32, found: &Evidence<'_>) -> (String, Option<String>) {
    let why = paid(owed, later, found);
    let by_hand = "extend the channel by the missing days";
    match (found.pending.filter(|_| later == 0), found.absent) {
        (Some(transfer), _) => (format!("{why}; the rest is {}", state(transfer)), rest_needs(transfer)),
        (None, Some(transfer)) => {
            (format!("{why}; {} is not in Billing History", transfer.key), Some(by_hand.into()))
        }
        (None, None) => (why, Some(by_hand.into())),
    }
}

pub(super) fn too_many(owed: u32, later: u32, found: &Evidence<'_>) -> (String, Option<String>) {
    let next = "correct the days where the payment is made; decide whether the channel keeps them";
    (paid(owed, later, found), Some(next.into()))
}

/// In a word, and why.
fn state(transfer: &BookedTransfer) -> String {
    let reason = transfer.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    format!("{}{reason}", transfer.state.word())
}

/// What moves days that have not moved.
fn rest_needs(transfer: &BookedTransfer) -> Option<String> {
    let off = "give its money back at the provider, or give the days: `daybridge grant CHANNEL --days N --reason …`";
    let cancelled = matches!(transfer.state, State::Cancelled { .. });
    transfer.next.clone().or_else(|| cancelled.then(|| off.to_owned()))
}

fn odd(found: &Evidence<'_>) -> &'static str {
    if found.odd.is_some() { ", as activeTill moved" } else { "" }
}

/// Billing History has it, and the ledger does not call it settled.
pub(super) fn unrecorded(
    key: &str,
    booked: Option<&Booked>,
    pending: Option<&BookedTransfer>,
) -> (String, Option<String>) {
    let Some(booked) = booked else {
        let why = "Billing History names it, and the ledger has no record of it";
        let next =
            "before its event is sent again: `daybridge ledger restored --since TIME`, or it moves once more";
        return (why.into(), Some(next.into()));
    };
    let Some(transfer) = pending else {
        let why = format!("Billing History names it, and the ledger says {}", booked.decision);
        // Days of a payment without a transfer are known only where a restored ledger holds it.
        let order = if booked.days.is_some() { "resolve" } else { "cancel" };
        let applied = if booked.days.is_some() { " --applied" } else { "" };
        let next = format!("`daybridge held {order} '{key}'{applied} --reason …`");
        return (why, (booked.decision == PaymentDecision::Held).then_some(next));
    };
    let key = &transfer.key;
    let next = match &transfer.state {
        State::Held { outcome: Outcome::Open | Outcome::Forgotten, .. } => {
            Some(format!("`daybridge held resolve '{key}' --applied --reason …`"))
        }
        State::Planned { ahead: Some(_), .. } => Some(format!(
            "`daybridge payments stop '{}' --reason …` at once, or its days may move a second time; then `daybridge ledger restored --since TIME`, which asks about it",
            booked.key
        )),
        State::Held { outcome: Outcome::None, .. } | State::Planned { .. } => Some(format!(
            "`daybridge held cancel '{key}' --reason …`, at once: a call would move its days a second time"
        )),
        State::Intended { .. } | State::Doubtful { .. } => {
            Some("readings settle it; look again when it is settled or held".into())
        }
        State::Settled { .. } | State::Cancelled { .. } => None,
    };
    (format!("Billing History names it, and the ledger says {}", transfer.state.word()), next)
}
