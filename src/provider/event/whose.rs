//! Whose an event is, and of which mode: its connected account, live or test, and whether the source takes such.

use serde_json::Value;

use super::{
    path,
    unreadable::{Unreadable, unreadable},
};
use crate::{config::Source, domain::facts::Facts};

/// The connected account. What is fetched for a context that nobody can place is not believed: the same payment, told by
/// another kind of event without it, would count twice.
pub(super) fn account(source: &Source, event: &Value) -> Result<Option<String>, Unreadable> {
    let named = source.events.account.as_ref().and_then(|at| event.pointer(at)).filter(|at| !at.is_null());
    let named = match named.map(path::id) {
        // Of whose account it is not known would count as the source's own.
        Some(None) => return unreadable("the event does not say of which account it is"),
        Some(named) => named,
        None => None,
    };
    let context = source.fetch.as_ref().and_then(|fetch| fetch.context.as_ref());
    let context = context.and_then(|context| event.pointer(&context.at)?.as_str()?.rsplit('/').next());
    let (Some(account), None) = (context, &named) else {
        return Ok(named.filter(|named| Some(named) != source.own_account.as_ref()));
    };
    if source.own_account.as_deref() == Some(account) {
        return Ok(None);
    }
    if source.own_account.is_none() && source.accounts.is_none() {
        return unreadable(
            "it is of an account that the settings do not place: set own_account of the source to the id of its own account, or accounts to those of connected ones",
        );
    }
    Ok(Some(account.to_owned()))
}

/// Whether it is of live mode.
pub(super) fn livemode(source: &Source, event: &Value) -> Result<bool, Unreadable> {
    let Some(mode) = &source.events.livemode else { return Ok(source.livemode) };
    let word = event.pointer(&mode.at).and_then(path::text).unwrap_or_default();
    match (mode.live.contains(&word), mode.test.contains(&word)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => unreadable("the event does not say whether it is live"),
    }
}

/// Why the source does not take its mode; `None`: it does.
pub(super) fn other_mode(source: &Source, facts: &Facts) -> Option<&'static str> {
    match (source.livemode, facts.livemode) {
        (true, false) => Some("test-mode event; this source takes live mode"),
        (false, true) => Some("live event; this source takes test mode"),
        (true, true) | (false, false) => None,
    }
}

/// Why the source does not take its account; `None`: it does.
pub(super) fn not_its_account(source: &Source, facts: &Facts) -> Option<&'static str> {
    let accounts = source.accounts.as_ref()?;
    match &facts.account {
        Some(account) if accounts.contains(account) => None,
        Some(_) => Some("event of a connected account that this source does not take"),
        None => Some("event of no connected account; this source takes named ones only"),
    }
}
