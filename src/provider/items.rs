//! Several events in one request: one delivery, many events, each recorded under its own id. The request is one message
//! on the queue, so either all of them are there or none is; the worker takes it apart.

use serde_json::Value;

use super::{path, words};
use crate::{
    config::preset::EventMap,
    envelope::{Envelope, digest},
};

/// Most events of one request; with more it is recorded as one that cannot be read.
pub const ITEMS_MAX: usize = 1000;

/// More than that.
pub(super) const MANY: usize = ITEMS_MAX + 1;

/// The type of a message that brings several events.
pub const BATCH: &str = "batch";

/// The list of events, where the map has one and the body brings one. A single event out of such a list is read like
/// the list: that is how it is replayed.
pub(super) fn list<'v>(map: &EventMap, whole: &'v Value) -> Option<&'v Vec<Value>> {
    whole.pointer(map.items.as_ref()?)?.as_array()
}

/// Every event of a body; `None`: the list holds something else.
pub(super) fn of<'v>(map: &EventMap, whole: &'v Value) -> Option<Vec<&'v Value>> {
    match list(map, whole) {
        Some(list) => list.iter().map(|element| element.pointer(&map.item)).collect(),
        None => Some(vec![whole]),
    }
}

/// Likewise, to be changed.
pub(super) fn of_mut<'v>(map: &EventMap, whole: &'v mut Value) -> Option<Vec<&'v mut Value>> {
    if list(map, whole).is_none() {
        return Some(vec![whole]);
    }
    let list = whole.pointer_mut(map.items.as_ref()?)?.as_array_mut()?;
    list.iter_mut().map(|element| element.pointer_mut(&map.item)).collect()
}

/// A message for each event of one that brings several; else the message itself.
pub fn split(map: &EventMap, envelope: &Envelope) -> Vec<Envelope> {
    let whole = map.items.as_ref().and_then(|_| path::parse(map.format, &envelope.body).ok());
    let items = whole.as_ref().filter(|whole| list(map, whole).is_some()).and_then(|whole| of(map, whole));
    let Some(items) = items.filter(|items| (1..=ITEMS_MAX).contains(&items.len())) else {
        return vec![envelope.clone()];
    };
    let one = |(position, item): (usize, &Value)| {
        let body = item.to_string().into_bytes();
        let words = words::of_event(map, item);
        let (event_id, event_type) = words.map_or_else(
            || (digest(&body), crate::envelope::UNREADABLE.to_owned()),
            |words| (words.event_id.unwrap_or_else(|| digest(&body)), words.event_type),
        );
        let delivery = format!("{}.{position}", envelope.delivery);
        Envelope { body: body.into(), event_id, event_type, delivery, ..envelope.clone() }
    };
    items.into_iter().enumerate().map(one).collect()
}
