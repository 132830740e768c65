use std::time::Duration;

use daybridge::{
    envelope::{Trigger, UNREADABLE, digest},
    queue::NotConfirmed,
    webhook::Sources,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bench::{
    Bench, Manner, OLD_SECRET, SECRET, config, exchange, fixture, now_s, post, reply, request, settings,
    signature, signed,
};

const ACCEPTED: &str = r#"200 {"status":"accepted"}"#;

#[tokio::test]
async fn what_is_accepted_is_on_the_queue_byte_for_byte() {
    let bench = Bench::new().await;
    let body = fixture("charge.succeeded.basil");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let header = format!("stripe-signature: {}", signature(SECRET, &body, now_s()));
    let headers =
        [&*header, "content-type: application/json; charset=utf-8", &format!("traceparent: {trace}")];
    let reply = bench.send(&post(&headers, &body)).await;
    assert_eq!(reply.short(), ACCEPTED);
    let sent = bench.queue.last();
    assert_eq!(sent.body, body);
    assert_eq!(sent.message_id(), "stripe/evt_1Made");
    assert_eq!(sent.event_type, "charge.succeeded");
    assert_eq!(sent.content_type, "application/json; charset=utf-8");
    assert_eq!(sent.traceparent, trace);
    assert_eq!(sent.trigger, Trigger::Webhook);
    assert!((sent.received_at_ms - now_s() * 1000).abs() < 60_000);
    bench.running.stop().await.unwrap();
}

/// A correctly signed body that cannot be read is accepted, for it becomes a held event.
#[tokio::test]
async fn signed_bodies_of_every_kind_are_accepted() {
    let bench = Bench::new().await;
    let deep = format!(r#"{{"id":"evt_d","type":"t","x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for (body, event_type) in [
        (Vec::new(), UNREADABLE),
        (b"\xff\xfe{}".to_vec(), UNREADABLE),
        (b"hello".to_vec(), UNREADABLE),
        (deep.into_bytes(), "t"),
        (fixture("customer.created"), "customer.created"),
        (fixture("thin.v2"), "v1.billing.meter.error_report_triggered"),
        (fixture("connected.charge.succeeded"), "charge.succeeded"),
        (vec![b' '; settings().max_body_bytes], UNREADABLE),
    ] {
        assert_eq!(bench.send(&signed(&body)).await.short(), ACCEPTED, "{event_type}");
        let sent = bench.queue.last();
        assert_eq!((sent.event_type.as_str(), &*sent.body), (event_type, &*body));
        assert_eq!(sent.event_id == digest(&body), event_type == UNREADABLE);
    }
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn bad_requests_have_clear_answers_and_never_reach_the_queue() {
    let bench = Bench::new().await;
    let body = fixture("charge.succeeded.basil");
    let (now, long) = (now_s(), settings().max_body_bytes + 1);
    let header = |secret: &str, at: i64| format!("Stripe-Signature: {}", signature(secret, &body, at));
    let good = header(SECRET, now);
    let one = |header: &str| post(&[header], &body);
    let chunked = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{long:x}\r\n{}\r\n0\r\n\r\n",
        "x".repeat(long)
    );
    for (what, bytes, want) in [
        ("no header", post(&[], &body), "400 signature"),
        ("two headers", post(&[&good, &good], &body), "400 signature"),
        ("64 KiB header", one(&format!("Stripe-Signature: {}", "x".repeat(65_536))), "400 signature"),
        ("other secret", one(&header("whsec_other", now)), "400 signature"),
        ("stale", one(&header(SECRET, now - 400)), "400 signature"),
        ("future", one(&header(SECRET, now + 400)), "400 signature"),
        ("v0 only", one(&good.replace("v1=", "v0=")), "400 signature"),
        ("upper case", one(&good.replacen(&good[32..], &good[32..].to_uppercase(), 1)), "400 signature"),
        ("other body", post(&[&good], b"{}"), "400 signature"),
        ("unknown source", request("POST /webhooks/other", &[&good], &body), "404 source"),
        ("other path", request("POST /", &[&good], &body), "404 source"),
        ("no name", request("POST /webhooks/", &[&good], &body), "404 source"),
        ("deeper path", request("POST /webhooks/stripe/x", &[&good], &body), "404 source"),
        ("GET", request("GET /webhooks/stripe", &[], b""), "405 method"),
        ("PUT", request("PUT /webhooks/stripe", &[&good], &body), "405 method"),
        ("1 byte over", post(&[], &vec![b' '; long]), "413 too-long"),
        ("1 byte over, chunked", chunked.into_bytes(), "413 too-long"),
    ] {
        let reply = bench.send(&bytes).await;
        assert_eq!(reply.short(), want, "{what}");
        assert_eq!(reply.head.to_lowercase().contains("allow: post"), want == "405 method", "{what}");
        assert_eq!(bench.queue.count(), 0, "{what}");
    }
    bench.running.stop().await.unwrap();
}

/// The body of a refused request was taken off the wire, so a proxy can go on using the connection.
#[tokio::test]
async fn a_refusal_leaves_the_connection_usable() {
    let bench = Bench::new().await;
    let mut connection = bench.connect().await;
    let body = vec![b'x'; 200_000];
    for refused in [
        request("POST /webhooks/other", &[], &body),
        request("PUT /webhooks/stripe", &[], &body),
        post(&["Stripe-Signature: t=1"], &body),
    ] {
        assert!(exchange(&mut connection, &refused).await.status >= 400);
    }
    assert_eq!(exchange(&mut connection, &signed(&body)).await.short(), ACCEPTED);
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn rotated_secrets_and_a_good_signature_beside_a_bad_one() {
    let bench = Bench::new().await;
    let (body, now) = (fixture("charge.succeeded.basil"), now_s());
    let (new, old) = (signature(SECRET, &body, now), signature(OLD_SECRET, &body, now));
    let bad = "0".repeat(64);
    for header in
        [new.clone(), old.clone(), format!("{old},v1={bad}"), new.replace(",v1", &format!(",v1={bad},v1"))]
    {
        assert_eq!(
            bench.send(&post(&[&format!("Stripe-Signature: {header}")], &body)).await.short(),
            ACCEPTED
        );
    }
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_queue_did_not_confirm_is_never_200() {
    let bench =
        Bench::with(daybridge::config::Server { confirm_timeout: Duration::from_millis(200), ..settings() })
            .await;
    let body = fixture("charge.succeeded.basil");
    for manner in [
        Manner::Refuse(NotConfirmed::Refused),
        Manner::Refuse(NotConfirmed::Unreachable),
        Manner::Refuse(NotConfirmed::Blocked("low on memory".into())),
        Manner::Refuse(NotConfirmed::Timeout(Duration::from_secs(1))),
        Manner::Refuse(NotConfirmed::Busy),
        // Never confirms.
        Manner::ByHand,
    ] {
        bench.queue.set(manner);
        let reply = bench.send(&signed(&body)).await;
        assert_eq!(reply.short(), "503 queue");
        assert!(reply.head.to_lowercase().contains("retry-after: 5"), "{}", reply.head);
        assert!(!reply.body.contains("memory"));
    }
    bench.running.stop().await.unwrap();
}

/// Design §3, rule 1.
#[tokio::test]
async fn no_200_before_the_confirm() {
    let bench = Bench::new().await;
    bench.queue.set(Manner::ByHand);
    let mut connection = bench.connect().await;
    connection.write_all(&signed(&fixture("charge.succeeded.basil"))).await.unwrap();
    bench.queue.arrived.acquire().await.unwrap().forget();
    // The message is at the queue and not confirmed: nothing may come, however long we listen.
    let early = tokio::time::timeout(Duration::from_millis(300), connection.read_u8()).await;
    assert!(early.is_err(), "an answer before the confirm: {early:?}");
    bench.queue.confirms.add_permits(1);
    assert_eq!(reply(&mut connection).await.unwrap().short(), ACCEPTED);
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn a_hundred_duplicates_at_once_are_all_accepted() {
    let bench = Bench::new().await;
    let request = signed(&fixture("charge.succeeded.basil"));
    let all = futures_util::future::join_all((0..100).map(|_| bench.send(&request))).await;
    assert!(all.iter().all(|reply| reply.short() == ACCEPTED));
    let sent = bench.queue.published.lock().unwrap().clone();
    let deliveries: std::collections::HashSet<_> = sent.iter().map(|envelope| &envelope.delivery).collect();
    assert_eq!((sent.len(), deliveries.len()), (100, 100));
    bench.running.stop().await.unwrap();
}

#[test]
fn a_source_without_a_usable_secret_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let with = |secrets: &str, provider: &str| {
        let text = format!("[sources.shop]\nprovider = {provider:?}\nsecrets = {secrets}");
        Sources::with_secrets(&daybridge::config::load::parse(&text, Vec::new()).unwrap())
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (secrets, provider, want) in [
        ("[]", "stripe", "has no secret"),
        ("[\"\"]", "stripe", "empty"),
        ("[\"s\", { env = \"DAYBRIDGE_TEST_NOT_SET\" }]", "stripe", "DAYBRIDGE_TEST_NOT_SET"),
    ] {
        let error = with(secrets, provider).unwrap_err();
        assert!(error.starts_with("[sources.shop]") && error.contains(want), "{error}");
    }
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    with(&format!("[{{ file = {file:?} }}]"), "stripe").unwrap();
    assert!(!format!("{:?}", Sources::with_secrets(&config("")).unwrap()).contains("whsec"));
}

/// The line end of the file is not part of the secret.
#[tokio::test]
async fn a_secret_file_with_a_line_end_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let text = format!("[sources.stripe]\nprovider = \"stripe\"\nsecrets = [{{ file = {file:?} }}]");
    let sources = Sources::with_secrets(&daybridge::config::load::parse(&text, Vec::new()).unwrap()).unwrap();
    let bench = Bench::serving(settings(), sources).await;
    assert_eq!(bench.send(&signed(&fixture("customer.created"))).await.short(), ACCEPTED);
    bench.running.stop().await.unwrap();
}

#[test]
fn every_answer_is_counted_by_source() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // The receiver registers its meters when it starts.
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let bench = Bench::new().await;
            for _ in 0..2 {
                bench.send(&signed(b"{}")).await;
            }
            bench.send(&post(&[], b"{}")).await;
            bench.send(&request("GET /", &[], b"")).await;
            bench.running.stop().await.unwrap();
        });
    });
    let page = page.render();
    for line in [
        r#"daybridge_deliveries_total{source="stripe",answer="accepted"} 2"#,
        r#"daybridge_deliveries_total{source="stripe",answer="signature_missing"} 1"#,
        r#"daybridge_deliveries_total{source="unknown",answer="unknown_source"} 1"#,
        r#"daybridge_deliveries_total{source="stripe",answer="queue_timeout"} 0"#,
        r#"daybridge_confirm_seconds_count{source="stripe"} 2"#,
    ] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
}
