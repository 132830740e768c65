//! What an object tells of its payment: ids, money, lines, and what stands under the operator's pointers.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    amount, path,
    read::{Unreadable, unreadable},
};
use crate::{
    config::preset::events::{Lines, Object},
    domain::facts::{Found, LINES_MAX, Line, Money, PaymentId},
};

/// Longest value under a channel or days pointer, in bytes; Stripe's own limit for metadata is 500 characters.
pub const VALUE_BYTES_MAX: usize = 2048;

/// Longest id of a payment at the provider, in bytes.
pub const ID_BYTES_MAX: usize = 255;

/// Most ids of the payment one event may mention.
pub const IDS_MAX: usize = 100;

pub(super) fn ids(at: &Object, object: &Value) -> Result<Vec<PaymentId>, Unreadable> {
    let mut ids: Vec<PaymentId> = Vec::new();
    let mut seen = HashSet::new();
    for place in &at.ids {
        let mut holders = match &place.each {
            None => vec![object],
            Some(list) => path::all(object, list),
        };
        holders.retain(|holder| place.when.iter().all(|test| path::holds(holder, test)));
        for id in holders.into_iter().filter_map(|holder| holder.pointer(&place.at)).filter_map(path::id) {
            if id.len() > ID_BYTES_MAX {
                return Err(Unreadable(format!("an id of the payment is longer than {ID_BYTES_MAX} bytes")));
            }
            let id = format!("{}{id}", place.prefix);
            if id.len() > place.prefix.len() && seen.insert((place.rank, id.clone())) {
                ids.push(PaymentId { rank: place.rank, id });
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
pub(super) fn found(at: &Object, object: &Value, pointers: &[String]) -> Vec<Found> {
    let mut found = Vec::new();
    for (position, pointer) in pointers.iter().enumerate() {
        let own = std::iter::once(pointer.clone());
        let further = at
            .metadata
            .iter()
            .filter(|_| pointer.starts_with("/metadata/"))
            .map(|place| format!("{}{pointer}", &**place));
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
        found.extend(values.iter().map(|value| Found { pointer: position, value: kept(value) }));
    }
    found
}

/// What is kept of a value. One that is too long is no channel and no number of days, and its beginning is none either.
fn kept(value: &str) -> String {
    path::storable(value.get(..value.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or(value))
}

/// Why the amount that came in is not known.
pub(super) struct Uncounted {
    /// In a sentence.
    pub(super) why: String,
    /// Some money came in for sure.
    pub(super) is_some: bool,
}

pub(super) fn money(at: &Object, object: &Value) -> Result<Money, Uncounted> {
    let told = at.amount.iter().filter_map(|path| object.pointer(path)).find(|amount| !amount.is_null());
    let uncounted = |why: String| Uncounted { why, is_some: told.is_some_and(amount::is_some) };
    let Some(told) = told else {
        return Err(uncounted("money came in, but the event names no amount".into()));
    };
    let Some(currency) = currency(at, object) else {
        return Err(uncounted("money came in, but the event names no currency".into()));
    };
    match amount::minor(at.amount_as, told, Some(&currency)) {
        Ok(amount) => Ok(Money { amount, currency }),
        Err(Unreadable(why)) => Err(uncounted(why)),
    }
}

pub(super) fn currency(at: &Object, object: &Value) -> Option<String> {
    let code = object.pointer(at.currency.as_ref()?)?.as_str()?.to_ascii_lowercase();
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(code)
}

/// A line without a price id (a hand-made item) stays, with an empty one: no configured price fits it. `None`: there
/// are no lines; an empty list: there are, and none buys days of its own.
pub(super) fn price_lines(at: &Lines, object: &Value) -> Result<Option<Vec<Line>>, Unreadable> {
    let list = match object.pointer(&at.list) {
        Some(Value::Array(list)) if !list.is_empty() => list.as_slice(),
        Some(line @ Value::Object(_)) => std::slice::from_ref(line),
        _ => return Ok(None),
    };
    if list.len() > LINES_MAX {
        return Err(Unreadable(format!("more than {LINES_MAX} lines")));
    }
    let more = at.more.as_ref().and_then(|more| object.pointer(more)).and_then(Value::as_bool);
    if more == Some(true) {
        return unreadable("the event carries only the first of its lines");
    }
    let line = |line: &Value| {
        let price = at.price.iter().filter_map(|path| line.pointer(path)).find_map(path::id);
        let quantity = match at.quantity.as_ref().and_then(|quantity| line.pointer(quantity)) {
            None | Some(Value::Null) => 1,
            Some(quantity) => quantity.as_i64().filter(|quantity| *quantity >= 0)?,
        };
        Some(Line { price: price.unwrap_or_default(), quantity })
    };
    let whole = list.iter().filter(|line| !at.skip.iter().any(|test| path::holds(line, test)));
    let lines: Option<Vec<_>> = whole.map(line).collect();
    lines.map_or_else(|| unreadable("a line's quantity is no whole number from 0"), |lines| Ok(Some(lines)))
}
