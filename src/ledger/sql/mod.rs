//! The ledger in SQL, written once over `sqlx::Any` for SQLite and PostgreSQL.
//!
//! Cast: [`open`] makes the pools and applies the schema; [`fault`] turns what a database says into what the
//! caller may do, and [`failures`] into which connections are used again; then one file a subject: [`record`] (intake)
//! with [`join`] (which payment), [`grant`] (what it comes to), [`money_out`] (what is left of that), [`twin`] and
//! [`elsewhere`] (whether it is told twice), [`turn`], [`account`], [`probe`] and [`pause`] (settle), [`families`],
//! [`backfill`]; and behind the operator's desk: [`list`], [`show`], [`held`], [`waiting`], [`overview`], [`measures`], [`audit`],
//! [`views`] (reads), [`decide`], [`by_person`], [`correct`], [`restored`], [`origin`], [`server`], [`prune`] (decisions), [`select`],
//! [`rehearse`], [`stored`], [`plans`] and [`plan_rows`] (replays), [`reconcile`].
//!
//! Isolation. SQLite has one connection that writes, and every transaction on it is `BEGIN IMMEDIATE`, so
//! writers are serial by themselves. On PostgreSQL whatever reads before it decides (recording, a person's
//! decision, the account's hold, rules, plans) is `SERIALIZABLE`: two events of one payment under different
//! ids share no row that a lock could be put on before both have looked. What is decided by one row's
//! compare-and-set (claim, advance, release) is `READ COMMITTED`: each statement locks the channel's row
//! first and sees what was committed before it had the lock.
//!
//! Rejected: a trait implementation per database (two records of money to keep alike), an ORM, and advisory
//! locks per payment (a payment has several names, none of them known to every event).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use sqlx::{Any, AnyPool, Transaction};

use super::{
    AccountHold, Claim, Entry, Ledger, LedgerError, Origin, Recorded, Scope, SourceRules, Sweep, SweepTurn,
    Turn, measures::KeptBack, view,
};
use crate::{
    config,
    domain::{
        Ms,
        brake::{Brake, Lately},
        channel::Channel,
        settle::{AccountNews, State, Step},
    },
    envelope::Envelope,
};
use fault::{Fault, retry};

mod account;
mod audit;
mod backfill;
mod by_person;
mod catch_up;
mod channels;
mod correct;
mod decide;
mod desk;
mod elsewhere;
mod explain;
mod failures;
mod families;
mod fault;
mod filter;
mod grant;
mod heartbeat;
mod held;
mod join;
mod list;
pub(super) mod look;
mod measures;
mod money_out;
mod more;
mod not_live;
mod open;
mod origin;
mod overview;
mod pause;
mod plan_rows;
mod plans;
mod probe;
mod prune;
mod reconcile;
mod record;
mod rehearse;
mod release;
mod restored;
mod rows;
mod select;
mod server;
mod show;
mod storable;
mod stored;
mod turn;
mod twin;
mod undo;
pub(super) mod url;
mod views;
mod waiting;
mod words;
mod zlib;

pub use heartbeat::SILENT_MS_MAX;
pub use turn::DUE_AHEAD_MS_MAX;

/// Which database it is, where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// For what reads, then decides; see the module's text.
    fn begin_serial(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }

    /// For what one row's compare-and-set decides; see the module's text.
    fn begin_plain(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

/// The ledger in a database.
#[derive(Debug, Clone)]
pub struct SqlLedger {
    write: AnyPool,
    read: AnyPool,
    dialect: Dialect,
    failures: failures::Failures,
    /// SQLite's.
    file: Option<std::path::PathBuf>,
    /// Where it is, for people.
    place: String,
    /// How its server is asked who it is; `None`: it is a file, or does not tell.
    server: Option<&'static str>,
    seen: Arc<Mutex<Option<server::Seen>>>,
}

type Tx = Transaction<'static, Any>;

impl SqlLedger {
    /// Opens the database the settings name, makes the file if it is SQLite's, and applies the schema.
    pub async fn open(settings: &config::Ledger) -> Result<Self, LedgerError> {
        open::open(settings, open::Absent::Make).await
    }

    /// The same, where there is a ledger; nothing is made.
    pub async fn open_existing(settings: &config::Ledger) -> Result<Self, LedgerError> {
        open::open(settings, open::Absent::Refuse).await
    }

    fn of(
        write: AnyPool,
        read: AnyPool,
        dialect: Dialect,
        failures: failures::Failures,
        place: String,
    ) -> Self {
        Self { write, read, dialect, failures, file: None, place, server: None, seen: Arc::default() }
    }

    /// As a door.
    pub fn shared(self) -> Arc<dyn Ledger> {
        Arc::new(self)
    }

    async fn serial(&self) -> Result<Tx, Fault> {
        Ok(self.write.begin_with(self.dialect.begin_serial()).await?)
    }

    async fn plain(&self) -> Result<Tx, Fault> {
        Ok(self.write.begin_with(self.dialect.begin_plain()).await?)
    }
}

#[async_trait]
impl Ledger for SqlLedger {
    async fn record(&self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, LedgerError> {
        retry!(self.record_once(entry, now))
    }

    async fn question(&self) -> Result<i64, LedgerError> {
        retry!(self.question_once())
    }

    async fn note_rules(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        retry!(self.note_rules_once(realm, money_in, now))
    }

    async fn note_source(&self, source: &str, rules: &SourceRules) -> Result<(), LedgerError> {
        retry!(self.note_source_once(source, rules))
    }

    async fn origin(&self) -> Result<Origin, LedgerError> {
        retry!(self.origin_once())
    }

    async fn rules_since(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        retry!(self.rules_since_once(realm, money_in, now))
    }

    async fn held_envelopes(
        &self,
        cause: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, LedgerError> {
        retry!(self.held_envelopes_once(cause, after, limit))
    }

    async fn claim(
        &self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, LedgerError> {
        retry!(self.claim_once(account, worker, now, lease_until, limit))
    }

    async fn turn(&self, claim: &Claim, now: Ms) -> Result<Turn, LedgerError> {
        retry!(self.turn_once(claim, now))
    }

    async fn advance(
        &self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        now: Ms,
    ) -> Result<bool, LedgerError> {
        retry!(self.advance_once(claim, key, from, step, now))
    }

    async fn save_channel(&self, claim: &Claim, channel: &Channel) -> Result<bool, LedgerError> {
        retry!(self.save_channel_once(claim, channel))
    }

    async fn release(&self, claim: &Claim, not_before: Ms) -> Result<(), LedgerError> {
        retry!(self.release_once(claim, not_before))
    }

    async fn next_due(&self, account: &str) -> Result<Option<Ms>, LedgerError> {
        retry!(self.next_due_once(account))
    }

    async fn account_hold(&self, account: &str) -> Result<Option<AccountHold>, LedgerError> {
        retry!(self.account_hold_once(account))
    }

    async fn account_news(
        &self,
        account: &str,
        news: AccountNews,
        transfer: &str,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), LedgerError> {
        retry!(self.account_news_once(account, news, transfer, now, probe_at))
    }

    async fn take_probe(&self, account: &str, now: Ms, next_probe_at: Ms) -> Result<bool, LedgerError> {
        retry!(self.take_probe_once(account, now, next_probe_at))
    }

    async fn pass_probe(&self, account: &str, transfer: &str, now: Ms) -> Result<(), LedgerError> {
        retry!(self.pass_probe_once(account, transfer, now))
    }

    async fn may_call(
        &self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<view::Pause>, LedgerError> {
        retry!(self.may_call_once(claim, days, brake, now))
    }

    async fn kept_back(&self, scope: &Scope, days_min: u32) -> Result<KeptBack, LedgerError> {
        retry!(self.kept_back_once(scope, days_min))
    }

    async fn accepted_at(&self, transfer: &str) -> Result<Option<Ms>, LedgerError> {
        retry!(self.accepted_at_once(transfer))
    }

    async fn lately(&self, account: &str, now: Ms) -> Result<Lately, LedgerError> {
        retry!(self.lately_once(account, now))
    }

    async fn take_sweep(
        &self,
        source: &str,
        now: Ms,
        lease_until: Ms,
        believed_until: Ms,
    ) -> Result<SweepTurn, LedgerError> {
        retry!(self.take_sweep_once(source, now, lease_until, believed_until))
    }

    async fn save_sweep(&self, sweep: &Sweep, next_at: Ms) -> Result<bool, LedgerError> {
        retry!(self.save_sweep_once(sweep, next_at))
    }

    async fn recorded(&self, sources: &[String], events: &[String]) -> Result<BTreeSet<String>, LedgerError> {
        retry!(self.recorded_once(sources, events))
    }

    async fn beat(&self, worker: &str) -> Result<(), LedgerError> {
        retry!(self.beat_once(worker))
    }

    async fn rest(&self, worker: &str) -> Result<(), LedgerError> {
        retry!(self.rest_once(worker))
    }

    async fn health(&self) -> Result<(), LedgerError> {
        retry!(self.health_once())
    }
}
