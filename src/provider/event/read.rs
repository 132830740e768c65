//! From an event to [`Facts`], by an event map and a source's settings. Worker side: builds the whole tree.
//!
//! A reason never quotes the body; at most the event type, when it is a plain word. What is contradictory
//! for the rules (two channels, no days) is reported, not judged here. Money that came in is a payment by its ids
//! whatever else cannot be read of it (an amount, half of the lines): the rules hold it, and a person can finish it. What
//! names no payment is unreadable, so that a person sees it.

use serde_json::Value;

use super::{
    items,
    object::{self, Uncounted},
    path,
    reversal::reversals,
    unreadable::{Unreadable, unreadable},
    whose::{account, livemode, not_its_account, other_mode},
    words,
};
use crate::{
    config::{
        Source,
        preset::{
            EventMap,
            events::{Kind, Means, On},
            fetch::From,
            object::Object,
            pointer::Pointer,
            signature::{MILLIS_FROM, Unit},
        },
    },
    domain::{
        Ms,
        facts::{Facts, Family, Meaning},
        payment::agreement::AgreementState,
    },
    envelope::WORD_BYTES_MAX,
    provider::fetch,
};

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
    /// Why it is ignored whatever it is about; `None`: it may be needed.
    ignored: Option<String>,
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
    let refusal = map.is_not.iter().find(|refusal| path::holds(&event, &refusal.test()));
    if let Some(refusal) = refusal.filter(|refusal| !refusal.ignored) {
        return unreadable(&refusal.why);
    }
    if !map.is.iter().all(|test| path::holds(&event, test)) {
        return unreadable("the body is no event of this provider");
    }
    let kind = match (&map.kind, words::of_event(map, &event)) {
        (Kind::Header(_), _) => beside.event_type.to_owned(),
        (_, Some(words)) => words.event_type,
        (_, None) => return unreadable("the event has no type, or no id"),
    };
    let occurred_at = occurred_at(map, &event, map.occurred_at.iter())?.unwrap_or(beside.received_at);
    let facts =
        Facts { livemode: livemode(source, &event)?, ..Facts::ignored(occurred_at, not_needed(&kind)) };
    let known = map.on.iter().any(|on| on.types.contains(&kind));
    let ignored = match (refusal, known) {
        (Some(refusal), _) => Some(refusal.why.clone()),
        (None, false) => Some(not_needed(&kind)),
        (None, true) => other_mode(source, &facts).map(str::to_owned),
    };
    let mut opened = Opened { source, event, kind, facts, ignored };
    // Whose it is matters only of what is needed.
    if opened.ignored.is_none() {
        opened.facts.account = account(source, &opened.event)?;
        opened.ignored = not_its_account(source, &opened.facts).map(str::to_owned);
    }
    Ok(opened)
}

impl<'s> Opened<'s> {
    /// What must be asked of the provider's API before it is believed; `None`: nothing, or nothing that is needed.
    fn wanted(&self) -> Option<&'s From> {
        let fits = |from: &&From| {
            (from.types.is_empty() || from.types.contains(&self.kind))
                && from.when.iter().all(|test| path::holds(&self.event, test))
        };
        self.source.fetch.as_ref().filter(|_| self.ignored.is_none())?.from.iter().find(fits)
    }

    /// What it says. `object`: what it is about, where that was fetched; else it stands in the event.
    fn read(self, object: Option<Value>) -> Result<Facts, Unreadable> {
        let Self { source, event, kind, mut facts, ignored } = self;
        if let Some(reason) = ignored {
            facts.meaning = Meaning::Ignored(reason);
            return Ok(facts);
        }
        let object = object.or_else(|| event.pointer(&source.events.object).cloned());
        let Some(object) = object.filter(Value::is_object) else {
            return unreadable("the event carries no object");
        };
        of_object(source, &kind, &event, &object, facts)
    }
}

/// What must be asked of the provider's API before an event is believed, and the event itself; `None`: nothing, or
/// nothing that is needed.
pub(in crate::provider) fn wanted<'s>(
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

/// An entry of the map that an event is of, and what it is about as that entry sees it.
struct Fitting<'s> {
    on: &'s On,
    /// What is known of such objects; `None`: it needs none.
    at: Option<&'s Object>,
    seen: Value,
}

/// The first entry of the event's type whose conditions hold.
fn fitting<'s>(source: &'s Source, kind: &str, object: &Value) -> Option<Fitting<'s>> {
    let map = &source.events;
    let of_type = |on: &&On| on.types.iter().any(|known| known == kind);
    for on in map.on.iter().filter(of_type) {
        // Each entry sees the object as its own kind of object.
        let at = on.object.as_ref().and_then(|name| map.objects.get(name));
        let mut seen = object.clone();
        path::unpack(&mut seen, at.iter().flat_map(|at| at.unpack.iter().map(|place| &**place)));
        let elsewhere = !matches!(on.means, Means::MoneyIn | Means::Link)
            && on.family.as_ref().is_some_and(|family| *family != source.money_in.as_str());
        if !elsewhere && on.when.iter().all(|test| path::holds(&seen, test)) {
            return Some(Fitting { on, at, seen });
        }
    }
    None
}

fn of_object(
    source: &Source,
    kind: &str,
    event: &Value,
    object: &Value,
    mut facts: Facts,
) -> Result<Facts, Unreadable> {
    let Some(Fitting { on, at, seen }) = fitting(source, kind, object) else {
        facts.meaning = Meaning::Ignored(format!("{}, as it stands", not_needed(kind)));
        return Ok(facts);
    };
    if on.means == Means::Held {
        return Err(Unreadable(why(on)));
    }
    if on.means == Means::MoneyInUnclear {
        facts.unclear = Some(why(on));
    }
    let Some(at) = at else {
        facts.meaning = Meaning::Ignored(why(on));
        return Ok(facts);
    };
    identify(source, on, at, &seen, &mut facts)?;
    if on.means == Means::Agreement {
        // It joins no payments, whatever ids its object has.
        facts.ids.clear();
    }
    facts.meaning = meaning(source, on, facts.agreement.as_deref());
    if !matches!(facts.meaning, Meaning::Ignored(_)) && facts.ids.is_empty() {
        return unreadable("the event names no payment");
    }
    tell(source, at, event, &seen, &mut facts);
    facts.out = reversals(on, at, &seen)?;
    Ok(facts)
}

/// The sentence of an entry for the operator.
fn why(on: &On) -> String {
    on.why.clone().unwrap_or_default()
}

/// Which payment it is of, when it happened, whose it is, and which agreement it belongs to.
fn identify(
    source: &Source,
    on: &On,
    at: &Object,
    object: &Value,
    facts: &mut Facts,
) -> Result<(), Unreadable> {
    facts.ids = object::ids(at, object)?;
    if let Some(at) = occurred_at(&source.events, object, at.occurred_at.iter())? {
        facts.occurred_at = at;
    }
    let customer = at.customer.as_ref().and_then(|place| object.pointer(place)).and_then(path::name);
    facts.customer = customer.filter(|id| !id.is_empty() && id.len() <= object::ID_BYTES_MAX);
    facts.contacts = object::contacts(at, object);
    facts.agreement = object::agreement(at, object);
    facts.agreement_state = on.agreement.filter(|_| facts.agreement.is_some());
    Ok(())
}

/// What it means for the rules. `agreement`: the one that it belongs to.
fn meaning(source: &Source, on: &On, agreement: Option<&str>) -> Meaning {
    match on.means {
        Means::MoneyIn => Meaning::MoneyIn(Family::new(on.family())),
        // Where it names no family it is of whichever grants.
        Means::MoneyInUnclear => {
            Meaning::MoneyIn(Family::new(on.family.as_deref().unwrap_or(source.money_in.as_str())))
        }
        Means::Link => Meaning::Link,
        Means::Agreement => Meaning::Ignored(agreement_words(on.agreement, agreement)),
        Means::Ignored | Means::Held => Meaning::Ignored(why(on)),
        Means::Refund
        | Means::RefundFailed
        | Means::PaymentFailed
        | Means::Dispute
        | Means::DisputeWon
        | Means::DisputeLost
        | Means::Inquiry => Meaning::MoneyOut,
    }
}

/// What the object tells of what was bought, and for how much; what cannot be read of that is told with it.
fn tell(source: &Source, at: &Object, event: &Value, object: &Value, facts: &mut Facts) {
    // A refund's or a dispute's own metadata says nothing about what was bought.
    if matches!(facts.meaning, Meaning::MoneyIn(_) | Meaning::Link) {
        facts.channel = object::found(at, object, &source.channel);
        facts.days = object::days(at, object, &source.days);
        facts.no_period = object::no_period(at, object);
        if source.days.is_period() {
            facts.spans = object::spans(at, object, |told| moment(&source.events, told));
        }
        match at.lines.as_ref().map_or(Ok(None), |lines| object::price_lines(lines, object)) {
            Ok(lines) => {
                facts.cut_quantity = lines.as_ref().and_then(|lines| lines.cut.clone());
                // One that is cut is no sign of a part of a period.
                facts.lines = lines
                    .map(|lines| lines.lines)
                    .filter(|lines| !lines.is_empty() || facts.cut_quantity.is_none());
            }
            // What they are matters only where prices are configured.
            Err(Unreadable(why)) if !source.prices.is_empty() || source.days.is_period() => {
                facts.unclear = facts.unclear.take().or(Some(why))
            }
            Err(_) => {}
        }
    }
    if matches!(facts.meaning, Meaning::MoneyIn(_)) {
        let moment = |place: &Pointer| moment(&source.events, &path::text(object.pointer(place)?)?);
        facts.paid_at = at.paid_at.iter().find_map(moment);
        match object::money(at, object) {
            Ok(money) => facts.money = Some(money),
            Err(Uncounted { why, is_some: true }) => facts.amount_unread = Some(why),
            Err(Uncounted { why, is_some: false }) => facts.unclear = facts.unclear.take().or(Some(why)),
        }
        facts.part = at.part.as_ref().and_then(|part| object.pointer(part)).and_then(path::id);
    }
    if matches!(facts.meaning, Meaning::MoneyIn(_) | Meaning::MoneyOut) {
        facts.never_in = object::never_in(at, event, object);
    }
}

/// What became of an event that tells of an agreement alone.
fn agreement_words(state: Option<AgreementState>, agreement: Option<&str>) -> String {
    match (state, agreement) {
        (Some(state), Some(_)) => format!("its agreement is {state}; by itself that moves no days"),
        _ => "it belongs to no agreement".to_owned(),
    }
}

/// The first time that is told; `None`: none is.
fn occurred_at<'p>(
    map: &EventMap,
    value: &Value,
    mut places: impl Iterator<Item = &'p Pointer>,
) -> Result<Option<Ms>, Unreadable> {
    let Some(text) = places.find_map(|at| value.pointer(at).and_then(path::text)) else { return Ok(None) };
    match moment(map, &text) {
        Some(at) => Ok(Some(at)),
        None => unreadable("the event does not say when it happened"),
    }
}

/// A count, or RFC 3339.
fn moment(map: &EventMap, text: &str) -> Option<Ms> {
    let count = text.parse::<i64>().ok().filter(|count| *count >= 0);
    let at = match (count, map.occurred_unit) {
        (Some(count), Unit::Seconds) => count.checked_mul(1000),
        (Some(count), Unit::SecondsOrMillis) if count < MILLIS_FROM => count.checked_mul(1000),
        (Some(count), Unit::Millis | Unit::SecondsOrMillis) => Some(count),
        (None, _) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    };
    at.filter(|at| *at >= 0)
}

fn not_needed(kind: &str) -> String {
    let plain = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if plain && kind.len() <= WORD_BYTES_MAX {
        format!("event type {kind} is not needed")
    } else {
        "this event type is not needed".to_owned()
    }
}
