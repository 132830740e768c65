//! A worker as a process: the real one, between doors that may hang, fail, or end it at any effect.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    clock::Clock,
    domain::{
        allocation::slices::Allocation,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ReadError, Reading, Reply},
    },
    ledger::{Ledger, LedgerError, TransactionHook},
    ops::backfill::{self, Asked},
    partner::Partner,
    worker::{self, Doors},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{partner::Line, queue, world::World};

/// How long a worker that died takes to start again.
const STARTS_IN: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Inner {
    dead: bool,
    frozen_until: Option<Instant>,
    /// In how many effects it dies, and whether after that one.
    crash: Option<(u32, bool)>,
    /// In how many effects it stands still, and for how long.
    freeze: Option<(u32, Duration)>,
    /// In how many commits the answer to one is lost.
    unheard: Option<u32>,
    dies_now: bool,
    freezes_now: Option<Duration>,
}

/// What may befall a process.
pub struct Life {
    inner: Mutex<Inner>,
    died: Notify,
    pub stop: CancellationToken,
}

impl Life {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), died: Notify::new(), stop: CancellationToken::new() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn crash(&self, effect: u32, after: bool) {
        self.inner().crash = Some((effect.max(1), after));
    }

    pub fn unheard(&self, effect: u32) {
        self.inner().unheard = Some(effect.max(1));
    }

    pub fn freeze(&self, effect: u32, time: Duration) {
        let mut inner = self.inner();
        match effect {
            0 => inner.frozen_until = Some(Instant::now() + time),
            _ => inner.freeze = Some((effect, time)),
        }
    }

    pub fn kill(&self) {
        self.inner().dead = true;
        self.died.notify_one();
    }

    /// Nothing more befalls it.
    pub fn heal(&self) {
        let mut inner = self.inner();
        (inner.crash, inner.unheard, inner.freeze, inner.frozen_until) = (None, None, None, None);
    }

    /// Waits while it stands still; for ever where it has died.
    pub async fn goes_on(&self) {
        loop {
            let (dead, frozen_until) = {
                let inner = self.inner();
                (inner.dead, inner.frozen_until)
            };
            match frozen_until {
                _ if dead => std::future::pending().await,
                Some(until) if until > Instant::now() => sleep_until(until).await,
                Some(_) | None => return,
            }
        }
    }

    /// Counts an effect. Dies here where it is the one to die before.
    async fn begins(&self) {
        let dies = {
            let mut inner = self.inner();
            inner.dies_now = false;
            match inner.freeze.take() {
                Some((1, time)) => inner.freezes_now = Some(time),
                Some((more, time)) => inner.freeze = Some((more - 1, time)),
                None => {}
            }
            match inner.crash.take() {
                Some((1, false)) => true,
                Some((1, true)) => {
                    inner.dies_now = true;
                    false
                }
                Some((more, after)) => {
                    inner.crash = Some((more - 1, after));
                    false
                }
                None => false,
            }
        };
        if dies {
            self.dies().await;
        }
    }

    /// Stands still here where this effect is the one to do it after.
    async fn ends(&self) {
        {
            let mut inner = self.inner();
            if let Some(time) = inner.freezes_now.take() {
                inner.frozen_until = Some(Instant::now() + time);
            }
        }
        self.goes_on().await;
    }

    async fn dies(&self) {
        self.kill();
        std::future::pending::<()>().await;
    }

    /// Does what others see, and dies before or after it where that was to be.
    pub async fn effect<T>(&self, work: impl Future<Output = T>) -> T {
        self.begins().await;
        let dies = self.inner().dies_now;
        let done = work.await;
        if dies {
            self.dies().await;
        }
        self.ends().await;
        done
    }
}

/// One process's way to the ledger.
pub struct Ledgers {
    pub world: Arc<World>,
    pub life: Arc<Life>,
    /// By the settings that it was started with.
    pub allocation: Allocation,
}

#[async_trait]
impl TransactionHook for Ledgers {
    async fn before(&self, writes: bool) -> Result<u32, LedgerError> {
        self.world.little_while(2).await;
        self.life.goes_on().await;
        self.world.ledger_is_there(writes)?;
        if writes {
            self.life.begins().await;
        }
        self.world.memory.allocate(self.allocation.clone());
        Ok(if writes { self.world.meets() } else { 0 })
    }

    async fn after(&self, writes: bool) -> Result<(), LedgerError> {
        if !writes {
            return Ok(());
        }
        let (dies, unheard) = {
            let mut inner = self.life.inner();
            let left = inner.unheard.map(|left| left - 1);
            inner.unheard = left.filter(|left| *left > 0);
            (inner.dies_now, left == Some(0))
        };
        if dies {
            self.life.dies().await;
        }
        self.life.ends().await;
        match unheard {
            true => Err(LedgerError::Unavailable("the connection was lost at the commit".to_owned())),
            false => Ok(()),
        }
    }
}

/// One process's way to the partner.
pub struct Partners {
    pub world: Arc<World>,
    pub life: Arc<Life>,
}

#[async_trait]
impl Partner for Partners {
    async fn read(&self, channel: &ChannelId) -> Result<Reading, ReadError> {
        self.world.little_while(20).await;
        let read = self.world.partner().read(channel, self.world.now());
        self.life.goes_on().await;
        read
    }

    async fn extend(&self, channel: &ChannelId, days: u32, comment: &str, _trace_id: &str) -> Reply {
        let call = async {
            self.world.little_while(20).await;
            let payment = self.world.payment_of(comment).unwrap_or_default();
            self.world.watch_call(&payment, days);
            self.world.watch_slice(channel.as_str(), comment, days);
            self.world.watch_deletion(channel.as_str());
            let said = match comment.split_once('#') {
                Some((_, number)) if !number.starts_with("1 ") => {
                    format!("{payment}#{}", number.split(' ').next().unwrap_or_default())
                }
                _ => payment.clone(),
            };
            let (channel_name, comment) = (channel.as_str().to_owned(), comment.to_owned());
            let line = Line { at: self.world.now(), channel: channel_name, days, comment };
            let (reply, hangs) = self.world.partner().extend(&payment, line, channel);
            self.world.note(&format!("extend {said} {days}d: {reply:?}"));
            sleep(hangs.unwrap_or_default()).await;
            reply
        };
        self.life.effect(call).await
    }

    async fn make_live(&self, _channel: &ChannelId) -> Result<(), ReadError> {
        Ok(())
    }

    async fn delete(&self, channel: &ChannelId) -> Deletion {
        panic!("{channel} is deleted")
    }

    async fn list(&self, offset: u32, count: u32) -> Result<ChannelPage, ReadError> {
        Ok(self.world.partner().list(offset, count))
    }

    async fn health(&self) -> Result<(), ReadError> {
        Ok(())
    }

    async fn clock(&self) -> Option<i64> {
        Some(self.world.now())
    }
}

struct Watch {
    world: Arc<World>,
    number: usize,
}

impl Clock for Watch {
    fn now_ms(&self) -> i64 {
        self.world.now() + self.world.clock_of(self.number)
    }

    fn boot(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.world.now()).unwrap())
    }
}

/// Runs worker `number` of a world, and starts it again whenever it ends.
pub async fn keep(world: Arc<World>, number: usize) {
    loop {
        if world.is_closed() {
            sleep(STARTS_IN).await;
            continue;
        }
        let life = Life::new();
        world.is_run_by(number, life.clone());
        let mut process = tokio::spawn(run(world.clone(), number, life.clone()));
        tokio::select! {
            biased;
            () = life.died.notified() => {
                process.abort();
                let _ = process.await;
                world.note(&format!("worker {number} died"));
            }
            ended = &mut process => {
                life.kill();
                let how = ended.map_err(anyhow::Error::from).flatten();
                world.note(&format!("worker {number} ended: {}", how.map_or_else(|why| why.to_string(), |()| "done".into())));
            }
        }
        sleep(STARTS_IN).await;
    }
}

async fn run(world: Arc<World>, number: usize, life: Arc<Life>) -> anyhow::Result<()> {
    let (config, readers) = (world.config(), world.readers(&life));
    let allocation = config.ledger.allocation.clone();
    let around = Arc::new(Ledgers { world: world.clone(), life: life.clone(), allocation });
    let ledger = Arc::new(Ledger::in_memory(&world.memory, around, world.now()).await?);
    let queue = Arc::new(queue::Door { broker: world.broker.clone(), life: life.clone() });
    let clock = Arc::new(Watch { world: world.clone(), number });
    let asked = world.history().map(Asked::from).into_iter().collect();
    let asking = backfill::run(asked, ledger.clone(), queue.clone(), clock.clone(), life.stop.clone());
    let doors = Doors {
        queue,
        ledger,
        partner: Arc::new(Partners { world: world.clone(), life: life.clone() }),
        readers: Arc::new(readers),
        clock,
    };
    let (worked, ()) = tokio::join!(worker::run((*config).clone(), doors, life.stop.clone()), asking);
    worked
}
