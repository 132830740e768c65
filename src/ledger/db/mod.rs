//! How a transaction of the ledger runs, and on what.
//!
//! ```text
//! async caller ─▶ closure over Tx ─▶ a thread with a connection ─▶ SQLite's file, or PostgreSQL's socket
//! ```
//!
//! SQLite has one connection that writes, and every transaction on it is `BEGIN IMMEDIATE`, so writers are serial by
//! themselves; those that came meanwhile share the next commit. Others list. PostgreSQL has connections for both.

/// The server that a URL names.
mod address;
/// Bodies, packed.
pub(super) mod compression;
/// What statements cost, for tests.
mod explain;
/// What a database says, turned into what the caller may do.
pub(super) mod fault;
/// Conditions that callers put together.
pub(super) mod filter;
mod group;
/// A database in memory, for the simulation.
pub(super) mod memory;
mod migrate;
/// What URL and settings say of a server.
mod place;
mod postgres;
mod sqlite;
mod thread;
mod threads;
/// Certificates between us and a server.
mod tls;
mod tx;
mod value;
/// Which index a list walks.
pub(super) mod way;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

pub use self::place::Time;
pub(super) use self::{
    address::Server,
    fault::Fault,
    migrate::Migration,
    place::{Place, Seen},
    tx::{Begin, Dialect, Tx},
    value::{Arg, Bind, Read, Row, Value, args},
};
use self::{
    sqlite::{Sqlite, Use},
    thread::{Failures, Opener, Thread},
    threads::Threads,
    tx::Connection,
};
use super::LedgerError;

/// Where a transaction runs.
#[derive(Clone)]
enum Runs {
    /// On a thread that has a connection.
    Elsewhere(Threads),
    /// At once.
    Here(memory::Here),
}

impl Runs {
    async fn run<T: Send + 'static>(
        &self,
        begin: Begin,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        match self {
            Runs::Elsewhere(threads) => threads.run(begin, work).await,
            Runs::Here(here) => here.run(begin, work).await,
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Db {
    write: Runs,
    read: Runs,
    place: Arc<Place>,
}

impl Db {
    /// A file, with so many connections that list.
    pub(super) fn sqlite(path: &Path, readers: u32) -> Result<Self, LedgerError> {
        let place =
            Place { file: Some(path.to_owned()), name: path.display().to_string(), ..Place::default() };
        let place = Arc::new(place);
        let failures = Failures::default();
        let known = Arc::new(OnceLock::new());
        let own = |what: Use| {
            let (path, known) = (path.to_owned(), known.clone());
            let open: Opener = Arc::new(move || Ok(Connection::Sqlite(Sqlite::open(&path, what, &known)?)));
            let (failures, place) = (failures.clone(), place.clone());
            move || Thread::new(open.clone(), failures.clone(), place.clone())
        };
        let writes = Threads::start("ledger-write", 1, group::TOGETHER_MAX, own(Use::Write))?;
        let reads = Threads::start("ledger-read", readers, 1, own(Use::Read))?;
        Ok(Self { write: Runs::Elsewhere(writes), read: Runs::Elsewhere(reads), place })
    }

    /// A server's database, with so many connections.
    pub(super) fn postgres(server: Server, name: String, connections: u32) -> Result<Self, LedgerError> {
        let place = Arc::new(Place { name, ..Place::default() });
        let opener: Opener = Arc::new(move || Ok(Connection::Postgres(postgres::Postgres::open(&server)?)));
        let failures = Failures::default();
        let own = || Thread::new(opener.clone(), failures.clone(), place.clone());
        let all = Runs::Elsewhere(Threads::start("ledger", connections, 1, own)?);
        Ok(Self { write: all.clone(), read: all, place })
    }

    /// One in memory.
    pub(super) fn memory(memory: &memory::MemoryDatabase, around: Arc<dyn memory::TransactionHook>) -> Self {
        let here = Runs::Here(memory::Here::new(memory, around));
        Self { write: here.clone(), read: here, place: memory.place() }
    }

    /// What this process knows of it.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// What lists and writes nothing; each statement sees what was committed before it.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.read.run(Begin::Reading, work).await
    }

    /// A transaction among others, for what compare-and-set or [`Tx::lock`] decides.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.write.run(Begin::AmongOthers, work).await
    }

    /// A transaction during which nobody else writes, for what reads rows of several subjects, then decides: a person's
    /// word, an account's hold. Others wait for it, so it waits for nothing.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.write.run(Begin::Alone, work).await
    }
}
