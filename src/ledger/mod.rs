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
//! SQLite has one connection that writes, and every transaction on it is `BEGIN IMMEDIATE`, so writers are serial by
//! themselves. On PostgreSQL every transaction is READ COMMITTED, and there are two kinds:
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
    domain::{
        Ms,
        balance::Ceiling,
        brake::Lately,
        channel::Channel,
        closed::HeldCause,
        id::ChannelId,
        settle::{AccountNews, State},
    },
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

/// Plans of replays.
mod replay;

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
    memory::{Around, Memory},
};
pub use model::{
    Act, CLOSED, Correction, DEAD, Decided, Entry, Outcome, Plan, Recorded, Scope, Selection, SourceRules,
    Take, books, measures, plan, query, view,
};

/// The cause of a pause that no resume ends: the ledger is on another database server than it was.
pub const FAILOVER: &str = HeldCause::Failover.as_str();

/// What went wrong.
#[derive(Debug, thiserror::Error)]
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

/// A channel in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The partner account.
    pub account: String,
    /// The channel.
    pub channel: ChannelId,
    /// Counts the claims of the channel; every write of the turn checks it.
    pub epoch: i64,
}

/// A transfer to take a step with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// Days to move.
    pub days: u32,
    /// Comment to send.
    pub comment: String,
    /// Where it stands.
    pub state: State,
    /// Trace context of the delivery that planned it.
    pub traceparent: String,
}

/// What there is to do with a claimed channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// What is known of the channel.
    pub channel: Channel,
    /// The transfer that is due now: the one with an open outcome if there is one (none if that one is not
    /// due), else the oldest planned, else one that is still watched.
    pub transfer: Option<Transfer>,
    /// When the ledger was last declared restored: a call of before, which it does not know, may be applied to
    /// the channel until the settle window after that is over.
    pub restored_at: Option<Ms>,
    /// The ledger is on another database server than it was, and nobody has said yet that nothing was lost: whatever
    /// the turn is, no call is made.
    pub moved: bool,
    /// Why the account's calls rest, if they do.
    pub hold: Option<AccountHold>,
    /// Calls of everything, the account or the channel are paused.
    pub paused: bool,
    /// At least what was settled lately; the account's channels are not counted.
    pub lately: Lately,
}

/// What committing a step told besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advanced {
    /// The account is held.
    pub held: bool,
    /// When the receiver accepted the first delivery of the payment, where its transfer was settled by this step.
    pub accepted_at: Option<Ms>,
    /// When the channel is due again, where it was given back.
    pub due: Option<Ms>,
}

/// When and where the ledger was made, and how far back it may grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// When; `None`: before ledgers knew that.
    pub made_at: Option<Ms>,
    /// What was paid before is held; `None`: the ledger is older than this rule.
    pub grants_since: Option<Ms>,
    /// Nothing was ever recorded in it.
    pub empty: bool,
    /// Its file, or its server and database; no password.
    pub place: String,
    /// It is on a server that does not tell its timeline.
    pub failover_unnoticed: bool,
}

/// Statements and transactions of this process since it opened the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements, without those that begin, lock and end.
    pub statements: u64,
    /// Transactions that wrote.
    pub commits: u64,
    /// Transactions that met another one and ran again.
    pub retries: u64,
    /// Steps of SQLite's machine; 0 elsewhere.
    pub steps: u64,
}

/// Why calls of the account rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountHold {
    /// [`AccountNews::NoBalance`] or [`AccountNews::NoToken`].
    pub news: AccountNews,
    /// Since when.
    pub since: Ms,
    /// Next probe.
    pub probe_at: Ms,
    /// The transfer that is the probe now.
    pub probe: Option<String>,
    /// What is known of the balance; under a token that is refused, what was known before.
    pub ceiling: Option<Ceiling>,
}

impl AccountHold {
    /// Whether a planned transfer waits for the account: not the probe, and not one below the ceiling.
    pub fn keeps_back(&self, key: &str, days: u32) -> bool {
        if self.probe.as_deref() == Some(key) {
            return false;
        }
        self.news == AccountNews::NoToken || self.ceiling.is_none_or(|ceiling| ceiling.keeps_back(days))
    }
}

/// How far ahead a probe is believed, in ms: no `account_probe` is longer. A later one was dated by a clock that was
/// ahead, and is due.
pub const PROBE_AHEAD_MS_MAX: i64 = 86_400_000;

impl AccountHold {
    /// Whether its next probe is due.
    pub fn probe_due(&self, now: Ms) -> bool {
        self.probe_at <= now || self.probe_at > now.saturating_add(PROBE_AHEAD_MS_MAX)
    }
}

/// How far ahead a channel's turn is believed, in ms.
pub use settle::DUE_AHEAD_MS_MAX;

/// A turn at looking through a source's own list of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The source.
    pub source: String,
    /// Counts its turns; every write of this one checks it.
    pub turn: i64,
    /// All events of before are on the queue or recorded; `None` before the first turn got so far.
    pub seen_until: Option<Ms>,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepTurn {
    /// Ours, until its lease ends or it is given back.
    Ours(Sweep),
    /// Nobody's before this time, or another's until then.
    NotBefore(Ms),
}

/// What stands where the settings name the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A ledger of this program's schema.
    Whole,
    /// One of an older schema, which `run` or `work` brings up to date.
    Older {
        /// Its schema.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// Nothing yet, here.
    Missing(String),
}

/// Looks what is there and makes nothing, for `check`.
pub async fn look(settings: &config::Ledger) -> Result<Found, LedgerError> {
    schema::look::look(settings).await
}

/// What is wrong with a ledger's URL and the certificates beside it; never quotes a value of it.
pub fn check_url(url: &str, settings: &config::Ledger) -> Result<(), String> {
    schema::url::check(url, settings)
}

/// Opens the ledger that the settings name, where there is one: whoever reads or decides must not make an empty one, and
/// then say that nothing waits.
pub async fn open_existing(settings: &config::Ledger) -> Result<Arc<Ledger>, LedgerError> {
    Ok(Arc::new(Ledger::open_existing(settings).await?))
}

/// Opens the ledger the settings name, makes it where there is none, and brings its schema up to date.
pub async fn open(settings: &config::Ledger) -> Result<Arc<Ledger>, LedgerError> {
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
    pub async fn open(settings: &config::Ledger) -> Result<Self, LedgerError> {
        schema::open::open(settings, schema::open::Absent::Make).await
    }

    /// The same, where there is a ledger; nothing is made.
    pub async fn open_existing(settings: &config::Ledger) -> Result<Self, LedgerError> {
        schema::open::open(settings, schema::open::Absent::Refuse).await
    }

    /// One process's way to a database in memory, with its tables made; `now` is when, where they are new.
    #[doc(hidden)]
    pub async fn in_memory(memory: &Memory, around: Arc<dyn Around>, now: Ms) -> Result<Self, LedgerError> {
        let db = Db::memory(memory, around);
        schema::open::up_to_date(&db, now).await?;
        Ok(Self { db })
    }

    /// Statements and transactions of this process so far.
    pub fn database_counts(&self) -> Counts {
        let counts = &self.db.place().counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            statements: of(&counts.statements),
            commits: of(&counts.commits),
            retries: of(&counts.retries),
            steps: of(&counts.steps),
        }
    }
}
