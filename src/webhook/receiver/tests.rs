use std::io::Write;
use std::sync::Mutex;

use actix_http::test::TestRequest;
use async_trait::async_trait;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::{
    queue::{Consumer, Lane, QueueError},
    webhook::signature::sign,
};

struct Confirming;

#[async_trait]
impl Queue for Confirming {
    async fn publish(&self, _: Envelope) -> Result<(), NotConfirmed> {
        Ok(())
    }
    async fn consume(&self, _: Lane, _: u16) -> Result<Box<dyn Consumer>, QueueError> {
        Err(QueueError("not here".into()))
    }
    async fn health(&self) -> Result<(), QueueError> {
        Ok(())
    }
    async fn depth(&self, _: Lane) -> Option<u64> {
        None
    }
    async fn close(&self) {}
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Page {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// At the loudest level, too.
#[test]
fn logs_name_reason_client_and_trace_but_no_secret_signature_or_body() {
    const SECRET: &str = "whsec_never_in_a_log";
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let text = format!("[sources.shop]\nprovider = \"stripe\"\nsecrets = [{SECRET:?}]");
    let config = crate::config::load::parse(&text, Vec::new());
    let limits = Limits {
        body_bytes_max: 1000,
        bodies_bytes_max: 10_000,
        body_timeout: Duration::from_secs(5),
        confirm_timeout: Duration::from_secs(5),
    };
    let proxies = TrustedProxies::parse(&["127.0.0.1".into()]).unwrap();
    let sources = Sources::with_secrets(config.as_ref().unwrap()).unwrap();
    let receiver = Receiver::new(limits, proxies, sources, Arc::new(Confirming));
    let body = r#"{"id":"evt_1","type":"a.b","card":"4242424242424242"}"#;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let source = &config.as_ref().unwrap().sources["shop"];
    let now_ms = i64::try_from(now_s).unwrap() * 1000;
    let own = sign(source, &SECRET.to_owned().into(), body.as_bytes(), "", now_ms).unwrap();
    let own = own.headers[0].1.clone();
    let forged = format!("t={now_s},v1={}", "ab".repeat(32));
    let page = Page::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(page.clone())
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        for (signature, status) in [(&own, 200), (&forged, 400)] {
            let request = TestRequest::default()
                .method(Method::POST)
                .uri("/webhooks/shop")
                .insert_header(("stripe-signature", signature.as_str()))
                .insert_header(("x-forwarded-for", "203.0.113.9"))
                .insert_header(("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")))
                .set_payload(body)
                .finish();
            assert_eq!(runtime.block_on(receiver.serve(request)).status(), status);
        }
    });
    let page = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    for word in ["request refused", "no signature matches", "203.0.113.9", TRACE, "request verified", "evt_1"]
    {
        assert!(page.contains(word), "{word} is not in:\n{page}");
    }
    for secret in [SECRET, "4242", &"ab".repeat(8), &own[20..40]] {
        assert!(!page.contains(secret), "{secret} is in:\n{page}");
    }
}

#[test]
fn only_valid_trace_contexts_are_taken_over() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (text, valid) in [
        (format!("00-{trace}-00f067aa0ba902b7-01"), true),
        (format!("01-{trace}-00f067aa0ba902b7-01"), false),
        (format!("00-{trace}-00f067aa0ba902b7-01-x"), false),
        (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
        (format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()), false),
        ("nonsense".to_owned(), false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::HeaderName::from_static(TRACEPARENT), HeaderValue::from_str(&text).unwrap());
        assert_eq!(traceparent(&headers).is_some(), valid, "{text}");
    }
}
