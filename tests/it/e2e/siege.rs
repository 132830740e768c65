//! Those who want to keep others out: slow connections, endless bodies, forged signatures. What is measured in
//! time stands in `tests/bench`.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::interval,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    daybridge::{House, now_s, sign},
    rabbitmq::Broker,
    wait::{soon, until},
};

const SLOW: usize = 1_000;
const HONEST: usize = 200;
const DRIP: Duration = Duration::from_millis(200);

const FLOODS: usize = 64;
/// What each of them tries to send.
const FLOOD_BYTES: usize = 16 * 1024 * 1024;
/// Memory that `serve` may take for all of them: a body's limit for each, twice while it grows, and some for the
/// connections themselves.
const FLOOD_MIB_MAX: u64 = 48;

/// Unfinished bodies at a time.
const UNFINISHED: usize = 600;
const UNFINISHED_BYTES: usize = 250_000;
/// Memory for bodies, as set.
const BODIES_BYTES_MAX: usize = 4 << 20;
/// Memory that `serve` may take for all of them: the bodies', and 48 KiB for each connection of a build without
/// optimisation. Kept as they come, they took 300 MiB.
const UNFINISHED_MIB_MAX: u64 = 4 + UNFINISHED as u64 * 48 / 1024;
/// Of that, what may stay when they are gone.
const LEFT_MIB_MAX: u64 = 12;

const FORGED: usize = 10_000;
/// Octets that the broker may hear meanwhile: heartbeats and no publish, which has more than 2,000.
const HEARTBEAT_OCTETS_MAX: u64 = 1_000;

fn charge(name: &str) -> Vec<u8> {
    House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), "DEMOCH-AB12C", "7")
}

/// Sends a byte now and then until it is cut.
async fn drip(port: u16, start: &'static str) {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = connection.write_all(start.as_bytes()).await;
    let (mut read, mut write) = connection.into_split();
    let dripping = tokio::spawn(async move {
        let mut beat = interval(DRIP);
        loop {
            beat.tick().await;
            if write.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    let _ = read.read_to_end(&mut answer).await;
    dripping.abort();
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_connections_keep_nobody_out() {
    let mut house = House::build("embedded", None, "").await;
    house.start("serve").await;
    let mut slow = JoinSet::new();
    let answered = CancellationToken::new();
    for number in 0..SLOW {
        let start = match number % 2 {
            0 => "POST /webhooks/stripe HTTP/1.1\r\nX-Slow: ",
            _ => "POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
        };
        let (port, answered) = (house.server, answered.clone());
        // Who is cut comes again, so that there are as many however long the honest ones take.
        slow.spawn(async move {
            while !answered.is_cancelled() {
                drip(port, start).await;
            }
        });
    }
    for number in 0..HONEST {
        assert_eq!(house.post(&charge(&number.to_string())).await, 200);
    }
    answered.cancel();
    while let Some(cut) = soon("every slow connection is cut", slow.join_next()).await {
        cut.unwrap();
    }
}

async fn flood(port: u16, start: &'static str, piece: Vec<u8>) {
    let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = connection.write_all(start.as_bytes()).await;
    for _ in 0..FLOOD_BYTES / piece.len() {
        if connection.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_take_no_memory() {
    let mut house = House::build("embedded", None, "").await;
    house.start("serve").await;
    for number in 0..20 {
        assert_eq!(house.post(&charge(&number.to_string())).await, 200);
    }
    let before = house.memory_kib("serve");
    let mut floods = JoinSet::new();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    for number in 0..FLOODS {
        let (start, piece) = match number % 2 {
            0 => (
                "POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
                vec![b'x'; 0x10000],
            ),
            _ => (
                "POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                chunk.clone(),
            ),
        };
        floods.spawn(flood(house.server, start, piece));
    }
    while soon("the floods end", floods.join_next()).await.is_some() {}
    let grown_mib = house.memory_kib("serve").saturating_sub(before) / 1024;
    assert!(grown_mib <= FLOOD_MIB_MAX, "{grown_mib} MiB more");
    assert_eq!(house.post(&charge("after")).await, 200);
}

/// Sends a body without its end, in one piece or in chunks of a byte, and stays until it is cut.
async fn unfinished(port: u16, number: usize) {
    let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let signature = format!("Stripe-Signature: t={},v1={}\r\n", now_s(), "ab".repeat(32));
    let (path, signature) = match number % 4 {
        0 | 1 => ("stripe", signature.as_str()),
        2 => ("stripe", ""),
        _ => ("nobody", signature.as_str()),
    };
    let (framing, body) = match number / 4 % 2 {
        0 => (format!("Content-Length: {UNFINISHED_BYTES}"), vec![b'x'; UNFINISHED_BYTES - 1]),
        _ => ("Transfer-Encoding: chunked".to_owned(), b"1\r\nx\r\n".repeat(UNFINISHED_BYTES / 6)),
    };
    let head = format!("POST /webhooks/{path} HTTP/1.1\r\nHost: a\r\n{signature}{framing}\r\n\r\n");
    let _ = connection.write_all(&[head.as_bytes(), &body].concat()).await;
    let _ = connection.read_to_end(&mut Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_bodies_take_little_memory_and_give_it_back() {
    let mut house = House::build("embedded", None, "").await;
    let limit = ("DAYBRIDGE_SERVER__BODIES_BYTES_MAX", BODIES_BYTES_MAX.to_string());
    // Given back within a second instead of half a minute.
    let soon = ("_RJEM_MALLOC_CONF", "dirty_decay_ms:1000".to_owned());
    house.start_as("serve", "serve", &[limit, soon]).await;
    house.ready("serve").await;
    for number in 0..20 {
        assert_eq!(house.post(&charge(&number.to_string())).await, 200);
    }
    let before = house.resident_kib("serve");
    let mut hostile = JoinSet::new();
    for number in 0..UNFINISHED {
        hostile.spawn(unfinished(house.server, number));
    }
    let mut honest = 0;
    while !hostile.is_empty() {
        // Honest bodies are whole at once, so none of them gives way.
        assert_eq!(house.post(&charge(&format!("honest{honest}"))).await, 200);
        honest += 1;
        while hostile.try_join_next().is_some() {}
    }
    let grown_mib = house.memory_kib("serve").saturating_sub(before) / 1024;
    assert!(grown_mib <= UNFINISHED_MIB_MAX, "{grown_mib} MiB more");
    until("the memory is given back", || async {
        // It is given back by whoever goes on working.
        assert_eq!(house.post(&charge("after")).await, 200);
        (house.resident_kib("serve").saturating_sub(before) / 1024 <= LEFT_MIB_MAX).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_signatures_cost_no_broker_traffic() {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    let mut house = House::build(&broker.amqp_url(&vhost), None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    house.start("serve").await;
    assert_eq!(house.post(&charge("honest")).await, 200);
    let octets = || -> u64 {
        let listed = broker.ctl(&["list_connections", "--no-table-headers", "vhost", "recv_oct"]);
        let ours = listed.lines().filter_map(|line| line.trim().strip_prefix(&format!("{vhost}\t")));
        ours.map(|octets| octets.trim().parse::<u64>().unwrap()).sum()
    };
    let before = octets();
    assert!(before > 2_000, "the honest one was counted");
    let house = std::sync::Arc::new(house);
    let url = format!("http://127.0.0.1:{}/webhooks/stripe", house.server);
    let mut senders = JoinSet::new();
    for sender in 0..16 {
        let (house, url) = (house.clone(), url.clone());
        senders.spawn(async move {
            let body = charge(&format!("forged{sender}"));
            let forged = sign(b"something else", now_s());
            for _ in 0..FORGED / 16 {
                assert_eq!(house.post_to(&url, &body, &forged).await, 400);
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let heard = octets() - before;
    assert!(heard <= HEARTBEAT_OCTETS_MAX, "{heard} octets for {FORGED} forged requests");
    assert_eq!(house.post(&charge("after")).await, 200);
    assert!(octets() - before > 2_000, "an honest one is not heard either: the test counts nothing");
}
