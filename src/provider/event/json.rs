//! Reading JSON as it comes. What no place of ours needs may be as odd as it likes: half a surrogate pair, a number
//! beyond all ranges, a tree without end, bytes that are no UTF-8, a byte order mark. A place that stands twice tells
//! nothing, for another reader may go by the other one.
//!
//! A text that a strict reader takes is read as it stands. Any other is mended first, so that only the odd place is
//! affected, and read once more: what is no JSON at all is refused then. Rejected: a reader of our own, and one that
//! puts up with anything; the grammar stays serde_json's.
//!
//! Not for: verifying. What is signed is compared as it was sent; see [`Tree::exact`].

use std::{
    fmt::{self, Write as _},
    iter::Peekable,
    str::Chars,
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Deepest value that is built; what is nested deeper is null. Below serde_json's own limit of 128.
const DEPTH_MAX: usize = 100;

/// A body that was read.
pub(crate) struct Tree {
    /// Texts as they stand, or with U+FFFD for what cannot stand in a text.
    pub(crate) value: Value,
    /// No text of it had to be mended: a U+FFFD in it was sent as such.
    pub(crate) exact: bool,
}

/// Reads a body.
pub(crate) fn tree(body: &[u8]) -> Result<Tree, serde_json::Error> {
    match build(body) {
        Ok(value) => Ok(Tree { value, exact: true }),
        Err(_) => build(mended(body).as_bytes()).map(|value| Tree { value, exact: false }),
    }
}

fn build(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Build { deeper: DEPTH_MAX }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Makes the tree down to a depth.
struct Build {
    deeper: usize,
}

impl Build {
    fn below(&self) -> Option<Self> {
        self.deeper.checked_sub(1).map(|deeper| Self { deeper })
    }
}

impl<'de> DeserializeSeed<'de> for Build {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        if self.below().is_none() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut elements = Vec::new();
        while let Some(below) = self.below()
            && let Some(element) = list.next_element_seed(below)?
        {
            elements.push(element);
        }
        Ok(elements.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = match self.below() {
                Some(below) => entries.next_value_seed(below)?,
                None => entries.next_value::<IgnoredAny>().map(|_| Value::Null)?,
            };
            let value = if object.contains_key(&key) { Value::Null } else { value };
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// The text as a strict reader takes it: U+FFFD for what cannot stand in a text, escapes for control characters, texts
/// for numbers beyond all ranges, no byte order mark. All else is left as it is.
pub(crate) fn mended(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(&text).chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(next) = chars.next() {
        match next {
            '"' => {
                out.push('"');
                string(&mut chars, &mut out);
            }
            '-' | '0'..='9' => number(next, &mut chars, &mut out),
            other => out.push(other),
        }
    }
    out
}

/// The rest of a string, with the quote that ends it.
fn string(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(next) = chars.next() {
        match next {
            '"' => {
                out.push('"');
                return;
            }
            '\\' => escape(chars, out),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
}

/// What follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some('u') = chars.peek() else {
        out.push('\\');
        out.extend(chars.next());
        return;
    };
    chars.next();
    let half = match unit(chars) {
        None => "\\u".to_owned(), // no escape at all, and refused as such
        Some(0xDC00..=0xDFFF) => "\\ufffd".to_owned(),
        Some(high @ 0xD800..=0xDBFF) => {
            let mut ahead = chars.clone();
            let second =
                if (ahead.next(), ahead.next()) == (Some('\\'), Some('u')) { unit(&mut ahead) } else { None };
            match second {
                Some(low @ 0xDC00..=0xDFFF) => {
                    *chars = ahead;
                    format!("\\u{high:04x}\\u{low:04x}")
                }
                _ => "\\ufffd".to_owned(),
            }
        }
        Some(whole) => format!("\\u{whole:04x}"),
    };
    out.push_str(&half);
}

/// Four hex digits; none are taken where they are not there.
fn unit(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut ahead = chars.clone();
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + ahead.next()?.to_digit(16)?;
    }
    *chars = ahead;
    Some(unit)
}

fn number(first: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::from(first);
    while let Some(next) = chars.next_if(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-')) {
        text.push(next);
    }
    if text.parse::<f64>().is_ok_and(f64::is_infinite) {
        let _ = write!(out, "\"{text}\"");
    } else {
        out.push_str(&text);
    }
}
