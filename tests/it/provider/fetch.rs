//! What the worker asks a provider's API: whatever it answers ends in facts, or in words that say what happens next.

use std::time::{Duration, Instant};

use bytes::Bytes;
use daybridge::{
    config::load,
    domain::facts::{Facts, Meaning, Unread},
    envelope::{Envelope, Trigger, digest},
    provider::readers::Readers,
};
use serde_json::{Value, json};

use crate::support::{
    api::{Answer, Api},
    rabbitmq::free_ports,
};

const KEY: &str = "live_itApiKey0Zx81Qw";
const PATIENCE: Duration = Duration::from_secs(5);

fn readers(base: &str, more: &str) -> Readers {
    let text = format!(
        "[worker]\nfetch_again = \"400ms\"\n[sources.shop]\nprovider = \"mollie-classic\"\nsecrets = [\"s\"]\n\
         api_key = \"{KEY}\"\napi_base = \"{base}\"\n{more}"
    );
    Readers::new(&load::parse(&text, Vec::new()).unwrap()).unwrap()
}

fn envelope(body: &str) -> Envelope {
    let body = Bytes::from(body.to_owned());
    Envelope {
        event_id: digest(&body),
        body,
        content_type: "application/x-www-form-urlencoded".into(),
        source: "shop".into(),
        event_type: "payment".into(),
        received_at_ms: 1_760_000_000_000,
        delivery: "d".into(),
        trigger: Trigger::Webhook,
        traceparent: "00-1-1-01".into(),
    }
}

fn paid(value: &str) -> Value {
    json!({"id": "tr_1", "status": "paid", "amount": {"value": value, "currency": "EUR"},
        "metadata": {"channel_id": "DEMOCH-1", "days": "30"}})
}

async fn read(answer: Answer) -> (Result<Facts, Unread>, Api) {
    let api = Api::start(move |_| {
        let answer = answer.clone();
        async move { answer }
    })
    .await;
    (readers(&api.base, "").read(&envelope("id=tr_1"), PATIENCE).await, api)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_answered_ends_in_facts_or_in_words() {
    let (facts, api) = read(Answer::of(200, paid("9.00").to_string())).await;
    let facts = facts.unwrap();
    assert!(matches!(facts.meaning, Meaning::MoneyIn(_)));
    assert_eq!(facts.money.unwrap().amount, 900);
    let asked = api.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((&*asked[0].method, &*asked[0].target), ("GET", "/v2/payments/tr_1"));
    assert_eq!(asked[0].authorization, format!("Bearer {KEY}"));

    let mut other = paid("9.00");
    other["id"] = "tr_2".into();
    let told = read(Answer::of(200, other.to_string())).await.0.unwrap_err();
    assert!(told.to_string().contains("something else"), "{told}");

    let open = json!({"id": "tr_1", "status": "open"});
    assert!(matches!(read(Answer::of(200, open.to_string())).await.0.unwrap().meaning, Meaning::Ignored(_)));

    let redirect =
        Answer { headers: "location: http://127.0.0.1:1/elsewhere\r\n".into(), ..Answer::of(302, "") };
    let cut = Answer { cut: true, ..Answer::of(200, paid("9.00").to_string()) };
    let long = format!("{{\"x\":\"{}\",{}", "x".repeat(1024 * 1024), &paid("9.00").to_string()[1..]);
    for (answer, again, says) in [
        (Answer::of(500, KEY), true, "HTTP 500"),
        (Answer::of(503, "{}"), true, "HTTP 503"),
        (Answer::of(429, "{}"), true, "HTTP 429"),
        (Answer::of(401, "{}"), true, "renew api_key"),
        (Answer::of(403, "{}"), true, "renew api_key"),
        (Answer::of(200, "<html>maintenance</html>"), true, "no JSON"),
        (Answer::of(200, ""), true, "no JSON"),
        (cut, true, "the connection broke"),
        (Answer::of(404, "{}"), false, "does not know it"),
        (Answer::of(410, "{}"), false, "does not know it"),
        (Answer::of(400, "{}"), false, "HTTP 400"),
        (redirect, false, "HTTP 302"),
        (Answer::of(200, long), false, "longer than 1048576 bytes"),
        (Answer::of(200, "[]"), false, "no object"),
        (Answer::of(200, "null"), false, "no object"),
    ] {
        let status = answer.status;
        let why = read(answer).await.0.unwrap_err();
        assert_eq!(matches!(why, Unread::Unfetched(_)), again, "{status}: {why}");
        let why = why.to_string();
        assert!(why.contains(says), "{status}: {why}");
        assert!(!why.contains(KEY) && !why.contains("127.0.0.1"), "{status}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_stays_one_part_of_the_path() {
    let api = Api::start(|_| async { Answer::of(200, paid("9.00").to_string()) }).await;
    let readers = readers(&api.base, "");
    // What is answered has another id, so it is not taken.
    for id in ["..%2F..%2Fv2%2Fpayments%2Ftr_9%3Fx%3D1%23y", "tr_1%0D%0Ax%3A+y", "%C3%BC"] {
        readers.read(&envelope(&format!("id={id}")), PATIENCE).await.unwrap_err();
    }
    for id in ["..", ".", ""] {
        let why = readers.read(&envelope(&format!("id={id}")), PATIENCE).await.unwrap_err();
        assert!(matches!(why, Unread::Unreadable(_)), "{id:?}: {why}");
    }
    let targets: Vec<String> = api.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(
        targets,
        [
            "/v2/payments/..%2F..%2Fv2%2Fpayments%2Ftr_9%3Fx%3D1%23y",
            "/v2/payments/tr_1%0D%0Ax%3A%20y",
            "/v2/payments/%C3%BC"
        ]
    );
}

/// Nobody listens, or nobody answers: it is over when the caller's patience is; after some failures it is not even tried.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_away_keeps_nobody_waiting() {
    let [port] = free_ports();
    let nobody = readers(&format!("http://127.0.0.1:{port}"), "");
    let why = nobody.read(&envelope("id=tr_1"), PATIENCE).await.unwrap_err();
    assert!(matches!(&why, Unread::Unfetched(why) if why.contains("no connection")), "{why}");
    let zero = nobody.read(&envelope("id=tr_1"), Duration::ZERO).await.unwrap_err();
    assert!(matches!(&zero, Unread::Unfetched(why) if why.contains("many others")), "{zero}");

    let silent = Api::start(|_| std::future::pending()).await;
    let readers = readers(&silent.base, "");
    let patience = Duration::from_millis(300);
    let start = Instant::now();
    for _ in 0..200 {
        let why = readers.read(&envelope("id=tr_1"), patience).await.unwrap_err();
        assert!(
            matches!(&why, Unread::Unfetched(why) if why.contains("no whole answer within 300ms")),
            "{why}"
        );
    }
    assert!(silent.asked().len() <= 5, "{} were asked", silent.asked().len());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_header_of_its_own_and_a_bought_token() {
    let api = Api::start(|asked| async move {
        match (&*asked.target, asked.header("x-api-key")) {
            ("/token", _) => Answer::of(200, r#"{"access_token":"t0ken","expires_in":3600}"#),
            (_, Some(KEY)) => Answer::of(200, paid("9.00").to_string()),
            _ if asked.authorization == "Bearer t0ken" => Answer::of(200, paid("8.00").to_string()),
            _ => Answer::of(401, "{}"),
        }
    })
    .await;
    let header = readers(&api.base, "fetch.auth = { header = \"x-api-key\" }");
    assert_eq!(header.read(&envelope("id=tr_1"), PATIENCE).await.unwrap().money.unwrap().amount, 900);
    assert!(api.asked()[0].authorization.is_empty());
    let bought = readers(&api.base, "fetch.auth = \"oauth2\"\nfetch.token_url = \"/token\"");
    for _ in 0..3 {
        assert_eq!(bought.read(&envelope("id=tr_1"), PATIENCE).await.unwrap().money.unwrap().amount, 800);
    }
    let sold = api.asked().iter().filter(|asked| asked.target == "/token").count();
    assert_eq!(sold, 1, "a token is bought once");
}
