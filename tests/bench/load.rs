//! The load: closed loops (each connection sends its next request when it has the last answer) and open loops
//! (requests start by the clock, whatever became of the others, and their latency counts from the time they
//! were meant to start).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{events::Requests, process::cpu_ms, wire::Wire};

/// Longest time that an open loop's connections can all be in hand for, as a part of a second; what has to wait for one
/// counts as late.
const IN_HAND_PER_S: u32 = 8;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// So many connections.
    Closed(usize),
    /// So many requests per second.
    Open(u32),
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of the server process, all threads.
    pub(crate) cpu_ms: f64,
}

const WARM: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

struct Shared {
    port: u16,
    requests: Requests,
    next: AtomicUsize,
    phase: AtomicU8,
    /// Microseconds, of every request answered in the measured phase.
    latencies: Mutex<Vec<u32>>,
}

impl Shared {
    fn request(&self) -> &[u8] {
        &self.requests[self.next.fetch_add(1, Ordering::Relaxed) % self.requests.len()]
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }

    fn note(&self, own: &mut Vec<u32>, from: Instant) {
        if self.phase() == MEASURED {
            own.push(u32::try_from(from.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}

/// Sends to the server on `port`; `pid` is its process. Any answer but 200 ends the benchmark.
pub(crate) async fn run(
    load: Load,
    port: u16,
    pid: u32,
    requests: Requests,
    warm: Duration,
    measured: Duration,
) -> Sample {
    let shared = Arc::new(Shared {
        port,
        requests,
        next: AtomicUsize::new(0),
        phase: AtomicU8::new(WARM),
        latencies: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    match load {
        Load::Closed(connections) => {
            for _ in 0..connections {
                tasks.spawn(closed(shared.clone()));
            }
        }
        Load::Open(per_second) => {
            let due = Arc::new(Due { starts: Mutex::default(), ready: Semaphore::new(0) });
            for _ in 0..(per_second / IN_HAND_PER_S).clamp(16, 256) {
                tasks.spawn(open(shared.clone(), due.clone()));
            }
            let shared = shared.clone();
            std::thread::spawn(move || pace(&shared, &due, per_second));
        }
    }
    tokio::time::sleep(warm).await;
    let (before, started) = (cpu_ms(pid), Instant::now());
    shared.phase.store(MEASURED, Ordering::Relaxed);
    tokio::time::sleep(measured).await;
    shared.phase.store(OVER, Ordering::Relaxed);
    let (took, after) = (started.elapsed(), cpu_ms(pid));
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let mut latencies = std::mem::take(&mut *shared.latencies.lock().unwrap());
    latencies.sort_unstable();
    let count = latencies.len() as f64;
    Sample {
        per_second: count / took.as_secs_f64(),
        p50_ms: percentile(&latencies, 50) / 1000.0,
        p99_ms: percentile(&latencies, 99) / 1000.0,
        cpu_ms: (after - before) / count,
    }
}

/// Of sorted values.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    f64::from(sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)])
}

async fn closed(shared: Arc<Shared>) {
    let mut wire = Wire::open(shared.port).await.unwrap();
    let mut own = Vec::new();
    while shared.phase() != OVER {
        let from = Instant::now();
        assert_eq!(wire.ask(shared.request()).await.unwrap(), 200);
        shared.note(&mut own, from);
    }
    shared.latencies.lock().unwrap().append(&mut own);
}

/// Requests whose time has come, by when they were meant to start.
struct Due {
    starts: Mutex<VecDeque<Instant>>,
    ready: Semaphore,
}

async fn open(shared: Arc<Shared>, due: Arc<Due>) {
    let mut wire = Wire::open(shared.port).await.unwrap();
    let mut own = Vec::new();
    while let Ok(permit) = due.ready.acquire().await {
        permit.forget();
        let Some(from) = due.starts.lock().unwrap().pop_front() else { continue };
        assert_eq!(wire.ask(shared.request()).await.unwrap(), 200);
        shared.note(&mut own, from);
    }
    shared.latencies.lock().unwrap().append(&mut own);
}

/// Lets requests start; a thread of its own, because the runtime's timers count in milliseconds.
fn pace(shared: &Shared, due: &Due, per_second: u32) {
    let every = Duration::from_secs(1) / per_second;
    let mut next = Instant::now();
    while shared.phase() != OVER {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        let mut starts = due.starts.lock().unwrap();
        let before = starts.len();
        while next <= now {
            starts.push_back(next);
            next += every;
        }
        let fresh = starts.len() - before;
        drop(starts);
        due.ready.add_permits(fresh);
    }
    due.ready.close();
}
