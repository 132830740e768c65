//! The partner's list of channels, read by a worker: how often, how fast, and what it says when that fails.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    clock::Clock,
    domain::{
        allocation::brake::Brake,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ListedChannel, ReadError, Reading, Reply},
        settle::{AccountSignal, Policy},
    },
    ledger::query::{ChannelQuery, Page as Rows},
    partner::Partner,
    worker::{Outages, breaker::Breaker, listing::Listing, turn::Turns, watched::Watched},
};
use governor::{Quota, RateLimiter};
use tracing_subscriber::fmt::MakeWriter;

use crate::ledger::kit::{ACCOUNT, Kit, NOW, sqlite};

const HOUR: i64 = 3_600_000;

/// Lists so many channels, or fails.
struct Lists {
    answer: Mutex<Result<u32, ReadError>>,
    asked: AtomicU32,
}

#[async_trait]
impl Partner for Lists {
    async fn read(&self, channel: &ChannelId) -> Result<Reading, ReadError> {
        panic!("{channel} is read")
    }

    async fn extend(&self, channel: &ChannelId, _: u32, _: &str, _: &str) -> Reply {
        panic!("{channel} is extended")
    }

    async fn make_live(&self, channel: &ChannelId) -> Result<(), ReadError> {
        panic!("{channel} is switched")
    }

    async fn delete(&self, channel: &ChannelId) -> Deletion {
        panic!("{channel} is deleted")
    }

    async fn list(&self, offset: u32, count: u32) -> Result<ChannelPage, ReadError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let many = self.answer.lock().unwrap().clone()?;
        let channels: Vec<ListedChannel> = (offset..many.min(offset + count))
            .map(|n| ListedChannel {
                channel: ChannelId::parse(&format!("CHAN-{n}")).unwrap(),
                name: None,
                phone: None,
                mode: Some("live".into()),
                active_till: Some(NOW + i64::from(n)),
            })
            .collect();
        Ok(ChannelPage { shown: u32::try_from(channels.len()).unwrap(), channels })
    }

    async fn health(&self) -> Result<(), ReadError> {
        Ok(())
    }

    async fn clock(&self) -> Option<i64> {
        None
    }
}

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot(&self) -> Duration {
        Duration::ZERO
    }
}

/// What is logged, a line each, from `info` on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    /// Beside one that hears nothing: of a single subscriber, tracing asks only the thread that comes to a line first, and
    /// another test's may have none.
    fn here(&self) -> (tracing::subscriber::DefaultGuard, tracing::Dispatch) {
        let deaf = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let beside = tracing::Dispatch::new(deaf);
        let lines = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).without_time();
        (tracing::subscriber::set_default(lines.with_max_level(tracing::Level::INFO).finish()), beside)
    }
}

struct Stage {
    kit: Kit,
    partner: Arc<Lists>,
    clock: Arc<Hands>,
    turns: Arc<Turns>,
    listing: Listing,
}

async fn stage(calls_per_second: u32, channels: u32) -> Stage {
    let kit = sqlite().await;
    let partner = Arc::new(Lists { answer: Mutex::new(Ok(channels)), asked: AtomicU32::new(0) });
    let clock = Arc::new(Hands(AtomicI64::new(NOW)));
    let ledger = Arc::new(kit.ledger.clone());
    let turns = Arc::new(Turns {
        ledger: ledger.clone(),
        partner: partner.clone(),
        clock: clock.clone(),
        policy: Policy { settle_window_ms: 60_000, retry_unmoved: true, skew_ms: 1_000, ensure_live: false },
        brake: Brake { multiple: 0, account_days_min: 0, account_days_per_channel: 0, channel_days_min: 0 },
        call_timeout: Duration::from_secs(1),
        probe_ms: 1_000,
        limiter: RateLimiter::direct(Quota::per_second(NonZeroU32::new(calls_per_second).unwrap())),
        breaker: Breaker::new(1, 1_000),
        outages: Outages::new(ledger, ACCOUNT.to_owned()),
        watched: Watched::default(),
    });
    let listing = Listing::new(turns.clone(), ACCOUNT.to_owned(), calls_per_second);
    Stage { kit, partner, clock, turns, listing }
}

impl Stage {
    /// So many ms later; how many pages were asked for.
    async fn look_after(&self, ms: i64) -> u32 {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
        let before = self.partner.asked.load(Ordering::Relaxed);
        self.listing.look().await;
        self.partner.asked.load(Ordering::Relaxed) - before
    }

    fn answers(&self, answer: Result<u32, ReadError>) {
        *self.partner.answer.lock().unwrap() = answer;
    }

    async fn known(&self) -> usize {
        self.kit.channels(&ChannelQuery::default(), &Rows::first(1_000)).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_worker_reads_the_list_every_hour_page_by_page() {
    let stage = stage(100_000, 450).await;
    assert_eq!((stage.look_after(0).await, stage.known().await), (4, 450));
    assert_eq!(stage.look_after(HOUR - 1).await, 0, "it is not time");
    stage.answers(Ok(470));
    assert_eq!((stage.look_after(1).await, stage.known().await), (4, 470));
    // By a clock that was set back by a year.
    stage.clock.0.store(NOW - 365 * 24 * HOUR, Ordering::Relaxed);
    assert_eq!(stage.look_after(0).await, 4);
}

#[tokio::test]
async fn its_pages_take_a_tenth_of_the_calls() {
    let stage = stage(100, 1_000).await;
    let begun = std::time::Instant::now();
    assert_eq!(stage.look_after(0).await, 6);
    let took = begun.elapsed();
    // A page needs 10 ms at 100 calls a second; of ten, nine are others'.
    assert!(took >= Duration::from_millis(5 * 100), "{took:?}");
}

#[tokio::test]
async fn a_failure_is_told_once_and_ends_nothing() {
    let log = Log::default();
    let _here = log.here();
    let stage = stage(100_000, 30).await;
    stage.look_after(0).await;
    assert_eq!(log.take(), [""; 0], "a list is no news");
    for (answer, level, word) in [
        (ReadError::Failed("HTTP 502 with a page".into()), "WARN", "HTTP 502"),
        (ReadError::UnknownChannel, "INFO", "404"),
        (ReadError::Unauthorized, "WARN", "unauthorized"),
    ] {
        stage.answers(Err(answer));
        stage.look_after(HOUR).await;
        let told = log.take();
        assert!(told.len() == 1 && told[0].contains(level) && told[0].contains(word), "{told:?}");
        let answer = stage.partner.answer.lock().unwrap().clone().unwrap_err();
        let reworded = match answer {
            ReadError::Failed(_) => ReadError::Failed("timeout".into()),
            other => other,
        };
        stage.answers(Err(reworded));
        for _ in 0..3 {
            assert_eq!(stage.look_after(HOUR).await, 1, "it is tried on");
        }
        assert_eq!(log.take(), [""; 0], "it was told");
    }
    stage.answers(Ok(30));
    stage.look_after(HOUR).await;
    let told = log.take();
    assert!(told.len() == 1 && told[0].contains("is read again"), "{told:?}");
    // Cut, again and again: told once, and nothing is forgotten.
    stage.answers(Ok(0));
    for _ in 0..3 {
        stage.look_after(HOUR).await;
    }
    let told = log.take();
    assert!(told.len() == 1 && told[0].contains("channels sync --shorter"), "{told:?}");
    assert_eq!(stage.known().await, 30);
}

#[tokio::test]
async fn no_list_is_asked_for_while_calls_rest() {
    let stage = stage(100_000, 3).await;
    stage.kit.account_news(ACCOUNT, AccountSignal::NoToken, "", NOW, NOW + HOUR).await.unwrap();
    assert_eq!(stage.look_after(0).await, 0, "the token was refused");
    stage.kit.account_news(ACCOUNT, AccountSignal::Reads, "", NOW, NOW).await.unwrap();
    stage.turns.breaker.called(true, NOW);
    assert_eq!(stage.look_after(0).await, 0, "the circuit breaker is open");
    stage.turns.breaker.read(true, NOW + 1_000);
    assert_eq!(stage.look_after(0).await, 2, "it is read when that is over");
    // A token that only the list refuses holds no call back.
    stage.answers(Err(ReadError::Unauthorized));
    stage.look_after(HOUR).await;
    assert_eq!(stage.kit.account_hold(ACCOUNT).await.unwrap(), None);
}
