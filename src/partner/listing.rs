//! The answer to `GET /channels/list`: `{"channels":[…]}` or a bare array of channel objects.
//!
//! Of each object its id and its `activeTill` are kept; a channel's `token` is skipped by the parser. An object
//! without them is counted, so that paging goes on after it, and left out: it proves nothing.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::answer::{Answer, Fields, success_fields};
use crate::domain::{
    Ms,
    id::ChannelId,
    reply::{Page, ReadError},
};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    channels: Vec<&'a RawValue>,
}

/// One page; `token` is struck from the partner's words.
pub(super) fn page(answer: &Answer<'_>, token: &str) -> Result<Page, ReadError> {
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
    Ok(Page {
        channels: objects.iter().filter_map(|object| channel(object)).collect(),
        shown: u32::try_from(objects.len()).unwrap_or(u32::MAX),
    })
}

fn channel(object: &RawValue) -> Option<(ChannelId, Ms)> {
    let fields = Fields::parse(object.get().as_bytes())?;
    let id = fields.id.as_ref().and_then(Value::as_str).and_then(ChannelId::parse)?;
    Some((id, fields.active_till()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Page, ReadError> {
        let answer = Answer { status, content_type: None, retry_after: None, body: body.as_bytes() };
        page(&answer, "partner-token")
    }

    #[test]
    fn both_shapes_are_read_and_the_token_is_dropped() {
        let objects = r#"[{"id":"A-1","activeTill":5,"token":"secret"},{"id":"../x","activeTill":5},{"id":"B-2","activeTill":7.5}, 3]"#;
        for body in [objects.to_owned(), format!("{{\"channels\":{objects}}}")] {
            let page = read(200, &body).unwrap();
            assert_eq!(page.shown, 4);
            assert_eq!(page.channels, [(ChannelId::parse("A-1").unwrap(), 5)]);
            assert!(!format!("{page:?}").contains("secret"));
        }
        assert_eq!(read(200, "[]").unwrap(), Page::default());
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
