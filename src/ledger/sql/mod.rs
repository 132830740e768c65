//! The ledger in SQL, written once for SQLite and PostgreSQL: what a caller asks for is a method of [`Ledger`], which hands
//! one of [`Tx`] to a thread of the database ([`db`](super::db)) and waits.
//!
//! Cast: [`open`] applies the schema; then one file a subject: [`record`] (intake)
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
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    AccountHold, Act, Advanced, Claim, Counts, Entry, LedgerError, Origin, Recorded, Scope, SourceRules,
    Sweep, SweepTurn, Turn,
    db::{Db, Tx, fault},
    measures::KeptBack,
    view,
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

use super::{intake::reversal as money_out, storable};

pub(in crate::ledger) mod account;
mod audit;
mod backfill;
mod by_person;
mod catch_up;
mod channels;
mod correct;
mod decide;
mod desk;
mod explain;
mod families;
pub(in crate::ledger) mod filter;
mod heartbeat;
mod held;
mod kept;
mod list;
pub(in crate::ledger) mod look;
mod measures;
mod not_live;
mod open;
pub(in crate::ledger) mod origin;
mod overview;
pub(in crate::ledger) mod pause;
mod plan_rows;
mod plans;
mod probe;
mod prune;
mod reconcile;
mod rehearse;
mod release;
pub(in crate::ledger) mod restored;
pub(in crate::ledger) mod rows;
mod select;
mod server;
mod show;
mod stored;
mod turn;
mod undo;
pub(in crate::ledger) mod url;
mod views;
mod waiting;
mod words;
pub(in crate::ledger) mod zlib;

pub use heartbeat::SILENT_MS_MAX;
pub use turn::DUE_AHEAD_MS_MAX;

/// The ledger in a database.
#[derive(Clone)]
pub struct Ledger {
    db: Db,
}

impl Ledger {
    /// Opens the database the settings name, makes the file if it is SQLite's, and applies the schema.
    pub async fn open(settings: &config::Ledger) -> Result<Self, LedgerError> {
        open::open(settings, open::Absent::Make).await
    }

    /// The same, where there is a ledger; nothing is made.
    pub async fn open_existing(settings: &config::Ledger) -> Result<Self, LedgerError> {
        open::open(settings, open::Absent::Refuse).await
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.db.place().name).finish()
    }
}

impl Ledger {
    /// Records one delivery in one transaction: the delivery, the event, its payment and aliases, the
    /// decision, and the transfer if one is granted. Recording the same delivery again changes nothing but
    /// takes in what changed settings make of it.
    pub async fn record(&self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, LedgerError> {
        let entry = entry.kept();
        self.db.write(move |tx| tx.record(&entry.lent(), now)).await
    }

    /// A number for a question to a provider's API that is about to be asked: larger than that of every question that
    /// began before, at whichever worker. Rejected: the workers' clocks, of which one may be behind.
    pub async fn question(&self) -> Result<i64, LedgerError> {
        self.db.write(move |tx| tx.question()).await
    }

    /// Notes the family that grants for a realm; returns since when, if another one did before.
    pub async fn note_rules(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        let (realm, money_in) = (realm.to_owned(), money_in.to_owned());
        self.db.alone(move |tx| tx.note_rules(&realm, &money_in, now)).await
    }

    /// Notes of which provider and realm a source is: its payments are looked for when one of another realm is granted.
    pub async fn note_source(&self, source: &str, rules: &SourceRules) -> Result<(), LedgerError> {
        let (source, rules) = (source.to_owned(), rules.clone());
        self.db.write(move |tx| tx.note_source(&source, &rules)).await
    }

    /// When and where it was made.
    pub async fn origin(&self) -> Result<Origin, LedgerError> {
        self.db.read(move |tx| tx.origin()).await
    }

    /// Since when this family would grant for a realm, had it been noted; notes nothing.
    pub async fn rules_since(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        let (realm, money_in) = (realm.to_owned(), money_in.to_owned());
        self.db.read(move |tx| tx.rules_since(&realm, &money_in, now)).await
    }

    /// Events that are held, or whose payment is, or its transfer for money that went out: to be read again after the
    /// settings changed; or only the events that are held for one cause. Pages by the event's number; at most `limit`.
    pub async fn held_envelopes(
        &self,
        cause: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, LedgerError> {
        let cause = cause.map(str::to_owned);
        self.db.read(move |tx| tx.held_envelopes(cause.as_deref(), after, limit)).await
    }

    /// Takes up to `limit` due channels of the account; each is ours until `lease_until`.
    pub async fn claim(
        &self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, LedgerError> {
        let (account, worker) = (account.to_owned(), worker.to_owned());
        self.db.write(move |tx| tx.claim(&account, &worker, now, lease_until, limit)).await
    }

    /// What is to be done with a claimed channel now.
    pub async fn turn(&self, claim: &Claim, now: Ms) -> Result<Turn, LedgerError> {
        let claim = claim.clone();
        self.db.read(move |tx| tx.turn(&claim, now)).await
    }

    /// Commits a step by compare-and-set on (state, attempt, epoch) of the transfer and the claim's epoch, and gives the
    /// channel back if that is said. `None`: somebody else went on with it; drop the turn.
    pub async fn advance(
        &self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        gives_back: bool,
        now: Ms,
    ) -> Result<Option<Advanced>, LedgerError> {
        let (claim, key, from, step) = (claim.clone(), key.to_owned(), from.clone(), step.clone());
        self.db.write(move |tx| tx.advance(&claim, &key, &from, &step, gives_back, now)).await
    }

    /// Commits what is known of a channel, under the claim. `false`: the claim is lost.
    pub async fn save_channel(&self, claim: &Claim, channel: &Channel) -> Result<bool, LedgerError> {
        let (claim, channel) = (claim.clone(), channel.clone());
        self.db.write(move |tx| tx.save_channel(&claim, &channel)).await
    }

    /// Gives a channel back; it is due again at the earliest of its transfers and its switch to live, and
    /// not before `not_before`. Returns when; `None`: never, or the claim is lost.
    pub async fn release(&self, claim: &Claim, not_before: Ms) -> Result<Option<Ms>, LedgerError> {
        let claim = claim.clone();
        self.db.write(move |tx| tx.release(&claim, not_before)).await
    }

    /// When the next channel of the account is due and free.
    pub async fn next_due(&self, account: &str) -> Result<Option<Ms>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.next_due(&account)).await
    }

    /// Why the account's calls rest, if they do.
    pub async fn account_hold(&self, account: &str) -> Result<Option<AccountHold>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.account_hold(&account)).await
    }

    /// Takes in what a step of a transfer says about the account: [`AccountNews::NoBalance`] and `NoToken` start a
    /// hold (or move its probe to `probe_at`); `Reads` ends a token hold; `Extends` too, and it ends one for the
    /// balance by the rule of [`Ceiling`]. What waits no more is planned again, and its channel is due.
    pub async fn account_news(
        &self,
        account: &str,
        news: AccountNews,
        transfer: &str,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), LedgerError> {
        let (account, transfer) = (account.to_owned(), transfer.to_owned());
        let of = account.clone();
        if !self.db.read(move |tx| tx.is_news(&of, news)).await? {
            return Ok(());
        }
        self.db.alone(move |tx| tx.account_news(&account, news, &transfer, now, probe_at)).await
    }

    /// Makes one transfer that waits and can be called the probe of a hold whose `probe_at` has come, the one that
    /// expires soonest first; one caller wins.
    pub async fn take_probe(&self, account: &str, now: Ms, next_probe_at: Ms) -> Result<bool, LedgerError> {
        if !self.account_hold(account).await?.is_some_and(|hold| hold.probe_due(now)) {
            return Ok(false);
        }
        let account = account.to_owned();
        self.db.alone(move |tx| tx.take_probe(&account, now, next_probe_at)).await
    }

    /// A transfer that could not be called is the probe no longer; another may be taken at once.
    pub async fn pass_probe(&self, account: &str, transfer: &str, now: Ms) -> Result<(), LedgerError> {
        let hold = self.account_hold(account).await?;
        if hold.is_none_or(|hold| hold.probe.as_deref() != Some(transfer)) {
            return Ok(());
        }
        let (account, transfer) = (account.to_owned(), transfer.to_owned());
        self.db.write(move |tx| tx.pass_probe(&account, &transfer, now)).await
    }

    /// Whether a planned transfer of the claimed channel may be called now: what was paused by a person, and what the
    /// brake pauses by this very question.
    pub async fn may_call(
        &self,
        claim: &Claim,
        days: u32,
        brake: &Brake,
        now: Ms,
    ) -> Result<Option<view::Pause>, LedgerError> {
        let (claim, brake) = (claim.clone(), *brake);
        let found = self.db.read(move |tx| tx.may_call(&claim, days, &brake, now)).await?;
        let Some((pause, begins)) = found else { return Ok(None) };
        if let Some(scope) = begins {
            let reason = pause.reason.clone();
            let braked = move |tx: &mut Tx| {
                tx.pause(&scope, pause::BRAKE, &Act { who: pause::DAYBRIDGE, reason: &reason }, now)
            };
            self.db.alone(braked).await?;
        }
        Ok(Some(pause))
    }

    /// What is planned, or held for the account, in a scope, of so many days or more.
    pub async fn kept_back(&self, scope: &Scope, days_min: u32) -> Result<KeptBack, LedgerError> {
        let scope = scope.clone();
        self.db.read(move |tx| tx.kept_back(&scope, days_min)).await
    }

    /// What was settled on the account lately, for what the brake comes to.
    pub async fn lately(&self, account: &str, now: Ms) -> Result<Lately, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.lately(&account, now)).await
    }

    /// Takes the turn of a source's backfill if it is due; one caller wins. A due time beyond `believed_until`
    /// comes from other settings or another clock, and counts as come.
    pub async fn take_sweep(
        &self,
        source: &str,
        now: Ms,
        lease_until: Ms,
        believed_until: Ms,
    ) -> Result<SweepTurn, LedgerError> {
        let source = source.to_owned();
        self.db.write(move |tx| tx.take_sweep(&source, now, lease_until, believed_until)).await
    }

    /// Keeps how far a turn has come and when the next one is due; `false`: another has taken it over.
    pub async fn save_sweep(&self, sweep: &Sweep, next_at: Ms) -> Result<bool, LedgerError> {
        let sweep = sweep.clone();
        self.db.write(move |tx| tx.save_sweep(&sweep, next_at)).await
    }

    /// Which of these event ids were ever recorded from any of the sources.
    pub async fn recorded(
        &self,
        sources: &[String],
        events: &[String],
    ) -> Result<BTreeSet<String>, LedgerError> {
        let (sources, events) = (sources.to_vec(), events.to_vec());
        self.db.read(move |tx| tx.recorded(&sources, &events)).await
    }

    /// A worker says that it runs, by a name that no other has.
    pub async fn beat(&self, worker: &str) -> Result<(), LedgerError> {
        let worker = worker.to_owned();
        self.db.write(move |tx| tx.beat(&worker)).await
    }

    /// It says that it has ended.
    pub async fn rest(&self, worker: &str) -> Result<(), LedgerError> {
        let worker = worker.to_owned();
        self.db.write(move |tx| tx.rest(&worker)).await
    }

    /// What this process has asked of the database so far.
    pub fn asked_so_far(&self) -> Counts {
        let counts = &self.db.place().counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            statements: of(&counts.statements),
            commits: of(&counts.commits),
            retries: of(&counts.retries),
        }
    }

    /// Reaches the database and compares its schema.
    pub async fn health(&self) -> Result<(), LedgerError> {
        self.db.write(move |tx| tx.health()).await
    }
}
