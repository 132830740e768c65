//! The ledger in SQL, written once over `sqlx::Any` for SQLite and PostgreSQL.
//!
//! Cast: [`open`] makes the pools and applies the schema; [`fault`] turns what a database says into what the
//! caller may do; then one file a subject: [`record`] (intake) with [`join`] (which payment) and [`grant`]
//! (what it comes to), [`turn`] and [`account`] (settle), [`decide`], [`restored`], [`list`], [`show`], [`held`] and
//! [`replay`] and [`reconcile`] (ops).
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

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Any, AnyPool, Transaction};

use super::{
    AccountHold, Claim, Decided, Entry, Ledger, LedgerError, Plan, Recorded, Selection, Turn, books, view,
};
use crate::{
    config,
    domain::{
        Ms,
        channel::Channel,
        settle::{AccountNews, State, Step},
    },
    envelope::Envelope,
};
use fault::{Fault, retry};

mod account;
mod decide;
mod fault;
mod grant;
mod held;
mod join;
mod list;
mod open;
mod reconcile;
mod record;
mod release;
mod replay;
mod restored;
mod rows;
mod select;
mod show;
mod turn;
mod words;

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
}

type Tx = Transaction<'static, Any>;

impl SqlLedger {
    /// Opens the database the settings name, makes the file if it is SQLite's, and applies the schema.
    pub async fn open(settings: &config::Ledger) -> Result<Self, LedgerError> {
        open::open(settings).await
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

    async fn note_rules(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        retry!(self.note_rules_once(realm, money_in, now))
    }

    async fn held_envelopes(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Envelope, bool)>, LedgerError> {
        retry!(self.held_envelopes_once(after, limit))
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
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), LedgerError> {
        retry!(self.account_news_once(account, news, now, probe_at))
    }

    async fn take_probe(&self, account: &str, now: Ms, next_probe_at: Ms) -> Result<bool, LedgerError> {
        retry!(self.take_probe_once(account, now, next_probe_at))
    }

    async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError> {
        retry!(self.decide_once(key, decided, now))
    }

    async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError> {
        retry!(self.restored_once(since, who, now))
    }

    async fn payments(&self, limit: u32) -> Result<Vec<view::Payment>, LedgerError> {
        retry!(self.payments_once(limit))
    }

    async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError> {
        retry!(self.payment_once(key))
    }

    async fn transfers(&self, limit: u32) -> Result<Vec<view::Transfer>, LedgerError> {
        retry!(self.transfers_once(limit))
    }

    async fn events(&self, limit: u32) -> Result<Vec<view::Event>, LedgerError> {
        retry!(self.events_once(limit))
    }

    async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError> {
        retry!(self.event_once(id))
    }

    async fn held(&self, limit: u32, now: Ms) -> Result<Vec<view::Held>, LedgerError> {
        retry!(self.held_once(limit, now))
    }

    async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError> {
        retry!(self.movements_once(limit))
    }

    async fn counts(&self) -> Result<view::Counts, LedgerError> {
        retry!(self.counts_once())
    }

    async fn select(&self, selection: &Selection, limit: u32) -> Result<Vec<view::Planned>, LedgerError> {
        retry!(self.select_once(selection, limit))
    }

    async fn save_plan(&self, plan: &Plan) -> Result<(), LedgerError> {
        retry!(self.save_plan_once(plan))
    }

    async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError> {
        retry!(self.plan_once(hash))
    }

    async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError> {
        retry!(self.envelopes_once(events))
    }

    async fn plan_applied(&self, hash: &str, now: Ms) -> Result<bool, LedgerError> {
        retry!(self.plan_applied_once(hash, now))
    }

    async fn named(
        &self,
        realm: &str,
        livemode: bool,
        ids: &[String],
    ) -> Result<Vec<books::Name>, LedgerError> {
        retry!(self.named_once(realm, livemode, ids))
    }

    async fn keys(&self, keys: &[String]) -> Result<Vec<(String, String)>, LedgerError> {
        retry!(self.keys_once(keys))
    }

    async fn booked(&self, keys: &[String]) -> Result<Vec<books::Booked>, LedgerError> {
        retry!(self.booked_once(keys))
    }

    async fn booked_page(
        &self,
        walk: &books::Walk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<books::Booked>, LedgerError> {
        retry!(self.booked_page_once(walk, after.clone()))
    }

    async fn paid_at(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, LedgerError> {
        retry!(self.paid_at_once(keys))
    }

    async fn channels_page(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        retry!(self.channels_page_once(account, after, limit))
    }

    async fn movements_page(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Movement)>, LedgerError> {
        retry!(self.movements_page_once(account, since, until, after, limit))
    }

    async fn loose(
        &self,
        account: &str,
        channels: &[String],
    ) -> Result<Vec<books::BookedTransfer>, LedgerError> {
        retry!(self.loose_once(account, channels))
    }

    async fn health(&self) -> Result<(), LedgerError> {
        open::schema_fits(&self.write).await
    }
}
