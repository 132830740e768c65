use super::*;

const TOKEN: &str = "partner-token-of-this-test";
const CHANNEL_TOKEN: &str = "Zx81kQmP02LsVn47TgHy";
/// 2001-09-09T01:46:40Z, a Sunday.
const NOW: Ms = 1_000_000_000_000;

fn id() -> ChannelId {
    ChannelId::parse("DEMOCH-AB12C").unwrap()
}

fn answer(status: u16, body: &str) -> HttpAnswer<'_> {
    let html = body.starts_with('<');
    HttpAnswer {
        status,
        content_type: Some(if html { "text/html; charset=UTF-8" } else { "application/json" }),
        retry_after: None,
        body: body.as_bytes(),
    }
}

fn told(status: u16, body: &str) -> Reply {
    let reply = reply(&answer(status, body), &id(), NOW, TOKEN);
    let shown = format!("{reply:?}");
    assert!(!shown.contains(CHANNEL_TOKEN) && !shown.contains(TOKEN), "{shown}");
    reply
}

#[test]
fn accepted_only_in_the_partners_form() {
    let full =
        r#"{"id":"DEMOCH-AB12C","activeTill":1767367524333,"token":"Zx81kQmP02LsVn47TgHy","mode":"live"}"#;
    for (body, want) in [
        (full, Some(1_767_367_524_333)),
        (r#"{"channel":{"id":"DEMOCH-AB12C","activeTill":5,"token":"Zx81kQmP02LsVn47TgHy"}}"#, Some(5)),
        (r#"{"success":true}"#, None),
        (r#"{"success":true,"activeTill":7}"#, Some(7)),
        (r#"{"activeTill":"1767367524333"}"#, None),
        (r#"{"activeTill":1767367524333.0}"#, None),
        (r#"{"activeTill":-1}"#, None),
        (r#"{"activeTill":9223372036854775807}"#, None),
        (r#"{"error":null,"activeTill":7}"#, Some(7)),
    ] {
        for status in [200, 201, 202] {
            assert_eq!(told(status, body), Reply::Accepted { active_till: want }, "{body}");
        }
    }
    for body in [
        "",
        "  ",
        r#"{"success":false}"#,
        r#"{"success":"true"}"#,
        r#"{"success":false,"activeTill":1767367524333}"#,
        r#"{"error":{"code":500,"message":"x"}}"#,
        r#"{"id":"OTHER-AB12C","activeTill":1767367524333}"#,
        r#"{"channel":{"id":"OTHER-AB12C","activeTill":1767367524333}}"#,
        r#"{"activeTill":17673"#,
        r#"[null,"DEMOCH-AB12C",7,null,null,null,null]"#,
        "true",
        "OK",
        "<html>checking your browser</html>",
    ] {
        assert!(matches!(told(200, body), Reply::Unclear(_)), "{body}");
    }
    let mut html = answer(200, r#"{"success":true}"#);
    html.content_type = Some("text/HTML");
    assert!(matches!(reply(&html, &id(), NOW, TOKEN), Reply::Unclear(_)));
}

#[test]
fn refused_only_in_the_partners_form_and_with_these_statuses() {
    let forms = [
        r#"{"error":{"code":404,"message":"gone","details":""}}"#,
        r#"{"error":"gone"}"#,
        r#"{"message":"gone"}"#,
        r#"{"error":{"details":"gone"}}"#,
    ];
    for status in [400, 401, 402, 403, 404, 422] {
        for form in forms {
            let Reply::Refused { status: seen, message, balance } = told(status, form) else {
                panic!("{status} {form}")
            };
            assert!(seen == status && message.ends_with("gone") && balance == (status == 402), "{message}");
        }
        for page in [
            "<html><title>403 Forbidden</title>cloudflare</html>",
            "error code: 1020",
            "",
            "{}",
            "[]",
            r#"{"error":{}}"#,
            r#"{"error":""}"#,
            r#"{"error":[]}"#,
            r#"{"success":true,"message":"ok"}"#,
            r#"{"title":"Forbidden","status":403}"#,
            r#"{"error":{"code":403"#,
        ] {
            assert!(matches!(told(status, page), Reply::Unclear(_)), "{status} {page}");
        }
    }
    for status in [301, 302, 304, 307, 405, 408, 409, 410, 418, 425, 500, 502, 503, 504, 520, 522, 524] {
        for body in forms.iter().chain(&["", "<html></html>"]) {
            assert!(matches!(told(status, body), Reply::Unclear(_)), "{status} {body}");
        }
    }
}

#[test]
fn balance_is_told_from_other_refusals() {
    for (status, message, want) in [
        (400, "Not enough days", true),
        (403, "insufficient_balance", true),
        (422, "Too few days on the account", true),
        (403, "Partner balance is empty", true),
        (403, "Insufficient permissions", false),
        (403, "blocked by load balancer", false),
        (400, "days must be positive", false),
        (404, "not enough days", false),
        (401, "not enough days", false),
        (402, "pay", true),
    ] {
        let body = format!(r#"{{"error":{{"code":1,"message":"{message}"}}}}"#);
        assert!(
            matches!(told(status, &body), Reply::Refused { balance, .. } if balance == want),
            "{message}"
        );
    }
}

#[test]
fn throttled_only_in_the_partners_form() {
    let form = r#"{"error":{"code":429,"message":"Too many requests"}}"#;
    for (value, want) in [
        (None, None),
        (Some("7"), Some(7_000)),
        (Some("0"), Some(0)),
        (Some("99999999999999999999"), Some(RETRY_AFTER_MS_MAX)),
        (Some("Sun, 09 Sep 2001 01:46:45 GMT"), Some(5_000)),
        (Some("Sun, 09 Sep 2001 01:46:30 GMT"), Some(0)),
        (Some("-5"), None),
        (Some("soon"), None),
        (Some(""), None),
    ] {
        let answer = HttpAnswer { retry_after: value, ..answer(429, form) };
        let want = Reply::Throttled { retry_after_ms: want };
        assert_eq!(reply(&answer, &id(), NOW, TOKEN), want, "{value:?}");
    }
    for body in ["", "<html>slow down</html>", "slow down"] {
        assert!(matches!(told(429, body), Reply::Unclear(_)), "{body}");
    }
}

#[test]
fn messages_are_capped_and_hold_no_token() {
    let body = format!(r#"{{"error":"{TOKEN} and {CHANNEL_TOKEN} {}"}}"#, "ä ".repeat(900));
    for status in [400, 500] {
        let (Reply::Refused { message, .. } | Reply::Unclear(message)) = told(status, &body) else {
            panic!()
        };
        assert!(message.starts_with("HTTP 500: ") || message.starts_with("[redacted] and [redacted]"));
        assert!(message.chars().count() <= crate::outbound::redact::MESSAGE_CHARS_MAX + "HTTP 500: ".len());
    }
}

#[test]
fn a_reading_is_this_channels_and_whole() {
    fn read(status: u16, body: &str) -> Result<Reading, ReadError> {
        reading(&answer(status, body), &id(), TOKEN)
    }
    let live = Reading { active_till: 9, mode: Some("live".into()) };
    let full = r#"{"id":"DEMOCH-AB12C","activeTill":9,"token":"Zx81kQmP02LsVn47TgHy","mode":"live"}"#;
    assert_eq!(read(200, full), Ok(live.clone()));
    assert_eq!(read(200, &format!(r#"{{"channel":{full}}}"#)), Ok(live));
    assert_eq!(read(200, r#"{"activeTill":9}"#), Ok(Reading { active_till: 9, mode: None }));
    assert_eq!(read(200, r#"{"activeTill":9,"mode":"a b"}"#), Ok(Reading { active_till: 9, mode: None }));
    assert_eq!(read(404, r#"{"error":"x"}"#), Err(ReadError::UnknownChannel));
    assert_eq!(read(401, r#"{"message":"x"}"#), Err(ReadError::Unauthorized));
    for (status, body) in [
        (200, r#"{"id":"OTHER","activeTill":9}"#),
        (200, r#"{"id":7,"activeTill":9}"#),
        (200, r#"{"id":"DEMOCH-AB12C"}"#),
        (200, r#"{"id":"DEMOCH-AB12C","activeTill":"9"}"#),
        (200, r#"{"id":"DEMOCH-AB12C","activeTill":9.5}"#),
        (200, r#"{"success":false,"activeTill":9}"#),
        (200, ""),
        (200, "<html>"),
        (200, r#"{"activeTill":9"#),
        (404, "<html>not found</html>"),
        (401, ""),
        (403, r#"{"error":"x"}"#),
        (301, ""),
        (500, r#"{"error":"Zx81kQmP02LsVn47TgHy"}"#),
    ] {
        let Err(ReadError::Failed(text)) = read(status, body) else { panic!("{status} {body}") };
        assert!(!text.contains(CHANNEL_TOKEN), "{text}");
    }
}

#[test]
fn mode_and_list_answers() {
    for (status, body, mode, list) in [
        (200, "", true, false),
        (204, "", true, false),
        (200, r#"{"success":true}"#, true, true),
        (200, r#"{"success":false}"#, false, false),
        (200, r#"[{"id":"x"}]"#, false, true),
        (200, "<html>", false, false),
        (500, r#"{"message":"x"}"#, false, false),
        (302, "", false, false),
    ] {
        assert_eq!(mode_set(&answer(status, body), TOKEN).is_ok(), mode, "{status} {body}");
        assert_eq!(list_seen(&answer(status, body), TOKEN).is_ok(), list, "{status} {body}");
    }
}
