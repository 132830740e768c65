//! The answer to `GET /channels/list`: `{"channels":[…]}` or a bare array of channel objects.
//!
//! Of each object its id, name, phone, mode and `activeTill` are kept; a channel's `token` is skipped by the parser. An
//! object without an id is counted, so that paging goes on after it, and left out.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::answer::{Fields, HttpAnswer, scalar, success_fields};
use crate::{
    domain::{
        id::ChannelId,
        reply::{ChannelPage, ListedChannel, ReadError},
    },
    outbound::redact::redact,
};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    channels: Vec<&'a RawValue>,
}

/// What persons call a channel.
#[derive(Default, Deserialize)]
struct Labels {
    name: Option<Value>,
    phone: Option<Value>,
}

/// One page; `token` is struck from the partner's words.
pub(super) fn page(answer: &HttpAnswer<'_>, token: &str) -> Result<ChannelPage, ReadError> {
    let bare =
        if answer.is_success() { serde_json::from_slice::<Vec<&RawValue>>(answer.body).ok() } else { None };
    let objects = match bare {
        Some(objects) => objects,
        None => {
            success_fields(answer, token)?;
            let list = serde_json::from_slice::<List<'_>>(answer.body);
            list.map_err(|_| ReadError::Failed("an answer without a list of channels".into()))?.channels
        }
    };
    Ok(ChannelPage {
        channels: objects.iter().filter_map(|object| channel(object, token)).collect(),
        shown: u32::try_from(objects.len()).unwrap_or(u32::MAX),
    })
}

fn channel(object: &RawValue, token: &str) -> Option<ListedChannel> {
    let fields = Fields::parse(object.get().as_bytes())?;
    let channel = fields.id.as_ref().and_then(Value::as_str).and_then(ChannelId::parse)?;
    let labels: Labels = serde_json::from_str(object.get()).unwrap_or_default();
    let label = |value| scalar(value).map(|text| redact(&text, token)).filter(|text| !text.is_empty());
    Some(ListedChannel {
        channel,
        name: label(labels.name),
        phone: label(labels.phone),
        mode: fields.mode(),
        active_till: fields.active_till(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<ChannelPage, ReadError> {
        let answer = HttpAnswer { status, content_type: None, retry_after: None, body: body.as_bytes() };
        page(&answer, "partner-token")
    }

    #[test]
    fn both_shapes_are_read_and_the_token_is_dropped() {
        let objects = r#"[{"id":"A-1","activeTill":5,"token":"secret","name":"Shop 7 (partner-token)","phone":491700,"mode":"live"},
            {"id":"../x","activeTill":5},{"id":"B-2","activeTill":7.5,"name":["x"],"phone":""}, 3]"#;
        let listed = |channel: &str| ListedChannel {
            channel: ChannelId::parse(channel).unwrap(),
            name: None,
            phone: None,
            mode: None,
            active_till: None,
        };
        let first = ListedChannel {
            name: Some("Shop 7 ([redacted])".into()),
            phone: Some("491700".into()),
            mode: Some("live".into()),
            active_till: Some(5),
            ..listed("A-1")
        };
        for body in [objects.to_owned(), format!("{{\"channels\":{objects}}}")] {
            let page = read(200, &body).unwrap();
            assert_eq!(page.shown, 4);
            assert_eq!(page.channels, [first.clone(), listed("B-2")]);
            assert!(!format!("{page:?}").contains("secret"));
        }
        assert_eq!(read(200, "[]").unwrap(), ChannelPage::default());
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for (status, body) in [
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"channels":{}}"#),
            (200, r#"{"success":false,"channels":[]}"#),
            (500, r#"{"channels":[]}"#),
            (502, "[]"),
        ] {
            assert!(matches!(read(status, body), Err(ReadError::Failed(_))), "{status} {body}");
        }
        assert_eq!(read(401, r#"{"message":"no"}"#), Err(ReadError::Unauthorized));
    }
}
