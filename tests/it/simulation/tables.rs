//! The ledger of a world: SQLite's in memory, with its tables and nothing in them, used by one world after the other, so
//! that its statements stay prepared. With `SIMULATION_LEDGER=postgres` on a server, where no copy of it is made and none put
//! back.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use daybridge::{
    clock::Clock,
    domain::Ms,
    ledger::{Ledger, MemoryDatabase, Time},
};
use tokio::time::Instant;

use super::person::Untroubled;
use crate::{
    ledger::kit::settings,
    support::postgres::{Postgres, sql},
};

/// When every world begins.
pub const BEGINS_MS: Ms = 1_790_000_000_000;

/// When the world began.
#[derive(Debug)]
pub struct WorldTime(Mutex<Instant>);

impl WorldTime {
    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Time for WorldTime {
    fn now(&self) -> Ms {
        let began = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        BEGINS_MS + i64::try_from((Instant::now() - began).as_millis()).unwrap()
    }
}

/// A clock that is right.
pub struct Right(pub Arc<WorldTime>);

impl Clock for Right {
    fn now_ms(&self) -> i64 {
        self.0.now()
    }

    fn boot(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now()).unwrap())
    }
}

/// A ledger that has its tables and nothing in them, used by one world after the other: its statements stay prepared.
/// With `SIMULATION_LEDGER=postgres` on a server, where no copy of it is made and none put back.
pub struct Tables {
    pub memory: MemoryDatabase,
    pub time: Arc<WorldTime>,
    server: Option<String>,
}

thread_local! {
    static TABLES: Cell<Option<Tables>> = const { Cell::new(None) };
}

impl Tables {
    /// Those of the world before, or new ones.
    pub async fn take() -> Self {
        match TABLES.take() {
            Some(tables) => tables,
            None => Self::new().await,
        }
    }

    async fn new() -> Self {
        let time = Arc::new(WorldTime(Mutex::new(Instant::now())));
        let on_server = std::env::var("SIMULATION_LEDGER").is_ok_and(|ledger| ledger == "postgres");
        let server = on_server.then(Postgres::url_of_new_database);
        let memory = match &server {
            None => MemoryDatabase::new(None, time.clone()),
            Some(url) => MemoryDatabase::on_server(&settings(url), time.clone()),
        };
        let tables = Self { memory: memory.unwrap(), time, server };
        tables.make().await;
        tables
    }

    async fn make(&self) {
        Ledger::in_memory(&self.memory, Arc::new(Untroubled), BEGINS_MS).await.unwrap();
    }

    pub async fn begin(&self) {
        self.time.begin();
        match &self.server {
            None => self.memory.mark().unwrap(),
            Some(url) => {
                sql(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
                self.make().await;
            }
        }
    }

    /// For the next world; not where a story put another ledger in its place.
    pub fn give_back(self) {
        if self.server.is_some() || self.memory.take_back().is_ok() {
            TABLES.set(Some(self));
        }
    }
}
