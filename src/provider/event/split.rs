//! A message that brings several events is taken apart.

use serde_json::Value;

use super::{
    items::{ITEMS_MAX, list, of},
    path, words,
};
use crate::{
    config::preset::EventMap,
    envelope::{Envelope, digest},
};

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
