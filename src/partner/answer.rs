//! From status, headers and body of one answer to the closed words of [`crate::domain::reply`]. Pure.
//!
//! The rules are closed (design §6.4): what is not named here is *unclear*, never a success and never a
//! refusal. A refusal sets a transfer free of doubt, so it must come from the partner itself: a CDN's page with
//! status 403 says nothing about whether the call went through. Rejected: judging by status alone, and
//! reading loosely typed `activeTill` (a float or text may have lost its last digits on the way).
//!
//! Only the fields read here are kept; a channel's `token` is skipped by the parser and never stored. The
//! texts of `Unclear` are our own; the partner's words travel only through `redact`.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    domain::{
        Ms,
        id::ChannelId,
        reply::{ReadError, Reading, Reply},
    },
    outbound::redact::redact,
};

/// Latest `activeTill` believed, in ms since epoch: the end of the year 9999.
pub const ACTIVE_TILL_MS_MAX: Ms = 253_402_300_799_999;

/// Longest `Retry-After` honoured, in ms; a longer one is cut to it.
pub const RETRY_AFTER_MS_MAX: i64 = 3_600_000;

/// Longest `mode` kept, in bytes.
const MODE_BYTES_MAX: usize = 24;

/// Statuses with which the partner's own error form says "not applied".
pub(super) const REFUSAL_STATUSES: [u16; 6] = [400, 401, 402, 403, 404, 422];

/// One answer as it came, whole: an answer that broke off or grew too long never gets here.
#[derive(Clone, Copy)]
pub struct HttpAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, where given.
    pub content_type: Option<&'a str>,
    /// `Retry-After`, where given.
    pub retry_after: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

#[derive(Deserialize)]
pub(super) struct Fields<'a> {
    success: Option<Value>,
    pub(super) id: Option<Value>,
    #[serde(rename = "activeTill")]
    active_till: Option<Value>,
    mode: Option<Value>,
    message: Option<Value>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorFields {
    code: Option<Value>,
    message: Option<Value>,
    details: Option<Value>,
}

/// What an error in the partner's own form says.
pub(super) struct Complaint {
    pub(super) text: String,
}

impl<'a> Fields<'a> {
    /// A JSON object and nothing else: serde would read a struct from an array too.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(body).ok())?
    }

    fn nested(&self) -> Option<Fields<'a>> {
        self.channel.and_then(|raw| Fields::parse(raw.get().as_bytes()))
    }

    /// No error stands there, and `success` is absent or true; anything else is not an acceptance.
    pub(super) fn accepts(&self) -> bool {
        self.succeeded() && self.error.is_none_or(|raw| raw.get() == "null")
    }

    fn succeeded(&self) -> bool {
        matches!(self.success, None | Some(Value::Null | Value::Bool(true)))
    }

    pub(super) fn names_another(&self, channel: &ChannelId) -> bool {
        match &self.id {
            None | Some(Value::Null) => false,
            Some(id) => id.as_str() != Some(channel.as_str()),
        }
    }

    pub(super) fn active_till(&self) -> Option<Ms> {
        let ms = self.active_till.as_ref()?.as_i64()?;
        (0..=ACTIVE_TILL_MS_MAX).contains(&ms).then_some(ms)
    }

    pub(super) fn mode(&self) -> Option<String> {
        let mode = self.mode.as_ref()?.as_str()?;
        let fits = !mode.is_empty()
            && mode.len() <= MODE_BYTES_MAX
            && mode.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
        fits.then(|| mode.to_owned())
    }

    /// `{"error":{"code","message","details"}}`, `{"error":"text"}` or `{"message":"text"}`.
    fn complaint(&self) -> Option<Complaint> {
        if self.success == Some(Value::Bool(true)) {
            return None; // says two things at once
        }
        let raw = self.error.map(RawValue::get).filter(|raw| *raw != "null");
        let parts = match raw {
            Some(raw) if raw.starts_with('{') => {
                let ErrorFields { code, message, details } = serde_json::from_str(raw).ok()?;
                vec![scalar(code), scalar(message), scalar(details)]
            }
            Some(raw) => vec![serde_json::from_str::<String>(raw).ok()],
            None => vec![self.message.as_ref().and_then(Value::as_str).map(str::to_owned)],
        };
        let text = parts.into_iter().flatten().filter(|part| !part.trim().is_empty());
        let text = text.collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(Complaint { text })
    }
}

/// A text or a number as text; nothing else of an error is shown.
pub(super) fn scalar(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl HttpAnswer<'_> {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn fields(&self) -> Option<Fields<'_>> {
        let html = self.content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        if html { None } else { Fields::parse(self.body) }
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.fields()?.complaint()
    }

    /// What the body looks like, in our words: none of it is repeated.
    pub(super) fn looks(&self) -> &'static str {
        match self.body.trim_ascii() {
            [] => "an empty body",
            [b'<', ..] => "a page, not the partner's form",
            [b'{', ..] if self.fields().is_some() => "JSON that is not the form expected",
            [b'{' | b'[', ..] => "JSON that is cut, broken or not the form expected",
            _ => "text that is not the partner's form",
        }
    }

    fn unclear(&self) -> Reply {
        Reply::Unclear(format!("HTTP {} with {}", self.status, self.looks()))
    }
}

/// The answer to one `extend`; `now` dates a `Retry-After`, `token` is struck from the partner's words.
pub fn reply(answer: &HttpAnswer<'_>, channel: &ChannelId, now: Ms, token: &str) -> Reply {
    if answer.is_success() {
        return accepted(answer, channel);
    }
    let Some(Complaint { text }) = answer.complaint() else { return answer.unclear() };
    match answer.status {
        429 => Reply::Throttled {
            retry_after_ms: answer.retry_after.and_then(|value| retry_after_ms(value, now)),
        },
        status if REFUSAL_STATUSES.contains(&status) => Reply::Refused {
            status,
            balance: speaks_of_balance(status, &text),
            message: redact(&text, token),
        },
        status => Reply::Unclear(format!("HTTP {status}: {}", redact(&text, token))),
    }
}

fn accepted(answer: &HttpAnswer<'_>, channel: &ChannelId) -> Reply {
    let Some(fields) = answer.fields() else { return answer.unclear() };
    let nested = fields.nested();
    let unclear = |what: &str| Reply::Unclear(format!("HTTP {} {what}", answer.status));
    if !fields.succeeded() {
        return unclear("that does not say success");
    }
    if fields.error.is_some_and(|raw| raw.get() != "null") {
        return unclear("that carries an error");
    }
    if fields.names_another(channel) || nested.as_ref().is_some_and(|inner| inner.names_another(channel)) {
        return unclear("with another channel's object");
    }
    Reply::Accepted { active_till: fields.active_till().or_else(|| nested?.active_till()) }
}

/// The answer to `GET /channels/{id}`.
pub fn reading(answer: &HttpAnswer<'_>, channel: &ChannelId, token: &str) -> Result<Reading, ReadError> {
    let outer = success_fields(answer, token)?;
    let nested = if outer.active_till.is_none() { outer.nested() } else { None };
    let fields = nested.unwrap_or(outer);
    if fields.names_another(channel) {
        return Err(ReadError::Failed("another channel's object".into()));
    }
    let active_till = fields.active_till().ok_or_else(|| {
        ReadError::Failed("a channel without an activeTill in whole ms: the answer cannot be used".into())
    })?;
    Ok(Reading { active_till, mode: fields.mode() })
}

/// The answer to `PATCH …/mode`, whose shape is unknown: any 2xx that is empty or a JSON object without a
/// complaint. The next read shows what came of it.
pub fn mode_set(answer: &HttpAnswer<'_>, token: &str) -> Result<(), ReadError> {
    if answer.is_success() && answer.body.trim_ascii().is_empty() {
        return Ok(());
    }
    success_fields(answer, token).map(drop)
}

/// The answer to `GET /channels/list`: an object, or a bare array.
pub fn list_seen(answer: &HttpAnswer<'_>, token: &str) -> Result<(), ReadError> {
    let array =
        answer.is_success() && serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(answer.body).is_ok();
    if array { Ok(()) } else { success_fields(answer, token).map(drop) }
}

pub(super) fn success_fields<'a>(answer: &'a HttpAnswer<'_>, token: &str) -> Result<Fields<'a>, ReadError> {
    let failed = |what: String| ReadError::Failed(format!("HTTP {}{what}", answer.status));
    let looks = || failed(format!(" with {}", answer.looks()));
    if answer.is_success() {
        let fields = answer.fields().ok_or_else(looks)?;
        let errs = fields.error.is_some_and(|raw| raw.get() != "null");
        return if fields.succeeded() && !errs { Ok(fields) } else { Err(failed(" without success".into())) };
    }
    let Some(Complaint { text }) = answer.complaint() else { return Err(looks()) };
    Err(match answer.status {
        401 => ReadError::Unauthorized,
        404 => ReadError::UnknownChannel,
        _ => failed(format!(": {}", redact(&text, token))),
    })
}

/// Status 402, or a refusal whose words name the balance or a lack of days or funds. "Insufficient" alone does
/// not do: it speaks of permissions too.
fn speaks_of_balance(status: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let lacks = ["not enough", "not_enough", "notenough", "insufficient", "too few"]
        .iter()
        .any(|word| text.contains(word));
    let goods = ["day", "fund", "credit"].iter().any(|word| text.contains(word));
    let balance = text.replace("balancer", "").contains("balance");
    status == 402 || (matches!(status, 400 | 403 | 422) && (balance || (lacks && goods)))
}

/// Seconds or an HTTP date; capped, never negative.
fn retry_after_ms(value: &str, now: Ms) -> Option<i64> {
    let value = value.trim();
    let ms = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1000)
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        date.as_millisecond().saturating_sub(now)
    };
    Some(ms.clamp(0, RETRY_AFTER_MS_MAX))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
