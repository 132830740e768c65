//! No answer is a success or a refusal unless the partner itself says so; and no word of it is a token.

use daybridge::{
    domain::{id::ChannelId, reply::Reply},
    partner::answer::{ACTIVE_TILL_MS_MAX, HttpAnswer, RETRY_AFTER_MS_MAX, reading, reply},
};

const TOKEN: &str = "SECRETTOKEN";
const TYPES: [Option<&str>; 4] =
    [None, Some("application/json"), Some("text/html; charset=UTF-8"), Some("\u{fffd}")];

/// Two bytes of status, one that chooses the content type, a line of `Retry-After`, then the body.
pub fn judge(data: &[u8]) {
    let [low, high, kind, rest @ ..] = data else { return };
    let status = u16::from_le_bytes([*low, *high]) % 1000;
    let content_type = TYPES[usize::from(*kind) % TYPES.len()];
    let [wait, body] = super::lines(rest);
    let answer = HttpAnswer { status, content_type, retry_after: super::text(wait), body };
    let channel = ChannelId::parse("DEMOCH-AB12C").unwrap();
    let said = reply(&answer, &channel, 1_767_000_000_000, TOKEN);
    let page = content_type.is_some_and(|kind| kind.contains("html"));
    let object = !page && body.trim_ascii_start().starts_with(b"{");
    match &said {
        Reply::Accepted { active_till } => {
            assert!((200..300).contains(&status), "{status} taken for a yes");
            assert!(object, "a page is taken for a yes");
            assert!(active_till.is_none_or(|till| (0..=ACTIVE_TILL_MS_MAX).contains(&till)));
        }
        Reply::Refused { status: told, message, .. } => {
            assert!(*told == status && [400, 401, 402, 403, 404, 422].contains(&status));
            assert!(object, "a page is taken for the partner's own refusal");
            assert!(message.len() <= 1024 && !message.contains(TOKEN), "{message}");
        }
        Reply::Throttled { retry_after_ms } => {
            assert!(status == 429 && object);
            assert!(retry_after_ms.is_none_or(|ms| (0..=RETRY_AFTER_MS_MAX).contains(&ms)));
        }
        Reply::NotSent(text) => panic!("an answer came, and is taken for none: {text}"),
        Reply::Unclear(text) => assert!(text.len() <= 1024 && !text.contains(TOKEN), "{text}"),
    }
    if let Ok(seen) = reading(&answer, &channel, TOKEN) {
        assert!((200..300).contains(&status) && object);
        assert!((0..=ACTIVE_TILL_MS_MAX).contains(&seen.active_till));
        assert!(!format!("{seen:?}").contains(TOKEN));
    }
}
