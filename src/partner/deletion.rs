//! The answer to `DELETE /channels/{id}`: `{"days":n,"success":true}`, days that went back to the balance.

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Complaint, HttpAnswer, REFUSAL_STATUSES};
use crate::{
    domain::{id::ChannelId, reply::Deletion},
    outbound::redact::redact,
};

#[derive(Default, Deserialize)]
struct Returned {
    days: Option<Value>,
}

/// The same rules as for an extension: what is not named here is *unclear*. `token` is struck from the partner's words.
pub(super) fn deletion(answer: &HttpAnswer<'_>, channel: &ChannelId, token: &str) -> Deletion {
    let unclear = || Deletion::Unclear(format!("HTTP {} with {}", answer.status, answer.looks()));
    if answer.is_success() {
        return match answer.fields() {
            Some(fields) if fields.accepts() && !fields.names_another(channel) => {
                let returned: Returned = serde_json::from_slice(answer.body).unwrap_or_default();
                let days = returned.days.and_then(|days| days.as_u64());
                Deletion::Deleted { days: days.and_then(|days| u32::try_from(days).ok()) }
            }
            Some(_) | None => unclear(),
        };
    }
    let Some(Complaint { text }) = answer.complaint() else { return unclear() };
    let message = redact(&text, token);
    match answer.status {
        404 => Deletion::UnknownChannel,
        429 => Deletion::NotSent(format!("HTTP 429: {message}")),
        status if REFUSAL_STATUSES.contains(&status) => Deletion::Refused { status, message },
        status => Deletion::Unclear(format!("HTTP {status}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_partners_own_words_say_what_became_of_it() {
        let days = |days| Deletion::Deleted { days };
        let refused = |status| Deletion::Refused { status, message: "no [redacted]".into() };
        let no = r#"{"message":"no tok-1"}"#;
        for (status, body, told) in [
            (200, r#"{"days":12,"success":true}"#, Some(days(Some(12)))),
            (200, r#"{"days":0,"success":true}"#, Some(days(Some(0)))),
            (200, r#"{"success":true}"#, Some(days(None))),
            (200, r#"{"days":-3}"#, Some(days(None))),
            (200, r#"{"days":2.5,"id":"A-1"}"#, Some(days(None))),
            (200, r#"{"days":99999999999}"#, Some(days(None))),
            (200, r#"{"days":5,"success":false}"#, None),
            (200, r#"{"days":5,"error":"x"}"#, None),
            (200, r#"{"days":5,"id":"B-2"}"#, None),
            (200, "", None),
            (200, "[]", None),
            (200, r#"{"days":5"#, None),
            (404, no, Some(Deletion::UnknownChannel)),
            (404, "<html>", None),
            (429, no, Some(Deletion::NotSent("HTTP 429: no [redacted]".into()))),
            (401, no, Some(refused(401))),
            (403, no, Some(refused(403))),
            (403, "<html>", None),
            (409, no, None),
            (500, no, None),
            (502, "<html>", None),
        ] {
            let answer = HttpAnswer { status, content_type: None, retry_after: None, body: body.as_bytes() };
            let channel = ChannelId::parse("A-1").unwrap();
            let got = deletion(&answer, &channel, "tok-1");
            match told {
                Some(told) => assert_eq!(got, told, "{status} {body}"),
                None => assert!(matches!(got, Deletion::Unclear(_)), "{status} {body}: {got:?}"),
            }
        }
    }
}
