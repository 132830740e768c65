//! Requests that two readers may read in two ways, sent as raw bytes through each proxy, and to daybridge
//! itself: one request never makes two deliveries, nobody says 200 for bytes that were not verified, and what
//! is hidden in a request stays there. The queue is in the test's hands, so that what is on it can be counted.
//!
//! Over a listener without TLS, which is the same parser; HTTP/2 is off in all three.

use std::time::Duration;

use daybridge::{config::load, webhook::Sources};
use futures_util::StreamExt as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use self::cases::{Arrives, Case};
use super::proxy::{KINDS, Proxy};
use crate::{
    provider::bench::{Bench, settings},
    support::{daybridge::SECRET, http::exchange},
};

mod cases;

/// Longest silence after which a connection has said all it will: nothing is asserted of what comes later but
/// that no request is on the queue that must not be.
const QUIET: Duration = Duration::from_secs(2);

/// Cases sent at the same time, so that one's leftovers meet another's request.
const TOGETHER: usize = 8;

/// Honest requests after the cases: they travel on the connections that the cases left behind.
const HONEST: usize = 24;

async fn receiver() -> Bench {
    let text = format!("[sources.stripe]\nprovider = \"stripe\"\nsecrets = [{SECRET:?}]\n");
    let config = load::parse(&text, Vec::new()).unwrap();
    Bench::serving(settings(), Sources::with_secrets(&config).unwrap()).await
}

/// Sends every case to `port` behind which `bench` stands; tells what is wrong.
async fn attack(whom: &str, port: u16, bench: &Bench) -> Vec<String> {
    let cases = cases::all();
    let sent: Vec<Vec<u8>> = cases.iter().map(|case| case.bytes.clone()).collect();
    let answers: Vec<String> = futures_util::stream::iter(sent)
        .map(
            |bytes| async move { String::from_utf8_lossy(&exchange(port, &bytes, QUIET).await).into_owned() },
        )
        .buffered(TOGETHER)
        .collect()
        .await;
    let mut wrong = Vec::new();
    for number in 0..HONEST {
        let answer = exchange_one(port, &cases::honest_of(cases.len() + number)).await;
        if !answer.starts_with("HTTP/1.1 200") {
            wrong.push(format!("{whom}: an honest request after the cases: {answer}"));
        }
    }
    let arrived = |case: usize, request: u8| {
        let trace = cases::trace(case, request);
        bench.queue.published.lock().unwrap().iter().filter(|sent| sent.traceparent == trace).count()
    };
    for number in cases.len()..cases.len() + HONEST {
        if arrived(number, 1) != 1 {
            wrong.push(format!("{whom}: an honest request arrived {} times", arrived(number, 1)));
        }
    }
    for (number, (case, answer)) in cases.iter().zip(&answers).enumerate() {
        let (outer, inner) = (arrived(number, 1), arrived(number, 2));
        println!("{whom:<8} {:<42} outer {outer} inner {inner} {:?}", case.name, statuses(answer));
        wrong.extend(judge(case, answer, outer, inner).map(|what| format!("{whom}: {}: {what}", case.name)));
    }
    let known = cases.len() + HONEST;
    let strangers = (bench.queue.published.lock().unwrap().iter())
        .filter(|sent| {
            (0..known).all(|case| (1..=2).all(|request| sent.traceparent != cases::trace(case, request)))
        })
        .count();
    if strangers > 0 {
        wrong.push(format!("{whom}: {strangers} deliveries lost their trace"));
    }
    wrong
}

/// As [`exchange`], for one answer on a connection that is kept.
async fn exchange_one(port: u16, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    crate::provider::bench::reply(&mut connection)
        .await
        .map_or("none".into(), |reply| reply.head + reply.body.as_str())
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.").skip(1).filter_map(|rest| rest.get(2..5)).collect()
}

fn judge(case: &Case, answer: &str, outer: usize, inner: usize) -> impl Iterator<Item = String> {
    let fits = |arrives: Arrives, times: usize| match arrives {
        Arrives::Once => times == 1,
        Arrives::AtMostOnce => times <= 1,
        Arrives::Never => times == 0,
    };
    let believed = statuses(answer).iter().filter(|status| **status == "200").count();
    let shown = answer.get(..answer.len().min(400)).unwrap_or_default();
    [
        (!fits(case.outer, outer)).then(|| format!("arrived {outer} times, not {:?}: {shown}", case.outer)),
        (!fits(case.inner, inner)).then(|| format!("the inner one arrived {inner} times: {shown}")),
        (believed > outer + inner).then(|| format!("{believed} × 200 for {outer} + {inner}: {shown}")),
        answer.contains("daybridge_").then(|| "shows the metrics".to_owned()),
    ]
    .into_iter()
    .flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_hides_another() {
    let bench = receiver().await;
    let port = bench.port();
    let mut attacks = vec![tokio::spawn(async move { attack("daybridge", port, &bench).await })];
    for kind in KINDS {
        attacks.push(tokio::spawn(async move {
            let bench = receiver().await;
            let proxy = Proxy::start(kind, &format!("127.0.0.1:{}", bench.port())).await;
            attack(&format!("{kind:?}"), proxy.bare_port, &bench).await
        }));
    }
    let mut wrong = Vec::new();
    for attack in attacks {
        wrong.extend(attack.await.unwrap());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
