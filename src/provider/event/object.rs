//! What an object tells of its payment: ids, money, lines, and what stands under the operator's pointers.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    amount, path,
    unreadable::{Unreadable, unreadable},
};
use crate::{
    config::preset::{
        object::{AmountAs, Lines, Object},
        pointer::Pointer,
    },
    domain::{
        Ms,
        contact::Contact,
        facts::{Found, LINES_MAX, Line, Money, PaymentId, Span},
    },
};

/// Longest value under a channel or days pointer, in bytes; Stripe's own limit for metadata is 500 characters.
pub const VALUE_BYTES_MAX: usize = 2048;

/// Longest id of a payment at the provider, in bytes.
pub const ID_BYTES_MAX: usize = 255;

/// Longest part of a quantity that is kept, in characters.
const QUANTITY_CHARS_MAX: usize = 40;

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
    found_in(&at.metadata, object, pointers)
}

/// The days: of a subscription's, only where it bills a period.
pub(super) fn days(at: &Object, object: &Value, pointers: &[String]) -> Vec<Found> {
    match no_period(at, object) {
        None => found(at, object, pointers),
        Some(_) if at.period.as_ref().is_some_and(|period| period.own) => {
            // A pointer of the operator's may lead to the subscription's words, too.
            let own = |found: &Found| {
                pointers.get(found.pointer).is_some_and(|pointer| pointer.starts_with("/metadata/"))
            };
            found_in(&[], object, pointers).into_iter().filter(own).collect()
        }
        Some(_) => Vec::new(),
    }
}

fn found_in(metadata: &[Pointer], object: &Value, pointers: &[String]) -> Vec<Found> {
    let mut found = Vec::new();
    for (position, pointer) in pointers.iter().enumerate() {
        let own = std::iter::once(pointer.clone());
        let further = metadata
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

/// What was reserved and never captured, where the provider counts it as refunded.
pub(super) fn never_in(at: &Object, event: &Value, object: &Value) -> Option<i64> {
    let place =
        at.never_in.as_ref().filter(|place| place.when.iter().all(|test| path::holds(event, test)))?;
    let amount =
        |at: &str| object.pointer(at).and_then(|told| amount::minor(AmountAs::Minor, told, None).ok());
    let never = amount(&place.of)?.checked_sub(amount(&place.less)?)?;
    (never > 0).then_some(never)
}

/// The reason for which a subscription is billed, where it is not known to be a new period.
pub(super) fn no_period(at: &Object, object: &Value) -> Option<String> {
    let period = at.period.as_ref()?;
    let given = |place: &Pointer| path::all(object, place).into_iter().any(|found| !found.is_null());
    let of_one = period.of.is_empty() || period.of.iter().any(given);
    let reason = object.pointer(&period.at).and_then(path::text).unwrap_or_default();
    (of_one && !period.is.contains(&reason)).then_some(reason)
}

/// The agreement that it belongs to.
pub(super) fn agreement(at: &Object, object: &Value) -> Option<String> {
    let told = at.agreement.iter().filter_map(|place| object.pointer(place)).find_map(path::id);
    told.filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)
}

/// How its customer is reached.
pub(super) fn contacts(at: &Object, object: &Value) -> Vec<Contact> {
    let first = |places: &[Pointer], read: fn(&str) -> Option<Contact>| {
        places
            .iter()
            .filter_map(|place| object.pointer(place))
            .filter_map(path::name)
            .find_map(|text| read(&text))
    };
    first(&at.email, Contact::email).into_iter().chain(first(&at.phone, Contact::phone)).collect()
}

/// What it bills, or its lines that buy days of their own do, each once. A span of which an end cannot be read is none.
pub(super) fn spans(at: &Object, object: &Value, moment: impl Fn(&str) -> Option<Ms>) -> Vec<Span> {
    let own = at.span.iter().map(|span| (span, object));
    let lines = at.lines.iter().flat_map(|lines| {
        let list = object.pointer(&lines.list).and_then(Value::as_array).into_iter().flatten();
        let whole = list.filter(|line| !lines.skip.iter().any(|test| path::holds(line, test)));
        whole.filter_map(|line| Some((lines.span.as_ref()?, line)))
    });
    let time = |teller: &Value, place: &Pointer| moment(&path::text(teller.pointer(place)?)?);
    let mut spans: Vec<Span> = own
        .chain(lines)
        .filter(|(span, teller)| {
            span.when.is_empty() || span.when.iter().any(|test| path::holds(teller, test))
        })
        .filter_map(|(span, teller)| {
            Some(Span { from: time(teller, &span.from)?, to: time(teller, &span.to)? })
        })
        .collect();
    spans.sort();
    spans.dedup();
    spans
}

/// A line without a price id (a hand-made item) stays, with an empty one: no configured price fits it. `None`: there
/// are no lines; an empty list: there are, and none buys days of its own.
pub(super) fn price_lines(at: &Lines, object: &Value) -> Result<Option<PriceLines>, Unreadable> {
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
    let whole = list.iter().filter(|line| !at.skip.iter().any(|test| path::holds(line, test)));
    let (mut lines, mut cut) = (Vec::new(), None);
    for line in whole {
        let price =
            at.price.iter().filter_map(|path| line.pointer(path)).find_map(path::id).unwrap_or_default();
        match quantity(at, line) {
            Ok(quantity) => lines.push(Line { price, quantity }),
            Err(told) => cut = cut.or(Some(told)),
        }
    }
    Ok(Some(PriceLines { lines, cut }))
}

/// Lines that buy days of their own.
pub(super) struct PriceLines {
    pub(super) lines: Vec<Line>,
    /// A quantity among them that is no whole number.
    pub(super) cut: Option<String>,
}

/// Whole units of a line; `Err`: what is told is no whole number. The decimal text counts before the number, which may
/// be cut.
fn quantity(at: &Lines, line: &Value) -> Result<i64, String> {
    let told = |place: &Option<Pointer>| line.pointer(place.as_ref()?).and_then(path::text);
    let Some(text) = told(&at.quantity_decimal).or_else(|| told(&at.quantity)) else { return Ok(1) };
    let whole = text.split_once('.').map_or(Some(text.as_str()), |(whole, part)| {
        part.bytes().all(|digit| digit == b'0').then_some(whole)
    });
    let plain = whole.filter(|whole| !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit()));
    plain.and_then(|whole| whole.parse().ok()).ok_or_else(|| text.chars().take(QUANTITY_CHARS_MAX).collect())
}
