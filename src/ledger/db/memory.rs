//! A database whose transactions run at once, while the caller's thread waits: SQLite's in memory, or one on a server. Of
//! several processes that share one, each has its own [`Around`], which decides what happens before and after each
//! transaction: for the simulation.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use async_trait::async_trait;
use secrecy::ExposeSecret as _;

use super::{
    Time,
    address::Server,
    fault::Fault,
    place::Place,
    postgres::Postgres,
    sqlite::Sqlite,
    thread::Thread,
    tx::{Begin, Connection, Tx},
};
use crate::{config, domain::allocation::slices::Allocation, ledger::LedgerError};

/// What happens to a transaction.
#[async_trait]
pub trait TransactionHook: Send + Sync {
    /// Before it. How often it is begun and taken back first, as one that meets others; `Err`: it does not run.
    async fn before(&self, writes: bool) -> Result<u32, LedgerError>;
    /// After it, whether it was committed or not. `Err`: its caller does not hear its answer.
    async fn after(&self, writes: bool) -> Result<(), LedgerError>;
}

/// See the module.
#[derive(Clone)]
pub struct MemoryDatabase {
    thread: Arc<Mutex<Thread>>,
    place: Arc<Place>,
    /// Its connection has a runtime, which no other one may wait for.
    is_apart: bool,
}

/// Runs on a thread of its own, and waits for it.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

impl MemoryDatabase {
    /// An empty one, or one that is a copy of another.
    pub fn new(copy: Option<&[u8]>, time: Arc<dyn Time>) -> Result<Self, LedgerError> {
        let place = Place { name: "memory".to_owned(), time: Some(time), ..Place::default() };
        let place = Arc::new(place);
        let sqlite = Sqlite::in_memory(copy).map_err(Fault::report)?;
        let thread = Thread::with(Connection::Sqlite(sqlite), place.clone());
        Ok(Self { thread: Arc::new(Mutex::new(thread)), place, is_apart: false })
    }

    /// An empty database of a PostgreSQL server.
    pub fn on_server(settings: &config::LedgerSettings, time: Arc<dyn Time>) -> Result<Self, LedgerError> {
        let url = settings.url.resolve().map_err(LedgerError::Unavailable)?;
        let server = Server::of(url.expose_secret(), settings)?;
        let place = Arc::new(Place { name: "a server".to_owned(), time: Some(time), ..Place::default() });
        let postgres = apart(|| Postgres::open(&server)).map_err(Fault::report)?;
        let thread = Thread::with(Connection::Postgres(postgres), place.clone());
        Ok(Self { thread: Arc::new(Mutex::new(thread)), place, is_apart: true })
    }

    /// How days are allocated by whichever process runs a transaction next.
    pub fn allocate(&self, allocation: Allocation) {
        self.place.allocate(allocation);
    }

    /// A copy of all that it holds now.
    pub fn copy(&self) -> Result<Vec<u8>, LedgerError> {
        self.with(Sqlite::copy)
    }

    /// From now on it holds this and nothing else, for every process that has it.
    pub fn put_back(&self, copy: &[u8]) -> Result<(), LedgerError> {
        let sqlite = Sqlite::in_memory(Some(copy)).map_err(Fault::report)?;
        *self.thread() = Thread::with(Connection::Sqlite(sqlite), self.place.clone());
        Ok(())
    }

    /// What is written from now on is taken back by [`take_back`](Self::take_back).
    pub fn mark(&self) -> Result<(), LedgerError> {
        self.with(Sqlite::mark)
    }

    /// See [`mark`](Self::mark).
    pub fn take_back(&self) -> Result<(), LedgerError> {
        self.with(Sqlite::take_back)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T, Fault>) -> Result<T, LedgerError> {
        match self.thread().connection() {
            Some(Connection::Sqlite(sqlite)) => work(sqlite).map_err(Fault::report),
            Some(Connection::Postgres(_)) | None => {
                Err(LedgerError::Unavailable("it has no connection".to_owned()))
            }
        }
    }

    fn tries<T: Send>(
        &self,
        begin: Begin,
        work: &mut (dyn FnMut(&mut Tx) -> Result<T, Fault> + Send),
    ) -> Result<T, LedgerError> {
        match self.is_apart {
            true => apart(|| self.thread().tries(begin, work)),
            false => self.thread().tries(begin, work),
        }
    }

    pub(super) fn place(&self) -> Arc<Place> {
        self.place.clone()
    }

    fn thread(&self) -> MutexGuard<'_, Thread> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process's way to it.
#[derive(Clone)]
pub(super) struct Here {
    memory: MemoryDatabase,
    around: Arc<dyn TransactionHook>,
}

impl Here {
    pub(super) fn new(memory: &MemoryDatabase, around: Arc<dyn TransactionHook>) -> Self {
        Self { memory: memory.clone(), around }
    }

    pub(super) async fn run<T: Send>(
        &self,
        begin: Begin,
        mut work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send,
    ) -> Result<T, LedgerError> {
        let writes = begin != Begin::Reading;
        let mut met = self.around.before(writes).await?;
        let done = self.memory.tries(begin, &mut |tx| {
            let done = work(tx)?;
            if met > 0 {
                met -= 1;
                return Err(Fault::Conflict("it met another transaction".to_owned()));
            }
            Ok(done)
        });
        self.around.after(writes).await?;
        done
    }
}
