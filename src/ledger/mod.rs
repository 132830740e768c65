//! The record of all money and days, behind one trait: SQLite by default, PostgreSQL for several workers.
//!
//! Cast: *intake* calls [`Ledger::record`] for each delivery; *settle* claims channels, takes turns on their
//! transfers and commits each step by compare-and-set; *ops* lists and decides. One channel is worked on by
//! one worker at a time through a lease, but nothing correct rests on the lease's clock: every write of a
//! turn checks the channel's epoch, so a worker that was paused past its lease changes nothing, and the
//! deadline check before the call keeps it from sending.
//!
//! Not for: waiting. No lock is held over a call to anyone.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    config,
    domain::{
        Ms,
        channel::Channel,
        facts::Facts,
        id::{ChannelId, CommentTemplate},
        payment::Rules,
        settle::{AccountNews, Order, State, Step},
    },
    envelope::Envelope,
};

/// Rows as operators see them.
pub mod view;

/// Payments and transfers as reconcile compares them.
pub mod books;

/// One set of SQL for both databases.
pub mod sql;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Not reachable, disk full, read-only …: nothing was changed, try again later.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
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
    /// A row that this program cannot read.
    #[error("the ledger holds something this program cannot read: {0}")]
    Corrupt(String),
}

/// What intake knows of the source that a delivery came from.
#[derive(Debug, Clone)]
pub struct SourceRules {
    /// The provider account's name for ever.
    pub realm: String,
    /// How it grants days.
    pub rules: Rules,
}

/// One delivery to be recorded.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What came off the queue.
    pub envelope: &'a Envelope,
    /// It came from the dead queue: the event is held whatever it says, so that a person looks.
    pub dead: bool,
    /// What it says, or why it cannot be read.
    pub facts: Result<&'a Facts, &'a str>,
    /// Its source's rules; `None` where the source is not in the settings (then `facts` is an error).
    pub source: Option<&'a SourceRules>,
    /// The partner account that pays the days.
    pub account: &'a str,
    /// For the comment of a transfer that it plans.
    pub comment: &'a CommentTemplate,
}

/// How an accepted event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It granted the days of its payment. Shown as `credited` once the transfer is settled.
    Granted,
    /// Its payment was granted before.
    Duplicate,
    /// Money went back; kept with its payment.
    Refund,
    /// Kept with its payment; no money by itself.
    Link,
    /// Not needed.
    Ignored,
    /// It, or its payment, waits for a person.
    Held,
}

impl Outcome {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Granted => "granted",
            Outcome::Duplicate => "duplicate",
            Outcome::Refund => "refund",
            Outcome::Link => "link",
            Outcome::Ignored => "ignored",
            Outcome::Held => "held",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        use Outcome::*;
        [Granted, Duplicate, Refund, Link, Ignored, Held].into_iter().find(|o| o.as_str() == word)
    }
}

/// What recording did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How the delivery ended.
    pub outcome: Outcome,
    /// The sentence with it, for ignored and held.
    pub reason: Option<String>,
    /// The payment it belongs to.
    pub payment: Option<String>,
    /// The transfer that it planned.
    pub planned: Option<String>,
    /// The same delivery was recorded before (the broker redelivered it).
    pub again: bool,
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
}

/// Why the account's calls rest.
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
    /// Its channel: an older transfer of the same channel goes first and probes just as well.
    pub probe_channel: Option<String>,
}

/// A frozen replay plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// Names it.
    pub hash: String,
    /// When it was made.
    pub created_at: Ms,
    /// When it was applied.
    pub applied_at: Option<Ms>,
    /// What would happen, per payment.
    pub payments: Vec<view::Planned>,
}

/// Which events a replay takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Provider's event id.
    pub event: Option<String>,
    /// Payment or transfer key.
    pub payment: Option<String>,
    /// Source name.
    pub source: Option<String>,
    /// Received at or after.
    pub since: Option<Ms>,
    /// Received before.
    pub until: Option<Ms>,
    /// Only what came from the dead queue.
    pub dead: bool,
}

/// A person's decision, kept with name and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<'a> {
    /// What.
    pub order: Order,
    /// Who.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
    /// How long a call may still be applied, ms.
    pub settle_window_ms: i64,
    /// The partner account that pays, where the decision makes a transfer.
    pub account: &'a str,
    /// Its comment.
    pub comment: &'a CommentTemplate,
}

/// The door.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records one delivery in one transaction: the delivery, the event, its payment and aliases, the
    /// decision, and the transfer if one is granted. Recording the same delivery again changes nothing but
    /// takes in what changed settings make of it.
    async fn record(&self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, LedgerError>;

    /// Notes the family that grants for a realm; returns since when, if another one did before.
    async fn note_rules(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError>;

    /// Events that are held, or whose payment is: to be read again after the settings changed. Pages by the
    /// event's number; at most `limit`.
    async fn held_envelopes(&self, after: i64, limit: u32)
    -> Result<Vec<(i64, Envelope, bool)>, LedgerError>;

    /// Takes up to `limit` due channels of the account; each is ours until `lease_until`.
    async fn claim(
        &self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, LedgerError>;

    /// What is to be done with a claimed channel now.
    async fn turn(&self, claim: &Claim, now: Ms) -> Result<Turn, LedgerError>;

    /// Commits a step by compare-and-set on (state, attempt, epoch) of the transfer and the claim's epoch.
    /// `false`: somebody else went on with it; drop the turn.
    async fn advance(
        &self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        now: Ms,
    ) -> Result<bool, LedgerError>;

    /// Commits what is known of a channel, under the claim. `false`: the claim is lost.
    async fn save_channel(&self, claim: &Claim, channel: &Channel) -> Result<bool, LedgerError>;

    /// Gives a channel back; it is due again at the earliest of its transfers and its switch to live, and
    /// not before `not_before`.
    async fn release(&self, claim: &Claim, not_before: Ms) -> Result<(), LedgerError>;

    /// When the next channel of the account is due and free.
    async fn next_due(&self, account: &str) -> Result<Option<Ms>, LedgerError>;

    /// Why the account's calls rest, if they do.
    async fn account_hold(&self, account: &str) -> Result<Option<AccountHold>, LedgerError>;

    /// Takes in what a step says about the account: [`AccountNews::NoBalance`] and `NoToken` start a hold (or
    /// move its probe to `probe_at`); `Reads` ends a token hold; `Extends` ends any. Ending one plans again
    /// every transfer held for its cause and makes its deferred channels due.
    async fn account_news(
        &self,
        account: &str,
        news: AccountNews,
        now: Ms,
        probe_at: Ms,
    ) -> Result<(), LedgerError>;

    /// Makes one held transfer (the oldest) the probe of a hold whose `probe_at` has come; one caller wins.
    async fn take_probe(&self, account: &str, now: Ms, next_probe_at: Ms) -> Result<bool, LedgerError>;

    /// A person's decision about a transfer, or `Cancel`/`Retry` of a held payment or event where that fits.
    /// `Retry` of a transfer held for balance or token also makes it the account's probe now.
    async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError>;

    /// Declares that the ledger was restored from a backup made at `since` or later: whatever was not settled
    /// then, and whatever was paid until now and is not granted, may have been credited since, and waits for a
    /// person. No worker may hold a channel.
    async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError>;

    /// Payments, newest first.
    async fn payments(&self, limit: u32) -> Result<Vec<view::Payment>, LedgerError>;
    /// One payment by its key, a transfer's key, or any provider id that names it.
    async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError>;
    /// Transfers, newest first.
    async fn transfers(&self, limit: u32) -> Result<Vec<view::Transfer>, LedgerError>;
    /// Events (one row per delivery), newest first.
    async fn events(&self, limit: u32) -> Result<Vec<view::Event>, LedgerError>;
    /// One event by the provider's event id, `source/event-id`, or a delivery id; with its raw body.
    async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError>;
    /// Everything that waits for a person: the account, transfers, payments, events; up to `limit` of each.
    async fn held(&self, limit: u32, now: Ms) -> Result<Vec<view::Held>, LedgerError>;
    /// Unexplained movements, newest first.
    async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError>;
    /// Counts by state, for metrics and the demo.
    async fn counts(&self) -> Result<view::Counts, LedgerError>;

    /// The events a selection names, grouped by payment, with what would happen now. At most `limit` events.
    async fn select(&self, selection: &Selection, limit: u32) -> Result<Vec<view::Planned>, LedgerError>;
    /// Keeps a plan under its hash; the same hash again changes nothing.
    async fn save_plan(&self, plan: &Plan) -> Result<(), LedgerError>;
    /// A plan by hash, or by an unambiguous beginning of it of 8 characters or more.
    async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError>;
    /// The stored bytes of events by their numbers, in the words they were received with.
    async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError>;
    /// Marks a plan applied; `false`: it was already.
    async fn plan_applied(&self, hash: &str, now: Ms) -> Result<bool, LedgerError>;

    /// The payments of a realm that these provider ids name; at most [`books::ASKED_MAX`] ids.
    async fn named(
        &self,
        realm: &str,
        livemode: bool,
        ids: &[String],
    ) -> Result<Vec<books::Name>, LedgerError>;
    /// Which of these payment keys there are, each with the key of the payment that it went into, or its own.
    async fn keys(&self, keys: &[String]) -> Result<Vec<(String, String)>, LedgerError>;
    /// These payments with their transfers; at most [`books::ASKED_MAX`].
    async fn booked(&self, keys: &[String]) -> Result<Vec<books::Booked>, LedgerError>;
    /// A page of a realm's payments by when they were first seen, from after (time, key) of the last one.
    async fn booked_page(
        &self,
        walk: &books::Walk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<books::Booked>, LedgerError>;
    /// When the provider says these payments were paid; those without money in any event are left out.
    async fn paid_at(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, LedgerError>;
    /// A page of the account's channels by name, each with the `activeTill` that the ledger can explain.
    async fn channels_page(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError>;
    /// A page of the account's unexplained movements read from `since` to before `until`, by their numbers.
    async fn movements_page(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Movement)>, LedgerError>;
    /// Transfers of these channels that may explain a movement: called and not settled, called more than once,
    /// or settled by a person.
    async fn loose(
        &self,
        account: &str,
        channels: &[String],
    ) -> Result<Vec<books::BookedTransfer>, LedgerError>;

    /// Reaches the database and compares its schema.
    async fn health(&self) -> Result<(), LedgerError>;
}

/// Opens the ledger the settings name and brings its schema up to date.
pub async fn open(settings: &config::Ledger) -> Result<Arc<dyn Ledger>, LedgerError> {
    Ok(Arc::new(sql::SqlLedger::open(settings).await?))
}
