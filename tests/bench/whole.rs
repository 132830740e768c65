//! `daybridge run` as a whole: its memory when nothing happens, and the time from an accepted request to the
//! partner's call, on RabbitMQ and a SQLite ledger, against the partner simulator.

use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    events,
    load::percentile,
    process::{DAYBRIDGE, Server, memory_mib, until},
    rabbitmq::{Broker, free_ports},
    wire::Wire,
};

/// Time a process has been idle for when its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// Channels that the events are for, in turn.
const CHANNELS: usize = 200;

/// Events per second.
const EVENTS_PER_S: u32 = 100;

/// Connections that send them.
const CONNECTIONS: usize = 8;

/// All that was measured.
pub(crate) struct Whole {
    pub(crate) idle_embedded_mib: f64,
    pub(crate) idle_rabbit_mib: f64,
    /// From the client's 200 to the partner's record of the call, in ms, sorted.
    pub(crate) accepted_to_call: Vec<u32>,
    /// From just before the request, in ms, sorted.
    pub(crate) sent_to_call: Vec<u32>,
    /// Of `run`, after the events.
    pub(crate) busy_mib: f64,
    pub(crate) cpu_ms: f64,
}

/// Runs it all.
pub(crate) async fn run(broker: &Broker, quick: bool) -> Whole {
    let idle_embedded_mib = {
        eprintln!("idle: run, embedded queue");
        let folder = tempfile::tempdir().unwrap();
        let queue = format!("embedded:{}/queue.db", folder.path().display());
        let server = Server::daybridge("run", folder.path(), &queue, 1, "").await;
        tokio::time::sleep(IDLE).await;
        memory_mib(server.pid(), "VmRSS")
    };
    eprintln!("idle: run, RabbitMQ");
    let folder = tempfile::tempdir().unwrap();
    let (sim, api, admin) = sim(folder.path()).await;
    let server = Server::daybridge("run", folder.path(), &broker.amqp_url("%2f"), api, "").await;
    tokio::time::sleep(IDLE).await;
    let idle_rabbit_mib = memory_mib(server.pid(), "VmRSS");

    eprintln!("accepted to call: {EVENTS_PER_S} events/s");
    let seconds: usize = if quick { 5 } else { 20 };
    let count = seconds * EVENTS_PER_S as usize;
    let before_ms = crate::process::cpu_ms(server.pid());
    let sent = send(&server, count, EVENTS_PER_S).await;
    let calls = calls(admin, count).await;
    let cpu_ms = (crate::process::cpu_ms(server.pid()) - before_ms) / count as f64;
    let mut whole = Whole {
        idle_embedded_mib,
        idle_rabbit_mib,
        accepted_to_call: vec![],
        sent_to_call: vec![],
        busy_mib: memory_mib(server.pid(), "VmRSS"),
        cpu_ms,
    };
    for (payment, at) in calls {
        let Some((from, accepted)) = sent.get(&payment) else { continue };
        // The call may come before the 200 has reached the client.
        whole.accepted_to_call.push(u32::try_from(at - accepted).unwrap_or(0));
        whole.sent_to_call.push(u32::try_from(at - from).unwrap_or(0));
    }
    whole.accepted_to_call.sort_unstable();
    whole.sent_to_call.sort_unstable();
    drop(sim);
    whole
}

pub(crate) async fn sim(folder: &Path) -> (Server, u16, u16) {
    let [api, admin] = free_ports();
    let names: Vec<String> = (0..CHANNELS).map(events::channel).collect();
    let mut command = Command::new("sh");
    command.args(["-c", "cd \"$1\" && shift && exec \"$@\"", "sh"]).arg(folder).arg(DAYBRIDGE).args([
        "sim",
        "--listen",
        &format!("127.0.0.1:{api}"),
        "--admin",
        &format!("127.0.0.1:{admin}"),
        "--token",
        "bench-token",
        "--balance",
        "1000000",
        "--channels",
        &names.join(","),
    ]);
    let server = Server::other(command, api);
    until("the simulator", || async { Wire::open(admin).await.is_ok() }).await;
    (server, api, admin)
}

/// Payment to the times before the request and after its 200.
pub(crate) async fn send(server: &Server, count: usize, per_second: u32) -> HashMap<String, (i64, i64)> {
    let events = events::make(count, CHANNELS);
    let requests = events::sign(&events);
    let payments: Arc<[String]> = events.into_iter().map(|event| event.payment).collect();
    let sent = Arc::new(Mutex::new(HashMap::new()));
    let start = tokio::time::Instant::now();
    let mut tasks = JoinSet::new();
    for lane in 0..CONNECTIONS {
        let (requests, payments, sent) = (requests.clone(), payments.clone(), sent.clone());
        let port = server.port;
        tasks.spawn(async move {
            let mut wire = Wire::open(port).await.unwrap();
            for at in (lane..requests.len()).step_by(CONNECTIONS) {
                tokio::time::sleep_until(
                    start + Duration::from_secs(1) / per_second * u32::try_from(at).unwrap(),
                )
                .await;
                let from = now_ms();
                assert_eq!(wire.ask(&requests[at]).await.unwrap(), 200);
                sent.lock().unwrap().insert(payments[at].clone(), (from, now_ms()));
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    Arc::into_inner(sent).unwrap().into_inner().unwrap()
}

/// A client for what stands on this machine.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Payment to the time of the partner's call, once all were called.
pub(crate) async fn calls(admin: u16, count: usize) -> Vec<(String, i64)> {
    let http = http();
    let url = format!("http://127.0.0.1:{admin}/_sim/state");
    let mut lines = Vec::new();
    for _ in 0..1200 {
        let text = http.get(&url).send().await.unwrap().text().await.unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        lines = state["extends"].as_array().unwrap().iter().filter_map(line).collect();
        if lines.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(lines.len(), count, "one call for each payment");
    lines
}

fn line(extend: &Value) -> Option<(String, i64)> {
    let (_, key) = extend["comment"].as_str()?.split_once('/')?;
    let (payment, _) = key.split_once('#')?;
    Some((payment.to_owned(), extend["at"].as_i64()?))
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

impl Whole {
    /// p50 and p99 of sorted milliseconds.
    pub(crate) fn percentiles(sorted: &[u32]) -> (f64, f64) {
        (percentile(sorted, 50), percentile(sorted, 99))
    }
}
