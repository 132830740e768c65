//! Event id and type of a body, for the words around a message. One pass over the text and no tree, so that
//! the receiver stays cheap; depth costs nothing because what is not needed is skipped, not built. Only a form, or a
//! body that may bring several events, is built whole.
//!
//! Not for: deciding anything. A body that cannot be read is accepted too and becomes a held event.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    items::{self, BATCH},
    json, path,
};
use crate::{
    config::preset::{
        EventMap,
        events::{Format, Kind, NamePart},
    },
    envelope::{UNREADABLE, WORD_BYTES_MAX, digest},
};

/// The two words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The provider's event id, or the body's digest.
    pub event_id: String,
    /// The provider's event type, [`BATCH`] or [`UNREADABLE`].
    pub event_type: String,
}

/// The words as far as they stand in the event.
pub(in crate::provider) struct EventHead {
    /// `None`: the provider gives no id, or not in the event.
    pub(in crate::provider) event_id: Option<String>,
    pub(in crate::provider) event_type: String,
}

/// Reads both words, or neither; `header` is asked for those that stand there.
pub fn words(map: &EventMap, header: &dyn Fn(&str) -> Option<String>, body: &Bytes) -> Words {
    let unreadable = || Words { event_id: digest(body), event_type: UNREADABLE.to_owned() };
    peek(map, header, body).map_or_else(unreadable, |own| Words {
        event_id: own.event_id.unwrap_or_else(|| digest(body)),
        event_type: own.event_type,
    })
}

/// Reads both words; `None`: what the map names is not there.
pub(in crate::provider) fn peek(
    map: &EventMap,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
) -> Option<EventHead> {
    if map.format == Format::Form || map.items.is_some() {
        let whole = path::parse(map.format, body).ok()?;
        if items::list(map, &whole).is_some() {
            return Some(EventHead { event_id: None, event_type: BATCH.to_owned() });
        }
        return of_event(map, &whole);
    }
    let id_at = match &map.id {
        Some(NamePart::Field(pointer)) => Some(&**pointer),
        Some(NamePart::Header(_)) | None => None,
    };
    let types: Vec<&str> = match &map.kind {
        Kind::Fields(pointers, _) => pointers.iter().map(|pointer| &**pointer).collect(),
        Kind::Header(_) | Kind::Always(_) => Vec::new(),
    };
    let wanted: Vec<Wanted<'_>> = types
        .iter()
        .copied()
        .chain(id_at)
        .enumerate()
        .map(|(slot, at)| Wanted { slot, rest: at.strip_prefix('/').unwrap_or(at) })
        .collect();
    let found = sought(&wanted, body).or_else(|| sought(&wanted, json::mended(body).as_bytes()))?;
    let mut found = found.into_iter();
    let event_type = match &map.kind {
        Kind::Fields(_, word) => joined(found.by_ref().take(types.len())).or_else(|| word.clone())?,
        Kind::Header(name) => header(name)?,
        Kind::Always(word) => word.clone(),
    };
    let event_id = match &map.id {
        Some(NamePart::Field(_)) if map.id_optional => found.next().flatten(),
        Some(NamePart::Field(_)) => Some(found.next().flatten()?),
        Some(NamePart::Header(name)) => header(name),
        None => None,
    };
    (fits(&event_type) && event_id.as_deref().is_none_or(fits)).then_some(EventHead { event_id, event_type })
}

/// What stands at each place; `None`: the text is no JSON as it stands, or a word stands twice.
fn sought(wanted: &[Wanted<'_>], text: &[u8]) -> Option<Vec<Option<String>>> {
    let mut found = vec![None; wanted.len()];
    let mut json = serde_json::Deserializer::from_slice(text);
    Seek { wanted: wanted.to_vec(), found: &mut found }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(found)
}

/// The words of an event that was built whole; those of headers are not in it.
pub(super) fn of_event(map: &EventMap, event: &Value) -> Option<EventHead> {
    let word = |at: &str| event.pointer(at).and_then(path::id).filter(|word| fits(word));
    let event_type = match &map.kind {
        Kind::Fields(at, otherwise) => joined(at.iter().map(|at| word(at))).or_else(|| otherwise.clone())?,
        Kind::Always(text) => text.clone(),
        Kind::Header(_) => return None,
    };
    let event_id = match &map.id {
        Some(NamePart::Field(at)) if map.id_optional => word(at),
        Some(NamePart::Field(at)) => Some(word(at)?),
        Some(NamePart::Header(_)) | None => None,
    };
    fits(&event_type).then_some(EventHead { event_id, event_type })
}

/// What is there of a type's parts.
fn joined(parts: impl Iterator<Item = Option<String>>) -> Option<String> {
    parts.flatten().filter(|part| !part.is_empty()).reduce(|whole, part| format!("{whole}.{part}"))
}

fn fits(word: &str) -> bool {
    let odd = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    (1..=WORD_BYTES_MAX).contains(&word.len()) && !word.chars().any(odd)
}

/// A word that is looked for: where it goes, and the pointer below here.
#[derive(Clone, Copy)]
struct Wanted<'p> {
    slot: usize,
    rest: &'p str,
}

struct Seek<'p, 'f> {
    wanted: Vec<Wanted<'p>>,
    found: &'f mut [Option<String>],
}

impl<'de> DeserializeSeed<'de> for Seek<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seek<'_, '_> {
    /// This very value is the word.
    fn keep<E: serde::de::Error>(self, word: &(impl ToString + ?Sized)) -> Result<(), E> {
        for wanted in self.wanted.iter().filter(|wanted| wanted.rest.is_empty()) {
            match self.found.get_mut(wanted.slot) {
                Some(Some(_)) => return Err(E::custom("a word stands twice")),
                Some(slot) => *slot = Some(word.to_string()),
                None => {}
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Seek<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = entries.next_key::<Text<'de>>()? {
            let below = self.wanted.iter().filter_map(|wanted| {
                let (head, rest) = wanted.rest.split_once('/').unwrap_or((wanted.rest, ""));
                (head == key).then_some(Wanted { slot: wanted.slot, rest })
            });
            let wanted: Vec<_> = below.collect();
            if wanted.is_empty() {
                entries.next_value::<IgnoredAny>()?;
            } else {
                entries.next_value_seed(Seek { wanted, found: &mut *self.found })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<(), E> {
        self.keep(word)
    }

    fn visit_u64<E: serde::de::Error>(self, word: u64) -> Result<(), E> {
        self.keep(&word)
    }

    fn visit_i64<E: serde::de::Error>(self, word: i64) -> Result<(), E> {
        self.keep(&word)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Borrowed where the text has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
        Borrowed::deserialize(deserializer).map(|Borrowed(text)| Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_or_the_digest() {
        let deep =
            format!(r#"{{"id":"evt_1","d":{}1{},"type":"a.b"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let map = crate::config::Source::of_preset("stripe").unwrap().events;
        for (body, want) in [
            (r#"{"id":"evt_1","type":"a.b"}"#.to_owned(), Some("evt_1 a.b")),
            (r#" {"x":{"id":"no"},"type":"a\u002eb","id":"evt_1"} "#.to_owned(), Some("evt_1 a.b")),
            (deep, Some("evt_1 a.b")),
            (String::new(), None),
            ("[]".to_owned(), None),
            (r#"{"id":"evt_1"}"#.to_owned(), None),
            (r#"{"id":"","type":"a"}"#.to_owned(), None),
            (r#"{"id":1,"type":"a"}"#.to_owned(), Some("1 a")),
            (r#"{"id":"a\nb","type":"a"}"#.to_owned(), None),
            (r#"{"id":"e","id":"f","type":"a"}"#.to_owned(), None),
            (r#"{"id":"e","type":"a"} x"#.to_owned(), None),
            (format!(r#"{{"id":"{}","type":"a"}}"#, "x".repeat(121)), None),
        ] {
            let body = Bytes::from(body);
            let got = words(&map, &|_| None, &body);
            match want {
                Some(want) => assert_eq!(format!("{} {}", got.event_id, got.event_type), want),
                None => assert_eq!((got.event_id, got.event_type.as_str()), (digest(&body), UNREADABLE)),
            }
        }
        assert_eq!(words(&map, &|_| None, &Bytes::from_static(b"{\"id\":\"\xff\"}")).event_type, UNREADABLE);
    }
}
