//! What a provider sees of daybridge through each of the proxies, over TLS.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::proxy::{BYTES_MAX, KINDS, Kind, NAME, Proxy};
use crate::support::{
    daybridge::{House, now_s, sign},
    http::{exchange, message},
    rabbitmq::Broker,
    wait::{soon, until},
};

const HOME: [u8; 4] = [127, 0, 0, 1];
/// Not one of `trusted_proxies`: a caller from outside.
const OUTSIDE: [u8; 4] = [127, 0, 0, 2];
/// A connection that says nothing for so long is one that was taken.
const QUIET: Duration = Duration::from_secs(2);
/// Longest wait for the next byte of an answer.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const CHANNEL: &str = "DEMOCH-AB12C";

async fn house(queue: &str) -> House {
    let house = House::build(queue, None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house
}

fn charge(payment: &str) -> Vec<u8> {
    House::event("charge.succeeded", &format!("evt_{payment}"), payment, CHANNEL, "7")
}

/// The `client` of every log line with this message, once there are `count`.
async fn logged_clients(house: &House, process: &str, message: &str, count: usize) -> Vec<String> {
    until(&format!("{process} logs {message:?}"), || async {
        let log = house.log(process);
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines = lines.filter(|line| line["message"] == message);
        let clients: Vec<String> = lines.map(|line| line["client"].as_str().unwrap().to_owned()).collect();
        (clients.len() >= count).then_some(clients)
    })
    .await
}

/// An event with odd bytes from outside, with made-up hops, is credited and the caller's address is true.
async fn an_event_from_outside(house: &House, proxy: &Proxy) {
    let outside = proxy.caller(OUTSIDE);
    let (one, two) = (format!("pi_{:?}_1", proxy.kind), format!("pi_{:?}_2", proxy.kind));
    let mut body = "{\"note\":\"Zoë — 7 días, 日本 🌉 \\u00eb\",\r\n\t ".as_bytes().to_vec();
    body.extend_from_slice(charge(&one).strip_prefix(b"{").unwrap());
    body.extend_from_slice(b"\r\n");
    let signature = sign(&body, now_s());
    let made_up =
        [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "6.6.6.6")];
    let mut headers = vec![("stripe-signature", signature.as_str()), ("accept-encoding", "gzip")];
    headers.extend(made_up);
    let answer = outside.request(Method::POST, "/webhooks/stripe", &body, &headers).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"accepted"}"#);
    house.payment_is(&format!("stripe/{one}"), "credited").await;
    assert_eq!(house.applied(&format!("stripe/{one}")).await, 1);

    let forged = sign(b"another body", now_s());
    let mut headers = vec![("stripe-signature", forged.as_str())];
    headers.extend(made_up);
    let answer = outside.request(Method::POST, "/webhooks/stripe", &body, &headers).await;
    assert_eq!(answer.status(), 400);

    // Twice at the same time.
    let body = charge(&two);
    let key = format!("stripe/{two}");
    let (first, second) = tokio::join!(outside.post(&body), outside.post(&body));
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    until("both deliveries are recorded", || async {
        let whole = house.payment_is(&key, "credited").await;
        (whole["events"].as_array()?.len() == 2).then_some(())
    })
    .await;
    assert_eq!(house.applied(&key).await, 1);
}

/// Through every proxy; a process logs who really called.
async fn events_from_outside(house: &House, upstream: &str, process: &str) {
    for kind in KINDS {
        an_event_from_outside(house, &Proxy::start(kind, upstream).await).await;
    }
    let verified = logged_clients(house, process, "request verified", 3 * KINDS.len()).await;
    assert_eq!(verified, vec!["Some(127.0.0.2)"; 3 * KINDS.len()]);
    // The others are only counted within the minute.
    let refused = logged_clients(house, process, "request refused", 1).await;
    assert_eq!(refused, ["127.0.0.2"]);
    assert!(!house.log(process).contains("6.6.6.6"), "a made-up address was believed");
}

fn debug() -> (&'static str, String) {
    ("RUST_LOG", "info,daybridge=debug".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_and_rabbitmq() {
    let broker = Broker::shared();
    let mut house = house(&broker.amqp_url(&broker.new_vhost())).await;
    house.start_as("serve", "serve", &[debug()]).await;
    house.ready("serve").await;
    house.start("work").await;
    events_from_outside(&house, &format!("127.0.0.1:{}", house.server), "serve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_unix_socket() {
    let mut house = house("embedded").await;
    let socket = format!("unix:{}", house.path("http.sock").display());
    house.start_as("run", "run", &[debug(), ("DAYBRIDGE_SERVER__LISTEN", socket.clone())]).await;
    house.ready("run").await;
    events_from_outside(&house, &socket, "run").await;
}

const PROBLEM: &str = "application/problem+json";

/// Whether an answer is daybridge's own.
fn is_ours(answer: &Response) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_webhooks_of_the_right_method_and_size_pass() {
    let mut house = house("embedded").await;
    house.start("run").await;
    assert_eq!(house.console("/readyz").await.0, 200, "the console is up");
    let upstream = format!("127.0.0.1:{}", house.server);
    for kind in KINDS {
        let proxy = Proxy::start(kind, &upstream).await;
        paths_and_methods(&proxy).await;
        sizes(&house, &proxy, &upstream).await;
    }
}

async fn paths_and_methods(proxy: &Proxy) {
    let (kind, caller) = (proxy.kind, proxy.caller(HOME));
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = caller.request(method.clone(), "/webhooks/stripe", b"", &[]).await;
        assert_eq!(answer.status(), 405, "{kind:?} {method}");
        assert_eq!(answer.headers()["allow"], "POST", "{kind:?} {method}");
        assert!(!is_ours(&answer), "{kind:?} {method}");
    }
    for path in ["/", "/metrics", "/readyz", "/healthz", "/webhooks", "//metrics", "/webhooks/..%2fmetrics"] {
        for method in [Method::GET, Method::POST] {
            let answer = caller.request(method.clone(), path, b"", &[]).await;
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            assert!(status == 404 || status == 405, "{kind:?} {method} {path}: {status}");
            let leaks = text.contains("daybridge_") || text.contains("ready");
            assert!(!leaks, "{kind:?} {method} {path}: {text}");
        }
    }
    let unknown = caller.request(Method::POST, "/webhooks/nosuch", b"{}", &[]).await;
    assert_eq!(unknown.status(), 404, "{kind:?}");
    assert!(is_ours(&unknown), "{kind:?}");
    // A 200 would tell the provider that the event is stored.
    let elsewhere =
        caller.request(Method::POST, "/webhooks/stripe", b"{}", &[("host", "other.example")]).await;
    assert!(matches!(elsewhere.status().as_u16(), 400 | 404), "{kind:?}: {}", elsewhere.status());
}

async fn sizes(house: &House, proxy: &Proxy, upstream: &str) {
    let (kind, caller) = (proxy.kind, proxy.caller(HOME));
    let payment = format!("pi_long_{kind:?}");
    let mut body = charge(&payment);
    body.resize(BYTES_MAX, b' ');
    assert_eq!(caller.post(&body).await.status(), 200, "{kind:?}");
    house.payment_is(&format!("stripe/{payment}"), "credited").await;
    body.push(b' ');
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    let answer = exchange(proxy.bare_port, &message(head, &[], &body), SILENCE_MAX).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413 ") && !answer.contains(PROBLEM), "{kind:?}: {answer}");
    let wider = Proxy::start_with(kind, &[upstream], 1 << 21).await;
    let answer = wider.caller(HOME).post(&body).await;
    assert_eq!(answer.status(), 413, "{kind:?}");
    assert!(is_ours(&answer), "{kind:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_daybridge_is_away_is_sent_again_and_credited_once() {
    let mut house = house("embedded").await;
    for kind in KINDS {
        let proxy = Proxy::start(kind, &format!("127.0.0.1:{}", house.server)).await;
        let caller = proxy.caller(OUTSIDE);
        for round in 1..=2 {
            let payment = format!("pi_{kind:?}_{round}");
            let body = charge(&payment);
            let answer = caller.post(&body).await;
            assert_eq!(answer.status(), 503, "{kind:?}");
            assert_eq!(answer.headers()[RETRY_AFTER], "5", "{kind:?}");
            assert!(is_ours(&answer), "{kind:?}");
            assert!(answer.text().await.unwrap().contains("urn:daybridge:problem:away"), "{kind:?}");
            house.start("run").await;
            // As the provider does: until it is taken, and then once more, because its own connection was cut.
            for _ in 0..2 {
                assert_eq!(caller.post(&body).await.status(), 200, "{kind:?}");
            }
            let key = format!("stripe/{payment}");
            house.payment_is(&key, "credited").await;
            assert_eq!(house.stop("run").await, Some(0));
            assert_eq!(house.applied(&key).await, 1, "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn daybridges_own_503_passes_with_its_retry_after() {
    let broker = Broker::start();
    let mut house = house(&broker.amqp_url("%2f")).await;
    house.start("serve").await;
    let mut proxies = Vec::new();
    for kind in KINDS {
        let proxy = Proxy::start(kind, &format!("127.0.0.1:{}", house.server)).await;
        assert_eq!(proxy.caller(OUTSIDE).post(&charge("pi_1")).await.status(), 200, "{kind:?}");
        proxies.push(proxy);
    }
    broker.kill();
    for proxy in proxies {
        let answer = proxy.caller(OUTSIDE).post(&charge("pi_2")).await;
        assert_eq!(answer.status(), 503, "{:?}", proxy.kind);
        assert_eq!(answer.headers()[RETRY_AFTER], "5");
        assert!(answer.text().await.unwrap().contains("urn:daybridge:problem:queue"));
    }
}

/// daybridge may have queued what it did not answer: whether it is sent again is the provider's business. The
/// second request meets a connection that was kept and is closed under it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_twice() {
    for kind in KINDS {
        let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = upstream.local_addr().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = upstream.accept().await.unwrap();
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while !bytes.ends_with(b"{}") {
                        if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    if count.fetch_add(1, Ordering::SeqCst) == 0 {
                        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                        bytes.clear();
                        let _ = connection.read_buf(&mut bytes).await;
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let address = address.to_string();
        let proxy = Proxy::start_with(kind, &[&address, &address], BYTES_MAX).await;
        let caller = proxy.caller(HOME);
        let headers = [("idempotency-key", "1"), ("stripe-signature", "x")];
        let post =
            || soon("an answer", caller.try_request(Method::POST, "/webhooks/stripe", b"{}", &headers));
        assert_eq!(post().await.unwrap().status(), 200, "{kind:?}");
        // HAProxy says nothing and closes, which a provider sends again as well.
        let second = post().await.map_or(503, |answer| answer.status().as_u16());
        assert_eq!(second, 503, "{kind:?}");
        assert_eq!(taken.load(Ordering::SeqCst), 2, "{kind:?}: requests that daybridge saw");
    }
}

/// In front of daybridge, where a stranger meets a bound before its memory.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_connections_and_others_are_served() {
    const CALLER_MAX: usize = 200;
    let mut house = house("embedded").await;
    house.start("serve").await;
    for kind in [Kind::Nginx, Kind::Haproxy] {
        let proxy = Proxy::start(kind, &format!("127.0.0.1:{}", house.server)).await;
        let head = format!("POST /webhooks/stripe HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\n1");
        let mut held = Vec::new();
        // On a slow machine the first ones may be given up meanwhile, and make room.
        soon(&format!("{kind:?} refuses one too many"), async {
            loop {
                let taken = held.len();
                let Ok(mut connection) = TcpStream::connect(("127.0.0.1", proxy.bare_port)).await else {
                    assert!(taken >= CALLER_MAX, "{kind:?} refused after {taken}");
                    break;
                };
                let _ = connection.write_all(head.as_bytes()).await;
                let mut answer = [0; 4096];
                let quiet = if taken < CALLER_MAX { Duration::ZERO } else { QUIET };
                if let Ok(read) = timeout(quiet, connection.read(&mut answer)).await {
                    let text = String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).to_lowercase();
                    let refused = text.starts_with("http/1.1 503") && text.contains("retry-after: 5");
                    assert!(text.is_empty() || refused, "{kind:?}: {text}");
                    assert!(taken >= CALLER_MAX, "{kind:?} refused after {taken}: {text}");
                    break;
                }
                held.push(connection);
            }
        })
        .await;
        assert_eq!(proxy.caller(OUTSIDE).post(&charge("pi_1")).await.status(), 200, "{kind:?}");
        drop(held);
    }
}
