//! The record of all money and days: SQLite by default, PostgreSQL for several workers.
//!
//! Cast: *intake* calls [`Ledger::record`] for each delivery; *settle* claims channels, takes turns on their
//! transfers and commits each step by compare-and-set; *ops* lists and decides. One channel is worked on by
//! one worker at a time through a lease, but nothing correct rests on the lease's clock: every write of a
//! turn checks the channel's epoch, so a worker that was paused past its lease changes nothing, and the
//! deadline check before the call keeps it from sending.
//!
//! What a caller asks for is a method of [`Ledger`], in the file of its subject; it hands a plain function over `Tx` to a
//! thread of the database (`db`) and waits. The SQL is written once for both databases.
//!
//! # Isolation
//!
//! SQLite has one connection that writes, so writers are serial by themselves. Those that wait at the same time are
//! savepoints of one transaction, one after the other, and each is answered after its commit (`db::group`): what one of
//! them has read of another is lost only where both are. On PostgreSQL every transaction is READ COMMITTED, and there are two kinds:
//!
//! - **Alone** (`Db::alone`): whoever reads rows of several subjects and then decides. A person's word, an account's hold,
//!   a pause, a declaration. It waits until all others have ended and lets none begin, so it is serial by itself.
//! - **Among others** (`Db::write`): what is done for each payment. Two of these meet only where both touch
//!   - *the same event, id of a payment, or channel that days are granted on*: names that may have no row yet. Each
//!     recording locks all of its own at once, in one order (`intake::seen`), before it looks;
//!   - *a payment that was known before*: its channel's row, then its own is locked, and then it is looked for again,
//!     because it may have been joined to another one meanwhile;
//!   - *a channel in a worker's hands*: each write of a turn locks the channel's row first, then checks the claim's epoch,
//!     and then the transfer's state by compare-and-set.
//!
//!   So rows are always locked in the order names, channel, payment, transfer, and each statement after a lock sees what
//!   was committed before it had the lock.
//!
//! Rejected: SERIALIZABLE (two events that have nothing in common collide on the pages of an index: three retries an
//! event with 16 at once), a trait implementation per database (two records of money to keep alike), an ORM.
//!
//! Not for: waiting. No lock is held over a call to anyone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    config,
    domain::{Ms, allocation::slices::Allocation},
};

/// What goes in and comes out.
mod model;

/// How a transaction runs.
mod db;

/// Opening, and the tables.
mod schema;

/// What a delivery makes of its event and payment.
mod intake;

/// Channels' turns, and why calls rest.
mod settle;

/// What is listed and shown.
mod read;

/// What a person decides.
mod decide;

/// Which channel whoever pays means, and which channels the partner has.
mod directory;

/// Plans of replays.
mod replay;

/// Plans of channels to be deleted.
mod retire;

/// How far each source's own list of events was looked through.
mod backfill;

/// What is compared with Billing History.
mod reconcile;

/// Callers' arguments, while a transaction has them.
mod kept;

/// How rows are read.
mod row;

/// Texts that both databases store alike.
mod storable;

use db::Db;
#[doc(hidden)]
pub use db::{
    Time,
    memory::{MemoryDatabase, TransactionHook},
};
pub use model::{
    AccountHold, Act, Advanced, Assignment, Claim, Correction, DatabaseCounts, Decided, DeliveryOutcome,
    DirectoryChange, DirectoryGo, DirectoryOrder, DirectoryPlan, Entry, Grant, LedgerState, Moved, Origin,
    Place, Plan, Recorded, RetireChannel, RetirePlan, RetireSelection, RetireState, RetireTurn, Retired,
    Scope, Selection, Shorter, SourceRules, Sweep, SweepTurn, Synced, Take, Transfer, Turn, books, measures,
    plan, query, view,
};

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// Not reachable, disk full, read-only …: nothing was changed, try again later.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
    /// There is none where the settings say.
    #[error(
        "no ledger at {0}: `daybridge run` or `work` makes one; where there should be one, look at [ledger] url and at --config"
    )]
    Missing(String),
    /// The schema is newer than this program.
    #[error(
        "the ledger was written by a newer daybridge (schema {found}, this one knows {known}): run that version"
    )]
    Newer {
        /// Schema found.
        found: i64,
        /// Newest schema this program knows.
        known: i64,
    },
    /// What was asked does not fit what is recorded; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// Nothing that waits or a new try would make it fit; the ledger takes others.
    #[error("the ledger cannot store this: {0}")]
    Unstorable(String),
    /// A row that this program cannot read.
    #[error("the ledger holds something this program cannot read: {0}")]
    Corrupt(String),
}

/// A channel of a plan of channels to be deleted.
pub use retire::OfPlan;

/// How far ahead a channel's turn is believed, in ms.
pub use settle::DUE_AHEAD_MS_MAX;

/// Looks what is there and makes nothing, for `check`.
pub async fn look(settings: &config::LedgerSettings) -> Result<LedgerState, LedgerError> {
    schema::look::look(settings).await
}

/// Opens the ledger that the settings name, where there is one: whoever reads or decides must not make an empty one, and
/// then say that nothing waits.
pub async fn open_existing(settings: &config::LedgerSettings) -> Result<Arc<Ledger>, LedgerError> {
    Ok(Arc::new(Ledger::open_existing(settings).await?))
}

/// Opens the ledger the settings name, makes it where there is none, and brings its schema up to date.
pub async fn open(settings: &config::LedgerSettings) -> Result<Arc<Ledger>, LedgerError> {
    Ok(Arc::new(Ledger::open(settings).await?))
}

/// The ledger in a database.
#[derive(Clone)]
pub struct Ledger {
    db: Db,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.db.place().name).finish()
    }
}

impl Ledger {
    /// Opens the database the settings name, makes the file if it is SQLite's, and applies the schema.
    pub async fn open(settings: &config::LedgerSettings) -> Result<Self, LedgerError> {
        schema::open::open(settings, schema::open::Absent::Make).await
    }

    /// The same, where there is a ledger; nothing is made.
    pub async fn open_existing(settings: &config::LedgerSettings) -> Result<Self, LedgerError> {
        schema::open::open(settings, schema::open::Absent::Refuse).await
    }

    /// One process's way to a database in memory, with its tables made; `now` is when, where they are new.
    #[doc(hidden)]
    pub async fn in_memory(
        memory: &MemoryDatabase,
        around: Arc<dyn TransactionHook>,
        now: Ms,
    ) -> Result<Self, LedgerError> {
        let db = Db::memory(memory, around);
        schema::open::up_to_date(&db, now).await?;
        Ok(Self { db })
    }

    /// How days are allocated from now on, by this process.
    pub fn allocate(&self, allocation: Allocation) {
        self.db.place().allocate(allocation);
    }

    /// Whether slices have one day from now on, in this process, for the balance is short.
    pub fn shrink_slices(&self, short: bool) {
        self.db.place().short.store(short, Ordering::Relaxed);
    }

    /// Statements and transactions of this process so far.
    pub fn database_counts(&self) -> DatabaseCounts {
        let counts = &self.db.place().counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DatabaseCounts {
            statements: of(&counts.statements),
            commits: of(&counts.commits),
            retries: of(&counts.retries),
            steps: of(&counts.steps),
        }
    }
}
