//! Texts that both databases store alike. PostgreSQL has no U+0000 in a text and cannot look into JSON that holds one
//! escaped, SQLite takes both: what a provider or a person wrote with one is kept with its symbol instead, everywhere.
//! Bodies are bytes and stay as they came.

use serde::Serialize;

use super::{Entry, db::Fault};
use crate::{
    domain::facts::{Facts, Unread},
    envelope::Envelope,
};

/// Stands for U+0000.
const SYMBOL: &str = "\u{2400}";

/// U+0000 as JSON escapes it.
const ESCAPED: &str = "\\u0000";

/// A text to be kept.
pub(in crate::ledger) fn text(text: &str) -> String {
    text.replace('\0', SYMBOL)
}

/// A value to be kept as JSON.
pub(in crate::ledger) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|json| if json.contains(ESCAPED) { unescaped(&json) } else { json })
}

/// A backslash before the escape belongs to it only where it does not itself belong to one before.
fn unescaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, from)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        rest = match from.strip_prefix(ESCAPED) {
            Some(after) => {
                out.push_str(SYMBOL);
                after
            }
            // The backslash and what it escapes, which is ASCII.
            None => {
                let (escape, after) = from.split_at_checked(2).unwrap_or((from, ""));
                out.push_str(escape);
                after
            }
        };
    }
    out + rest
}

/// A delivery whose words or facts cannot be stored as they are, with those that can.
pub(in crate::ledger) struct Storable {
    envelope: Envelope,
    facts: Result<Facts, Unread>,
}

impl Storable {
    /// `None`: it can be stored as it is, as nearly all can.
    pub(in crate::ledger) fn of(entry: &Entry<'_>) -> Result<Option<Self>, Fault> {
        let envelope = entry.envelope;
        let words = [
            &envelope.source,
            &envelope.event_id,
            &envelope.event_type,
            &envelope.content_type,
            &envelope.delivery,
            &envelope.traceparent,
        ];
        let facts = match entry.facts {
            Ok(facts) => serde_json::to_string(facts)?.contains(ESCAPED),
            Err(Unread::Unreadable(why) | Unread::Unfetched(why)) => why.contains('\0'),
        };
        if !facts && !words.iter().any(|word| word.contains('\0')) {
            return Ok(None);
        }
        let facts = match entry.facts {
            Ok(facts) => Ok(serde_json::from_str(&json(facts)?)?),
            Err(Unread::Unreadable(why)) => Err(Unread::Unreadable(text(why))),
            Err(Unread::Unfetched(why)) => Err(Unread::Unfetched(text(why))),
        };
        let envelope = Envelope {
            body: envelope.body.clone(),
            content_type: text(&envelope.content_type),
            source: text(&envelope.source),
            event_id: text(&envelope.event_id),
            event_type: text(&envelope.event_type),
            received_at_ms: envelope.received_at_ms,
            delivery: text(&envelope.delivery),
            trigger: envelope.trigger,
            traceparent: text(&envelope.traceparent),
        };
        Ok(Some(Self { envelope, facts }))
    }

    /// The delivery in words that can be stored.
    pub(in crate::ledger) fn entry<'a>(&'a self, entry: &'a Entry<'_>) -> Entry<'a> {
        Entry {
            envelope: &self.envelope,
            dead: entry.dead,
            asked: entry.asked,
            take: entry.take,
            facts: self.facts.as_ref(),
            source: entry.source,
            account: entry.account,
            comment: entry.comment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_escapes_a_null_is_replaced() {
        for (value, want) in [
            ("plain", "\"plain\""),
            ("a\0b", "\"a\u{2400}b\""),
            ("\0\0", "\"\u{2400}\u{2400}\""),
            ("\\\0", "\"\\\\\u{2400}\""),
            ("\\u0000", "\"\\\\u0000\""),
            ("\\u0000\0\u{1}ü", "\"\\\\u0000\u{2400}\\u0001ü\""),
        ] {
            assert_eq!(json(value).unwrap(), want);
        }
    }
}
