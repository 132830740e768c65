//! Event id and type of a body, for the words around a message. One pass over the text and no tree, so that
//! the receiver stays cheap; depth costs nothing because what is not needed is skipped, not built.
//!
//! Not for: deciding anything. A body that cannot be read is accepted too and becomes a held event.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};

use super::map::EventMap;
use crate::envelope::{UNREADABLE, WORD_BYTES_MAX, digest};

/// The two words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The provider's event id, or the body's digest.
    pub event_id: String,
    /// The provider's event type, or [`UNREADABLE`].
    pub event_type: String,
}

/// Reads both words, or neither.
pub fn words(map: &EventMap, body: &Bytes) -> Words {
    peek(map, body).unwrap_or_else(|| Words { event_id: digest(body), event_type: UNREADABLE.to_owned() })
}

/// Reads both words; `None`: the body does not have them.
pub(super) fn peek(map: &EventMap, body: &[u8]) -> Option<Words> {
    let text = std::str::from_utf8(body).ok()?;
    let mut json = serde_json::Deserializer::from_str(text);
    let (id, kind) = json.deserialize_map(Top(map)).ok()?;
    json.end().ok()?;
    (fits(&id) && fits(&kind)).then(|| Words { event_id: id.into_owned(), event_type: kind.into_owned() })
}

fn fits(word: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&word.len()) && !word.chars().any(char::is_control)
}

struct Top<'m>(&'m EventMap);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = (Cow<'de, str>, Cow<'de, str>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut kind) = (None, None);
        while let Some(Text(key)) = entries.next_key::<Text<'de>>()? {
            let slot = match &*key {
                key if key == self.0.id => &mut id,
                key if key == self.0.kind => &mut kind,
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(entries.next_value::<Text<'de>>()?.0).is_some() {
                return Err(A::Error::custom("a word stands twice"));
            }
        }
        id.zip(kind).ok_or_else(|| A::Error::custom("a word is missing"))
    }
}

/// Borrowed where the text has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
        Borrowed::deserialize(deserializer).map(|Borrowed(text)| Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::stripe::PRESET;

    #[test]
    fn both_words_or_the_digest() {
        let deep =
            format!(r#"{{"id":"evt_1","d":{}1{},"type":"a.b"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for (body, want) in [
            (r#"{"id":"evt_1","type":"a.b"}"#.to_owned(), Some("evt_1 a.b")),
            (r#" {"x":{"id":"no"},"type":"a\u002eb","id":"evt_1"} "#.to_owned(), Some("evt_1 a.b")),
            (deep, Some("evt_1 a.b")),
            (String::new(), None),
            ("[]".to_owned(), None),
            (r#"{"id":"evt_1"}"#.to_owned(), None),
            (r#"{"id":"","type":"a"}"#.to_owned(), None),
            (r#"{"id":1,"type":"a"}"#.to_owned(), None),
            (r#"{"id":"a\nb","type":"a"}"#.to_owned(), None),
            (r#"{"id":"e","id":"f","type":"a"}"#.to_owned(), None),
            (r#"{"id":"e","type":"a"} x"#.to_owned(), None),
            (format!(r#"{{"id":"{}","type":"a"}}"#, "x".repeat(121)), None),
        ] {
            let body = Bytes::from(body);
            let got = words(&PRESET.events, &body);
            match want {
                Some(want) => assert_eq!(format!("{} {}", got.event_id, got.event_type), want),
                None => assert_eq!((got.event_id, got.event_type.as_str()), (digest(&body), UNREADABLE)),
            }
        }
        assert_eq!(words(&PRESET.events, &Bytes::from_static(b"{\"id\":\"\xff\"}")).event_type, UNREADABLE);
    }
}
