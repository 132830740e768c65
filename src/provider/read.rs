//! From an event to [`Facts`], by an event map and a source's settings. Worker side: builds the whole tree.
//!
//! A reason never quotes the body; at most the event type, when it is a plain word. What is contradictory
//! for the rules (two channels, no days) is reported, not judged here; what no rule could judge (no id of a
//! payment, an amount below zero, half of the lines) is unreadable, so that a person sees it.

use std::collections::HashSet;

use serde_json::Value;

use super::{amount, fetch, items, path, words};
use crate::{
    config::{
        Source,
        preset::{
            EventMap,
            events::{Counts, Lines, Means, Object, On, OutAt, Pointer},
            fetch::From,
            signature::Unit,
        },
    },
    domain::{
        Ms,
        facts::{
            Facts, Family, Found, LINES_MAX, Line, Meaning, Money, Out, OutAmount, OutKind, OutState,
            PaymentId,
        },
    },
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

/// What is known of an event besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'e> {
    /// Its type in the words around the message, for providers that tell it in a header.
    pub event_type: &'e str,
    /// When it was received, for providers that tell no time.
    pub received_at: Ms,
}

/// An event that is one of this provider's, and whether it is needed.
struct Opened<'s> {
    source: &'s Source,
    event: Value,
    kind: String,
    facts: Facts,
    /// Why its account is none of the source's.
    elsewhere: Option<&'static str>,
}

/// Looks at all of an event but what it is about.
fn open<'s>(source: &'s Source, body: &[u8], beside: Beside<'_>) -> Result<Opened<'s>, Unreadable> {
    let map = &source.events;
    let event = path::parse(map.format, body)?;
    if let Some(list) = items::list(map, &event) {
        return unreadable(match (list.len(), items::of(map, &event)) {
            (0, _) => "the request brings no event",
            (items::MANY.., _) => "the request brings more than 1000 events",
            (_, None) => "the request brings something else than events",
            (_, Some(_)) => {
                "it brings several events and is not taken apart yet: `daybridge held retry` does so"
            }
        });
    }
    if let Some(refusal) = map.is_not.iter().find(|refusal| path::holds(&event, &refusal.test())) {
        return unreadable(&refusal.why);
    }
    if !map.is.iter().all(|test| path::holds(&event, test)) {
        return unreadable("the body is no event of this provider");
    }
    let kind = match (&map.kind, words::of_event(map, &event)) {
        (crate::config::preset::events::Kind::Header(_), _) => beside.event_type.to_owned(),
        (_, Some(words)) => words.event_type,
        (_, None) => return unreadable("the event has no type, or no id"),
    };
    let occurred_at = occurred_at(map, &event, map.occurred_at.iter())?.unwrap_or(beside.received_at);
    let facts =
        Facts { livemode: livemode(source, &event)?, ..Facts::ignored(occurred_at, not_needed(&kind)) };
    let mut opened = Opened { source, event, kind, facts, elsewhere: None };
    // Whose it is matters only of what is needed.
    if opened.ignored().is_none() {
        opened.facts.account = account(source, &opened.event)?;
        opened.elsewhere = not_its_account(source, &opened.facts);
    }
    Ok(opened)
}

impl<'s> Opened<'s> {
    /// Why it is ignored whatever it is about; `None`: it may be needed.
    fn ignored(&self) -> Option<String> {
        let known = self.source.events.on.iter().any(|on| on.types.contains(&self.kind));
        if !known {
            return Some(not_needed(&self.kind));
        }
        other_mode(self.source, &self.facts).or(self.elsewhere).map(str::to_owned)
    }

    /// What must be asked of the provider's API before it is believed; `None`: nothing, or nothing that is needed.
    fn wanted(&self) -> Option<&'s From> {
        let fits = |from: &&From| {
            (from.types.is_empty() || from.types.contains(&self.kind))
                && from.when.iter().all(|test| path::holds(&self.event, test))
        };
        self.source.fetch.as_ref().filter(|_| self.ignored().is_none())?.from.iter().find(fits)
    }

    /// What it says. `object`: what it is about, where that was fetched; else it stands in the event.
    fn read(self, object: Option<Value>) -> Result<Facts, Unreadable> {
        let ignored = self.ignored();
        let Self { source, event, kind, mut facts, .. } = self;
        if let Some(reason) = ignored {
            facts.meaning = Meaning::Ignored(reason);
            return Ok(facts);
        }
        let object = object.or_else(|| event.pointer(&source.events.object).cloned());
        let Some(object) = object.filter(Value::is_object) else {
            return unreadable("the event carries no object");
        };
        of_object(source, &kind, object, facts)
    }
}

/// What must be asked of the provider's API before an event is believed, and the event itself; `None`: nothing, or
/// nothing that is needed.
pub(super) fn wanted<'s>(
    source: &'s Source,
    body: &[u8],
    beside: Beside<'_>,
) -> Result<Option<(&'s From, Value)>, Unreadable> {
    let opened = open(source, body, beside)?;
    Ok(opened.wanted().map(|from| (from, opened.event)))
}

/// Reads one event. `answer`: what the provider's API told of it, where it was asked.
pub fn read(
    source: &Source,
    body: &[u8],
    beside: Beside<'_>,
    answer: Option<&Value>,
) -> Result<Facts, Unreadable> {
    let opened = open(source, body, beside)?;
    let object = match (opened.wanted(), answer) {
        (None, _) => None,
        (Some(_), None) => return unreadable("what it is about must be asked for at the provider's API"),
        (Some(from), Some(answer)) => match answer.pointer(&from.object) {
            Some(object) if !fetch::is_asked(from, &opened.event, object) => {
                return unreadable("the provider's API told of something else than what was asked for");
            }
            Some(object) => Some(object.clone()),
            None => return unreadable("the answer of the provider's API does not hold what was asked for"),
        },
    };
    opened.read(object)
}

fn of_object(source: &Source, kind: &str, object: Value, mut facts: Facts) -> Result<Facts, Unreadable> {
    let map = &source.events;
    let of_type = |on: &&On| on.types.iter().any(|known| known == kind);
    // Each entry sees the object as its own kind of object.
    let mut fitting = None;
    for on in map.on.iter().filter(of_type) {
        let at = on.object.as_ref().and_then(|name| map.objects.get(name));
        let mut seen = object.clone();
        path::unpack(&mut seen, at.iter().flat_map(|at| at.unpack.iter().map(|place| &**place)));
        let elsewhere = on.means == Means::Held
            && on.family.as_ref().is_some_and(|family| *family != source.money_in.as_str());
        if !elsewhere && on.when.iter().all(|test| path::holds(&seen, test)) {
            fitting = Some((on, at, seen));
            break;
        }
    }
    let Some((on, at, object)) = fitting else {
        facts.meaning = Meaning::Ignored(format!("{}, as it stands", not_needed(kind)));
        return Ok(facts);
    };
    let why = || on.why.clone().unwrap_or_default();
    if on.means == Means::Held {
        return Err(Unreadable(why()));
    }
    let Some(at) = at else {
        facts.meaning = Meaning::Ignored(why());
        return Ok(facts);
    };
    facts.ids = ids(at, &object)?;
    if let Some(at) = occurred_at(map, &object, at.occurred_at.iter())? {
        facts.occurred_at = at;
    }
    facts.customer = at
        .customer
        .as_ref()
        .and_then(|place| object.pointer(place))
        .and_then(path::id)
        .filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX);
    facts.meaning = match on.means {
        Means::MoneyIn => Meaning::MoneyIn(Family::new(on.family())),
        Means::Link => Meaning::Link,
        Means::Ignored | Means::Held => Meaning::Ignored(why()),
        Means::Refund
        | Means::RefundFailed
        | Means::Dispute
        | Means::DisputeWon
        | Means::DisputeLost
        | Means::Inquiry => Meaning::MoneyOut,
    };
    if !matches!(facts.meaning, Meaning::Ignored(_)) && facts.ids.is_empty() {
        return unreadable("the event names no payment");
    }
    // A refund's or a dispute's own metadata says nothing about what was bought.
    if matches!(facts.meaning, Meaning::MoneyIn(_) | Meaning::Link) {
        facts.channel = found(at, &object, &source.channel)?;
        facts.days = found(at, &object, &source.days)?;
        facts.lines = match at.lines.as_ref().map_or(Ok(None), |lines| price_lines(lines, &object)) {
            // What they are matters only where prices are configured.
            Err(_) if source.prices.is_empty() => None,
            lines => lines?,
        };
    }
    if matches!(facts.meaning, Meaning::MoneyIn(_)) {
        facts.money = Some(money(at, &object)?);
    }
    facts.out = out(on, at, &object)?;
    Ok(facts)
}

/// What went out, as the event tells it. Beside money in, a total of nothing is nothing; an event of money out always
/// tells something, for one that tells nothing would be of before amounts were read, and mean everything.
fn out(on: &On, at: &Object, object: &Value) -> Result<Vec<Out>, Unreadable> {
    let mut all = Vec::new();
    if on.means == Means::Inquiry && on.out.is_empty() {
        let (kind, state) = (OutKind::Dispute, OutState::Inquiry);
        all.push(Out { kind, state, id: None, amount: OutAmount::All });
    }
    for place in &on.out {
        let (kind, state) = match place.means.unwrap_or(on.means) {
            Means::Refund | Means::MoneyIn => (OutKind::Refund, OutState::Done),
            Means::RefundFailed => (OutKind::Refund, OutState::Undone),
            Means::Dispute => (OutKind::Dispute, OutState::Open),
            Means::DisputeWon => (OutKind::Dispute, OutState::Undone),
            Means::DisputeLost => (OutKind::Dispute, OutState::Done),
            Means::Inquiry => (OutKind::Dispute, OutState::Inquiry),
            Means::Link | Means::Ignored | Means::Held => continue,
        };
        let amount = out_amount(place, at, object)?;
        if on.means == Means::MoneyIn && amount == OutAmount::Total(0) {
            continue;
        }
        let id = place.id.as_ref().and_then(|id| object.pointer(id)).and_then(path::id);
        all.push(Out { kind, state, id, amount });
    }
    Ok(all)
}

fn out_amount(place: &OutAt, at: &Object, object: &Value) -> Result<OutAmount, Unreadable> {
    let told = place.amount.iter().filter_map(|path| object.pointer(path)).find(|amount| !amount.is_null());
    let counted = match (place.counts, told) {
        (Counts::All, _) => return Ok(OutAmount::All),
        // Refunds so far that are not told are none.
        (Counts::Total, None) => return Ok(OutAmount::Total(0)),
        (_, None) => return unreadable("money went out, but the event names no amount"),
        (_, Some(told)) => amount::minor(at.amount_as, told, currency(at, object).as_deref())?,
    };
    Ok(match place.counts {
        Counts::Part => OutAmount::Part(counted),
        Counts::Total | Counts::All => OutAmount::Total(counted),
    })
}

/// The first time that is told; `None`: none is.
fn occurred_at<'p>(
    map: &EventMap,
    value: &Value,
    mut places: impl Iterator<Item = &'p Pointer>,
) -> Result<Option<Ms>, Unreadable> {
    let Some(text) = places.find_map(|at| value.pointer(at).and_then(path::text)) else { return Ok(None) };
    let count = text.parse::<i64>().ok().filter(|count| *count >= 0);
    let at = match (count, map.occurred_unit) {
        (Some(count), Unit::Seconds) => count.checked_mul(1000),
        (Some(count), Unit::Millis) => Some(count),
        (None, _) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    };
    match at.filter(|at| *at >= 0) {
        Some(at) => Ok(Some(at)),
        None => unreadable("the event does not say when it happened"),
    }
}

/// The connected account. What is fetched for a context that nobody can place is not believed: the same payment, told by
/// another kind of event without it, would count twice.
fn account(source: &Source, event: &Value) -> Result<Option<String>, Unreadable> {
    let named = source.events.account.as_ref().and_then(|at| event.pointer(at)).and_then(path::id);
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

fn livemode(source: &Source, event: &Value) -> Result<bool, Unreadable> {
    let Some(mode) = &source.events.livemode else { return Ok(source.livemode) };
    let word = event.pointer(&mode.at).and_then(path::text).unwrap_or_default();
    match (mode.live.contains(&word), mode.test.contains(&word)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => unreadable("the event does not say whether it is live"),
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

fn other_mode(source: &Source, facts: &Facts) -> Option<&'static str> {
    match (source.livemode, facts.livemode) {
        (true, false) => Some("test-mode event; this source takes live mode"),
        (false, true) => Some("live event; this source takes test mode"),
        (true, true) | (false, false) => None,
    }
}

fn not_its_account(source: &Source, facts: &Facts) -> Option<&'static str> {
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
fn found(at: &Object, object: &Value, pointers: &[String]) -> Result<Vec<Found>, Unreadable> {
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
    let told = at.amount.iter().filter_map(|path| object.pointer(path)).find(|amount| !amount.is_null());
    let Some(told) = told else { return unreadable("money came in, but the event names no amount") };
    let Some(currency) = currency(at, object) else {
        return unreadable("money came in, but the event names no currency");
    };
    Ok(Money { amount: amount::minor(at.amount_as, told, Some(&currency))?, currency })
}

fn currency(at: &Object, object: &Value) -> Option<String> {
    let code = object.pointer(at.currency.as_ref()?)?.as_str()?.to_ascii_lowercase();
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(code)
}

/// A line without a price id (a hand-made item) stays, with an empty one: no configured price fits it. `None`: there
/// are no lines; an empty list: there are, and none buys days of its own.
fn price_lines(at: &Lines, object: &Value) -> Result<Option<Vec<Line>>, Unreadable> {
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
