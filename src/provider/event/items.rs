//! Several events in one request: one delivery, many events, each recorded under its own id. The request is one message
//! on the queue, so either all of them are there or none is; the worker takes it apart.

use serde_json::Value;

use crate::config::preset::EventMap;

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
pub(crate) fn of<'v>(map: &EventMap, whole: &'v Value) -> Option<Vec<&'v Value>> {
    match list(map, whole) {
        Some(list) => list.iter().map(|element| element.pointer(&map.item)).collect(),
        None => Some(vec![whole]),
    }
}

/// Likewise, to be changed.
pub(crate) fn of_mut<'v>(map: &EventMap, whole: &'v mut Value) -> Option<Vec<&'v mut Value>> {
    if list(map, whole).is_none() {
        return Some(vec![whole]);
    }
    let list = whole.pointer_mut(map.items.as_ref()?)?.as_array_mut()?;
    list.iter_mut().map(|element| element.pointer_mut(&map.item)).collect()
}
