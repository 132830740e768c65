//! Replays in the background: made and applied by tasks of this process, which outlive the request that began them. How
//! far one is stands in the ledger, so that it is seen from everywhere and goes on after a restart; here is only why the
//! last one ended, for the page that shows the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::error::PageError;
use crate::{
    clock,
    ledger::{Act, Ledger, Plan, Selection},
    ops::replay::{self, Applying, Feed, ReplayError},
    queue::Queue,
    worker::Interpreter,
};

/// Plans made and applied by this process at the same time.
const AT_ONCE_MAX: usize = 4;

/// Ended replays whose word is kept.
const ENDED_MAX: usize = 100;

/// Longest wait for replays to pause when the process stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What runs, and how the last ones ended.
pub(super) struct Jobs {
    stop: CancellationToken,
    tasks: TaskTracker,
    on: Handle,
    room: Arc<Semaphore>,
    /// Hashes of plans that this process applies now.
    running: Mutex<BTreeSet<String>>,
    /// Why a plan was not applied, or not wholly.
    ended: Mutex<BTreeMap<String, String>>,
}

/// What a replay needs.
pub(super) struct Doors {
    pub(super) ledger: Arc<Ledger>,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) interpreter: Arc<Interpreter>,
}

/// How a plan is to be applied.
pub(super) struct Order {
    pub(super) hash: String,
    pub(super) who: String,
    pub(super) reason: String,
    pub(super) per_second: u32,
}

impl Jobs {
    /// Tasks run on the runtime of the caller, not on the console's own thread.
    pub(super) fn new() -> Self {
        Self {
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            on: Handle::current(),
            room: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            running: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// Pauses what runs and waits for it.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("a replay did not stop in time; it goes on where it was confirmed last");
        }
    }

    pub(super) fn is_running(&self, hash: &str) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).contains(hash)
    }

    pub(super) fn ended(&self, hash: &str) -> Option<String> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn room(&self) -> Result<tokio::sync::OwnedSemaphorePermit, PageError> {
        self.room.clone().try_acquire_owned().map_err(|_| {
            PageError::Refused(format!(
                "{AT_ONCE_MAX} replays are made or applied now, the most at once; wait for one"
            ))
        })
    }

    /// Makes a plan.
    pub(super) fn plan(
        &self,
        doors: Doors,
        selection: Selection,
        who: String,
    ) -> Result<JoinHandle<Result<Option<Plan>, ReplayError>>, PageError> {
        let room = self.room()?;
        let making = async move {
            let _room = room;
            let what = serde_json::to_string(&selection).unwrap_or_default();
            let feed = Feed::Selection(&selection);
            let plan =
                replay::plan(doors.ledger.as_ref(), &doors.interpreter, feed, &what, &who, clock::now_ms());
            let made = plan.await;
            if let Err(error) = &made {
                tracing::warn!(%error, "a plan was not made");
            }
            made
        };
        Ok(self.tasks.spawn_on(making, &self.on))
    }

    /// Applies a plan.
    pub(super) fn apply(self: &Arc<Self>, doors: Doors, order: Order) -> Result<JoinHandle<()>, PageError> {
        let room = self.room()?;
        let hash = order.hash.clone();
        if !self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.clone()) {
            return Err(PageError::Refused("this plan is being applied already".into()));
        }
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        let jobs = self.clone();
        let applying = async move {
            let _room = room;
            let with = Applying {
                ledger: doors.ledger.as_ref(),
                queue: doors.queue.as_ref(),
                interpreter: &doors.interpreter,
                act: Act { who: &order.who, reason: &order.reason },
                clock: &clock::Machine,
                per_second: order.per_second,
                stop: &jobs.stop,
            };
            let applied = replay::apply(&with, &order.hash, |_, _| {}).await;
            jobs.end(&order.hash, applied.err());
        };
        Ok(self.tasks.spawn_on(applying, &self.on))
    }

    fn end(&self, hash: &str, error: Option<ReplayError>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
        let Some(error) = error else { return };
        tracing::warn!(%error, hash, "a replay ended");
        let told = match PageError::from(error) {
            PageError::Unfit(text)
            | PageError::Missing(text)
            | PageError::Refused(text)
            | PageError::Away(text)
            | PageError::TooMany(text) => text,
        };
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= ENDED_MAX {
            ended.pop_first();
        }
        ended.insert(hash.to_owned(), told);
    }
}
