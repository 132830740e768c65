//! What a provider sees of daybridge through nginx, over TLS.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::{Method, header::RETRY_AFTER};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{edited, nginx::Nginx};
use crate::support::{
    daybridge::{House, now_s, sign},
    rabbitmq::Broker,
    wait::{soon, until},
};

const HOME: [u8; 4] = [127, 0, 0, 1];
/// Not one of `trusted_proxies`: a caller from outside.
const OUTSIDE: [u8; 4] = [127, 0, 0, 2];
const CHANNEL: &str = "DEMOCH-AB12C";
const BYTES_MAX: usize = 262_144;

async fn house(queue: &str) -> House {
    let house = House::build(queue, None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house
}

fn charge(payment: &str) -> Vec<u8> {
    House::event("charge.succeeded", &format!("evt_{payment}"), payment, CHANNEL, "7")
}

/// The `client` of the first log line with this message.
async fn logged_client(house: &House, process: &str, message: &str) -> String {
    until(&format!("{process} logs {message:?}"), || async {
        let lines = house.log(process);
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines.find(|line| line["message"] == message)?;
        line["client"].as_str().map(str::to_owned)
    })
    .await
}

/// An event with odd bytes from outside, with made-up hops, is credited and the caller's address is true.
async fn an_event_from_outside(house: &House, nginx: &Nginx, process: &str) {
    let outside = nginx.caller(OUTSIDE);
    let mut body = "{\"note\":\"Zoë — 7 días, 日本 🌉 \\u00eb\",\r\n\t ".as_bytes().to_vec();
    body.extend_from_slice(charge("pi_1").strip_prefix(b"{").unwrap());
    body.extend_from_slice(b"\r\n");
    let signature = sign(&body, now_s());
    let made_up =
        [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "6.6.6.6")];
    let mut headers = vec![("stripe-signature", signature.as_str()), ("accept-encoding", "gzip")];
    headers.extend(made_up);
    let answer = outside.request(Method::POST, "/webhooks/stripe", &body, &headers).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"accepted"}"#);
    assert_eq!(logged_client(house, process, "request verified").await, "Some(127.0.0.2)");
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);

    let forged = sign(b"another body", now_s());
    let mut headers = vec![("stripe-signature", forged.as_str())];
    headers.extend(made_up);
    let answer = outside.request(Method::POST, "/webhooks/stripe", &body, &headers).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(logged_client(house, process, "request refused").await, "127.0.0.2");
    assert!(!house.log(process).contains("6.6.6.6"), "a made-up address was believed");

    // Twice at the same time.
    let body = charge("pi_2");
    let (one, two) = tokio::join!(outside.post(&body), outside.post(&body));
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    until("both deliveries are recorded", || async {
        let whole = house.payment_is("stripe/pi_2", "credited").await;
        (whole["events"].as_array()?.len() == 2).then_some(())
    })
    .await;
    assert_eq!(house.applied("stripe/pi_2").await, 1);
}

fn debug() -> (&'static str, String) {
    ("RUST_LOG", "info,lapin=off,daybridge=debug".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_and_rabbitmq() {
    let broker = Broker::shared();
    let mut house = house(&broker.amqp_url(&broker.new_vhost())).await;
    let nginx = Nginx::start(&format!("127.0.0.1:{}", house.server)).await;
    house.start_as("serve", "serve", &[debug()]).await;
    house.ready("serve").await;
    house.start("work").await;
    an_event_from_outside(&house, &nginx, "serve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_unix_socket() {
    let mut house = house("embedded").await;
    let socket = format!("unix:{}", house.path("http.sock").display());
    let nginx = Nginx::start(&socket).await;
    house.start_as("run", "run", &[debug(), ("DAYBRIDGE_SERVER__LISTEN", socket)]).await;
    house.ready("run").await;
    an_event_from_outside(&house, &nginx, "run").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_webhooks_of_the_right_method_and_size_pass() {
    let mut house = house("embedded").await;
    let upstream = format!("127.0.0.1:{}", house.server);
    let nginx = Nginx::start(&upstream).await;
    house.start("run").await;
    let caller = nginx.caller(HOME);

    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = caller.request(method.clone(), "/webhooks/stripe", b"", &[]).await;
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
        assert_eq!(answer.headers()["content-type"], "text/html", "nginx's own answer");
    }
    assert_eq!(house.console("/readyz").await.0, 200, "the console is up");
    for path in ["/", "/metrics", "/readyz", "/healthz", "/webhooks", "//metrics", "/webhooks/..%2fmetrics"] {
        for method in [Method::GET, Method::POST] {
            let answer = caller.request(method.clone(), path, b"", &[]).await;
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            assert!(status == 404 || status == 405, "{method} {path}: {status}");
            assert!(!text.contains("daybridge_") && !text.contains("ready"), "{method} {path}: {text}");
        }
    }
    let unknown = caller.request(Method::POST, "/webhooks/nosuch", b"{}", &[]).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.headers()["content-type"], "application/problem+json", "daybridge's own answer");

    let mut body = charge("pi_long");
    body.resize(BYTES_MAX, b' ');
    assert_eq!(caller.post(&body).await.status(), 200);
    house.payment_is("stripe/pi_long", "credited").await;
    body.push(b' ');
    let answer = caller.post(&body).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.headers()["content-type"], "text/html", "nginx's own answer");
    let wider = Nginx::start_edited(&format!("server {upstream} max_fails=0;"), |locations| {
        edited(&locations, &format!("client_max_body_size {BYTES_MAX};"), "client_max_body_size 1m;")
    })
    .await;
    let answer = wider.caller(HOME).post(&body).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "daybridge's own answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_daybridge_is_away_is_sent_again_and_credited_once() {
    let mut house = house("embedded").await;
    let nginx = Nginx::start(&format!("127.0.0.1:{}", house.server)).await;
    let caller = nginx.caller(OUTSIDE);
    for round in ["pi_1", "pi_2"] {
        let body = charge(round);
        let answer = caller.post(&body).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[RETRY_AFTER], "5");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        house.start("run").await;
        // As the provider does: until it is taken, and then once more, because its own connection was cut.
        for _ in 0..2 {
            assert_eq!(caller.post(&body).await.status(), 200);
        }
        let key = format!("stripe/{round}");
        house.payment_is(&key, "credited").await;
        assert_eq!(house.stop("run").await, Some(0));
        assert_eq!(house.applied(&key).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn daybridges_own_503_passes_with_its_retry_after() {
    let broker = Broker::start();
    let mut house = house(&broker.amqp_url("%2f")).await;
    let nginx = Nginx::start(&format!("127.0.0.1:{}", house.server)).await;
    house.start("serve").await;
    assert_eq!(nginx.caller(OUTSIDE).post(&charge("pi_1")).await.status(), 200);
    broker.kill();
    let answer = nginx.caller(OUTSIDE).post(&charge("pi_2")).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()[RETRY_AFTER], "5");
    assert!(answer.text().await.unwrap().contains("urn:daybridge:problem:queue"));
}

/// daybridge may have queued what it did not answer: whether it is sent again is the provider's business.
#[tokio::test(flavor = "multi_thread")]
async fn nginx_sends_nothing_twice() {
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = upstream.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = upstream.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = connection.read(&mut head).await;
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.shutdown().await;
        }
    });
    let two = format!("server {address} max_fails=0; server {address} max_fails=0;");
    let nginx = Nginx::start_edited(&two, |locations| locations).await;
    let answer = soon("nginx answers", nginx.caller(HOME).post(b"{}")).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(taken.load(Ordering::SeqCst), 1, "requests that daybridge saw");
}
