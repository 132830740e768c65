//! What an operator reads and decides. Lists are bounded by the caller's [`Page`]; every decision goes into the audit
//! log in the same transaction.

use async_trait::async_trait;

use super::{
    Act, Correction, Decided, LedgerError, Plan, Selection,
    measures::Measures,
    plan::{Candidate, Change, PlanState, Progress, Standing},
    query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
    view,
};
use crate::{domain::Ms, envelope::Envelope, ledger::Entry};

/// The operator's side of the ledger.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Payments, newest first.
    async fn payments(&self, wanted: &PaymentQuery, page: &Page) -> Result<Vec<view::Payment>, LedgerError>;
    /// One payment by its key, a transfer's key, or any provider id that names it.
    async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError>;
    /// Transfers, newest first.
    async fn transfers(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, LedgerError>;
    /// Events (one row per delivery), newest first; a page goes on after a delivery's id.
    async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError>;
    /// One event by the provider's event id, `source/event-id`, or a delivery id; with its raw body.
    async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError>;
    /// Channels that days were planned for, soonest expiry first; a page goes on after `account/channel`.
    async fn channels(&self, wanted: &ChannelQuery, page: &Page) -> Result<Vec<view::Channel>, LedgerError>;
    /// Partner accounts that days were planned on.
    async fn accounts(&self) -> Result<Vec<String>, LedgerError>;
    /// Everything that waits for a person: the account, transfers, payments, events; up to `limit` of each,
    /// oldest first.
    async fn held(&self, wanted: &HeldQuery, limit: u32, now: Ms) -> Result<Vec<view::Held>, LedgerError>;
    /// The same, counted by kind and cause.
    async fn held_groups(&self, now: Ms) -> Result<Vec<view::HeldGroup>, LedgerError>;
    /// Unexplained movements, newest first.
    async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError>;
    /// Counts by state, for the overview and the demo.
    async fn counts(&self) -> Result<view::Counts, LedgerError>;
    /// Everything that metrics tell of the ledger.
    async fn measures(&self, sources: &[String], now: Ms) -> Result<Measures, LedgerError>;
    /// Days settled since a time, by spans of ten minutes, over all accounts.
    async fn spent(&self, since: Ms) -> Result<Vec<view::Spent>, LedgerError>;
    /// Deliveries received since a time, by minutes.
    async fn traffic(&self, since: Ms) -> Result<Vec<view::Traffic>, LedgerError>;
    /// When each source last delivered.
    async fn last_deliveries(&self, sources: &[String]) -> Result<Vec<(String, Option<Ms>)>, LedgerError>;

    /// A person's decision about a transfer, or `Cancel`/`Retry` of a held payment or event where that fits.
    /// `Retry` of a transfer that waits for its account, held or planned, makes it the account's probe now.
    async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError>;
    /// A person says which channel or how many days a held payment or transfer is for. A payment is weighed anew
    /// when its events are replayed; a transfer is planned anew.
    async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<(), LedgerError>;
    /// Declares that the ledger was restored from a backup made at `since` or later: whatever was not settled
    /// then, and whatever was paid until now and is not granted, may have been credited since, and waits for a
    /// person. No worker may run.
    async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError>;
    /// What such a declaration would hold now.
    async fn restored_would(&self) -> Result<view::Several, LedgerError>;
    /// Takes the last declaration back, as long as nothing was decided on it.
    async fn restored_undo(&self, act: &Act<'_>, now: Ms) -> Result<view::Undone, LedgerError>;
    /// Workers that run, or may.
    async fn workers(&self) -> Result<Vec<view::WorkerSeen>, LedgerError>;
    /// A person says how far back a ledger that was made new may grant; before it was made only.
    async fn adopt(&self, since: Ms, act: &Act<'_>, now: Ms) -> Result<view::Adopted, LedgerError>;
    /// A person says that nothing was lost when the ledger came to another database server: calls go on.
    async fn failover(&self, act: &Act<'_>, now: Ms) -> Result<view::Failover, LedgerError>;
    /// No new call is made in this scope until it is resumed. `false`: it was paused already.
    async fn pause(&self, scope: &super::Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError>;
    /// Ends a pause, a person's or the brake's. `false`: there was none.
    async fn resume(&self, scope: &super::Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError>;
    /// The pauses that hold now, oldest first.
    async fn pauses(&self) -> Result<Vec<view::Pause>, LedgerError>;
    /// What people did, newest first; a page goes on after a number.
    async fn audit(&self, key: Option<&str>, page: &Page) -> Result<Vec<view::Audited>, LedgerError>;
    /// Keeps an act that changes nothing else here, such as a login.
    async fn note(&self, action: &str, key: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError>;
    /// Filters that a user of the console gave a name, by name.
    async fn views(&self, owner: &str) -> Result<Vec<view::SavedView>, LedgerError>;
    /// Keeps one, in place of another of the same name.
    async fn view_save(&self, owner: &str, view: &view::SavedView, now: Ms) -> Result<(), LedgerError>;
    /// Forgets one.
    async fn view_delete(&self, owner: &str, name: &str) -> Result<(), LedgerError>;
    /// Drops the bodies of events received before `before` whose payment is settled, cancelled or nothing; at most
    /// `limit`. What is dropped cannot be replayed; its digest stays.
    async fn prune_bodies(&self, before: Ms, limit: u32) -> Result<u64, LedgerError>;
    /// What that would drop in all.
    async fn prunable(&self, before: Ms) -> Result<view::Several, LedgerError>;

    /// Numbers of the events a selection names, oldest first, after a number; at most `limit`.
    async fn select(&self, selection: &Selection, after: i64, limit: u32) -> Result<Vec<i64>, LedgerError>;
    /// Where events and their payments stand, in the order of the numbers.
    async fn standings(&self, events: &[i64]) -> Result<Vec<Standing>, LedgerError>;
    /// What recording these would do, in this order; nothing is kept.
    async fn rehearse(&self, entries: &[Entry<'_>], now: Ms) -> Result<Vec<view::Planned>, LedgerError>;
    /// The stored bytes of events by their numbers, in the words they were received with.
    async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError>;

    /// Begins a plan; returns its number.
    async fn plan_begin(&self, selection: &str, who: &str, now: Ms) -> Result<i64, LedgerError>;
    /// Adds events and what would become of their payments; of two verdicts on a payment the weightier stays.
    async fn plan_add(
        &self,
        plan: i64,
        events: &[Candidate],
        payments: &[view::Planned],
    ) -> Result<(), LedgerError>;
    /// Counts the plan and gives it its hash: it can be applied from now on.
    async fn plan_finish(&self, plan: i64, hash: &str, now: Ms) -> Result<Plan, LedgerError>;
    /// Drops a plan that was never finished.
    async fn plan_drop(&self, plan: i64) -> Result<(), LedgerError>;
    /// A plan by hash, or by an unambiguous beginning of it of 8 characters or more.
    async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError>;
    /// Plans, newest first; a page goes on after a hash.
    async fn plans(&self, page: &Page) -> Result<Vec<Plan>, LedgerError>;
    /// What a plan says of payments, in its order, after a position.
    async fn plan_payments(
        &self,
        plan: i64,
        verdict: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Planned)>, LedgerError>;
    /// The events of a plan, or of one payment in it, in its order, after a position.
    async fn plan_events(
        &self,
        plan: i64,
        payment: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Candidate)>, LedgerError>;
    /// What differs between what two plans of the same events say. `rest`: the other one is of the rest of a plan that
    /// was begun.
    async fn plan_changes(
        &self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, LedgerError>;
    /// Moves a plan from one of some states to another, with the audit entry; `false`: it is in none of them.
    async fn plan_move(
        &self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, LedgerError>;
    /// Keeps how far a plan was published; returns the state that others may have moved it to.
    async fn plan_published(&self, plan: i64, progress: Progress, now: Ms) -> Result<PlanState, LedgerError>;
}
