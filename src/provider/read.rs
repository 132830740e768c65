//! From a body to [`Facts`], by an event map and a source's settings. Worker side: builds the whole tree.
//!
//! A reason never quotes the body; at most the event type, when it is a plain word. What is contradictory
//! for the rules (two channels, no days) is reported, not judged here; what no rule could judge (no id of a
//! payment, an amount below zero, half of the lines) is unreadable, so that a person sees it.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    map::{EventMap, Lines, Object, Sense},
    path,
};
use crate::{
    config::Source,
    domain::facts::{Facts, Family, Found, LINES_MAX, Line, Meaning, Money, PaymentId},
    envelope::WORD_BYTES_MAX,
};

/// Longest value under a channel or days pointer, in bytes; Stripe's own limit for metadata is 500 characters.
pub const VALUE_BYTES_MAX: usize = 2048;

/// Longest id of a payment at the provider, in bytes.
pub const ID_BYTES_MAX: usize = 255;

/// Most ids of the payment one event may mention.
pub const IDS_MAX: usize = 100;

/// Why a body cannot be read, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

fn unreadable<T>(reason: &str) -> Result<T, Unreadable> {
    Err(Unreadable(reason.to_owned()))
}

/// Reads one event.
pub fn read(map: &EventMap, source: &Source, body: &[u8]) -> Result<Facts, Unreadable> {
    let event = parse(body)?;
    if let Some((_, reason)) = map.is_not.iter().find(|(test, _)| path::holds(&event, test)) {
        return unreadable(reason);
    }
    if !path::holds(&event, &map.is) {
        return unreadable("the body is JSON, but no event of this provider");
    }
    let word = |key: &str| event.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
    if word(map.id).is_none() {
        return unreadable("the event has no id");
    }
    let Some(kind) = word(map.kind) else { return unreadable("the event has no type") };
    let Some(object) = event.pointer(map.object).filter(|object| object.is_object()) else {
        return unreadable("the event carries no object");
    };
    let Some(livemode) = event.pointer(map.livemode).and_then(Value::as_bool) else {
        return unreadable("the event does not say whether it is live");
    };
    let seconds = event.pointer(map.occurred_at_s).and_then(Value::as_i64).filter(|seconds| *seconds >= 0);
    let Some(occurred_at) = seconds.and_then(|seconds| seconds.checked_mul(1000)) else {
        return unreadable("the event does not say when it happened");
    };
    let mut facts = Facts {
        occurred_at,
        livemode,
        account: event.pointer(map.account).and_then(path::id).map(str::to_owned),
        meaning: Meaning::Ignored(not_needed(kind)),
        ids: Vec::new(),
        channel: Vec::new(),
        days: Vec::new(),
        money: None,
        customer: None,
        lines: None,
        out: Vec::new(),
    };
    let Some(entry) = map.events.iter().find(|entry| entry.kinds.contains(&kind)) else {
        return Ok(facts);
    };
    facts.ids = ids(entry.object, object)?;
    facts.customer = object
        .pointer(entry.object.customer)
        .and_then(path::id)
        .filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)
        .map(str::to_owned);
    let sense = entry
        .rules
        .iter()
        .find(|rule| path::holds(object, &rule.when))
        .map_or(entry.otherwise, |rule| rule.then);
    facts.meaning = match not_ours(source, &facts) {
        Some(reason) => Meaning::Ignored(reason.to_owned()),
        None => meaning(sense),
    };
    if !matches!(facts.meaning, Meaning::Ignored(_)) && facts.ids.is_empty() {
        return unreadable("the event names no payment");
    }
    // A refund's or a dispute's own metadata says nothing about what was bought.
    if matches!(facts.meaning, Meaning::MoneyIn(_) | Meaning::Link) {
        facts.channel = found(entry.object, object, &source.channel)?;
        facts.days = found(entry.object, object, &source.days)?;
        facts.lines = match entry.object.lines.map(|lines| price_lines(lines, object)) {
            // Lines matter only where prices are configured.
            Some(Err(_)) if source.prices.is_empty() => None,
            lines => lines.transpose()?,
        };
    }
    if matches!(facts.meaning, Meaning::MoneyIn(_)) {
        facts.money = Some(money(entry.object, object)?);
    }
    Ok(facts)
}

fn parse(body: &[u8]) -> Result<Value, Unreadable> {
    if body.is_empty() {
        return unreadable("the body is empty");
    }
    let Ok(text) = std::str::from_utf8(body) else { return unreadable("the body is not UTF-8") };
    serde_json::from_str(text).map_err(|error| {
        // The library tells a tree that is too deep from other errors by its text only.
        let what =
            if error.to_string().starts_with("recursion limit") { "nested too deep" } else { "not JSON" };
        Unreadable(format!("the body is {what} (line {}, column {})", error.line(), error.column()))
    })
}

fn meaning(sense: Sense) -> Meaning {
    match sense {
        Sense::MoneyIn(family) => Meaning::MoneyIn(Family::new(family)),
        Sense::Link => Meaning::Link,
        Sense::Refund => Meaning::MoneyOut,
        Sense::Ignored(reason) => Meaning::Ignored(reason.to_owned()),
    }
}

fn not_needed(kind: &str) -> String {
    let plain = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if plain && kind.len() <= WORD_BYTES_MAX {
        format!("event type {kind} is not needed")
    } else {
        "this event type is not needed".to_owned()
    }
}

fn not_ours(source: &Source, facts: &Facts) -> Option<&'static str> {
    match (source.livemode, facts.livemode) {
        (true, false) => return Some("test-mode event; this source takes live mode"),
        (false, true) => return Some("live event; this source takes test mode"),
        (true, true) | (false, false) => {}
    }
    let accounts = source.accounts.as_ref()?;
    match &facts.account {
        Some(account) if accounts.contains(account) => None,
        Some(_) => Some("event of a connected account that this source does not take"),
        None => Some("event of no connected account; this source takes named ones only"),
    }
}

fn ids(at: &Object, object: &Value) -> Result<Vec<PaymentId>, Unreadable> {
    let mut ids: Vec<PaymentId> = Vec::new();
    let mut seen = HashSet::new();
    for place in at.ids {
        let holders = match &place.each {
            None => vec![object],
            Some((list, test)) => {
                path::all(object, list).into_iter().filter(|element| path::holds(element, test)).collect()
            }
        };
        for id in holders.into_iter().filter_map(|holder| holder.pointer(place.path)).filter_map(path::id) {
            if id.len() > ID_BYTES_MAX {
                return Err(Unreadable(format!("an id of the payment is longer than {ID_BYTES_MAX} bytes")));
            }
            if !id.is_empty() && seen.insert((place.rank, id)) {
                ids.push(PaymentId { rank: place.rank, id: id.to_owned() });
            }
        }
    }
    if ids.len() > IDS_MAX {
        return Err(Unreadable(format!("the event mentions more than {IDS_MAX} ids of the payment")));
    }
    ids.sort_by_key(|id| id.rank);
    Ok(ids)
}

/// One hit per pointer: at the pointer itself, else at the first further place of metadata that has any.
/// A place inside a list gives all its distinct values; that they differ is for the rules to hold.
fn found(at: &Object, object: &Value, pointers: &[String]) -> Result<Vec<Found>, Unreadable> {
    let mut found = Vec::new();
    for (position, pointer) in pointers.iter().enumerate() {
        let own = std::iter::once(pointer.clone());
        let further = at
            .metadata
            .iter()
            .filter(|_| pointer.starts_with("/metadata/"))
            .map(|place| format!("{place}{pointer}"));
        let mut values: Vec<String> = own
            .enumerate()
            .chain(further.map(|place| (1, place)))
            .map(|(further, place)| match further {
                // The operator's pointer is a plain one: `*` in it is a key like any other.
                0 => object.pointer(&place).and_then(path::text).into_iter().collect(),
                _ => path::all(object, &place).into_iter().filter_map(path::text).collect::<Vec<_>>(),
            })
            .find(|values| !values.is_empty())
            .unwrap_or_default();
        values.sort();
        values.dedup();
        if values.iter().any(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(Unreadable(format!(
                "a value under a channel or days pointer is longer than {VALUE_BYTES_MAX} bytes"
            )));
        }
        found.extend(values.into_iter().map(|value| Found { pointer: position, value }));
    }
    Ok(found)
}

fn money(at: &Object, object: &Value) -> Result<Money, Unreadable> {
    let amount = at.amount.iter().filter_map(|path| object.pointer(path)).find(|amount| !amount.is_null());
    let Some(amount) = amount else { return unreadable("money came in, but the event names no amount") };
    let Some(amount) = amount.as_i64().filter(|amount| *amount >= 0) else {
        return unreadable("the amount is no whole number from 0");
    };
    let currency = object.pointer(at.currency).and_then(Value::as_str).map(str::to_ascii_lowercase);
    match currency.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase())) {
        Some(currency) => Ok(Money { amount, currency }),
        None => unreadable("money came in, but the event names no currency"),
    }
}

/// A line without a price id (a hand-made item) stays, with an empty one: no configured price fits it.
fn price_lines(at: &Lines, object: &Value) -> Result<Vec<Line>, Unreadable> {
    let Some(list) = object.pointer(at.list).and_then(Value::as_array) else { return Ok(Vec::new()) };
    if list.len() > LINES_MAX {
        return Err(Unreadable(format!("more than {LINES_MAX} lines")));
    }
    if object.pointer(at.more).and_then(Value::as_bool) == Some(true) {
        return unreadable("the event carries only the first of its lines");
    }
    let line = |line: &Value| {
        let price = at.price.iter().filter_map(|path| line.pointer(path)).find_map(path::id);
        let quantity = match line.pointer(at.quantity) {
            None | Some(Value::Null) => 1,
            Some(quantity) => quantity.as_i64().filter(|quantity| *quantity >= 0)?,
        };
        Some(Line { price: price.unwrap_or_default().to_owned(), quantity })
    };
    let lines: Option<Vec<_>> = list.iter().map(line).collect();
    lines.map_or_else(|| unreadable("a line's quantity is no whole number from 0"), Ok)
}
