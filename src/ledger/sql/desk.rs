//! The operator's side: what is listed and decided. Lists are bounded by the caller's page; every decision goes into the audit
//! log in the same transaction.

use super::{Ledger, kept::KeptEntry, pause};
use crate::{
    domain::Ms,
    envelope::Envelope,
    ledger::{
        Act, Correction, Decided, Entry, LedgerError, Plan, Scope, Selection,
        measures::Measures,
        plan::{Candidate, Change, PlanState, Progress, Standing},
        query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};

impl Ledger {
    /// Payments, newest first.
    pub async fn payments(
        &self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.payments(&wanted, &page)).await
    }

    /// One payment by its key, a transfer's key, or any provider id that names it.
    pub async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError> {
        let key = key.to_owned();
        self.db.read(move |tx| tx.payment(&key)).await
    }

    /// Transfers, newest first.
    pub async fn transfers(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.transfers(&wanted, &page)).await
    }

    /// Events (one row per delivery), newest first; a page goes on after a delivery's id.
    pub async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.events(&wanted, &page)).await
    }

    /// One event by the provider's event id, `source/event-id`, or a delivery id; with its raw body.
    pub async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError> {
        let id = id.to_owned();
        self.db.read(move |tx| tx.event(&id)).await
    }

    /// Channels that days were planned for, soonest expiry first; a page goes on after `account/channel`.
    pub async fn channels(
        &self,
        wanted: &ChannelQuery,
        page: &Page,
    ) -> Result<Vec<view::Channel>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.channels(&wanted, &page)).await
    }

    /// Partner accounts that days were planned on.
    pub async fn accounts(&self) -> Result<Vec<String>, LedgerError> {
        self.db.read(move |tx| tx.accounts()).await
    }

    /// Everything that waits for a person: the account, transfers, payments, events; up to `limit` of each,
    /// oldest first.
    pub async fn held(
        &self,
        wanted: &HeldQuery,
        limit: u32,
        now: Ms,
    ) -> Result<Vec<view::Held>, LedgerError> {
        let wanted = wanted.clone();
        self.db.read(move |tx| tx.held(&wanted, limit, now)).await
    }

    /// The same, counted by kind and cause.
    pub async fn held_groups(&self, now: Ms) -> Result<Vec<view::HeldGroup>, LedgerError> {
        self.db.read(move |tx| tx.held_groups(now)).await
    }

    /// Unexplained movements, newest first.
    pub async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError> {
        self.db.read(move |tx| tx.movements(limit)).await
    }

    /// Counts by state, for the overview and the demo.
    pub async fn counts(&self) -> Result<view::Counts, LedgerError> {
        self.db.read(move |tx| tx.counts()).await
    }

    /// Everything that metrics tell of the ledger.
    pub async fn measures(&self, sources: &[String], now: Ms) -> Result<Measures, LedgerError> {
        let sources = sources.to_vec();
        self.db.read(move |tx| tx.measures(&sources, now)).await
    }

    /// Days settled since a time, by spans of ten minutes, over all accounts.
    pub async fn spent(&self, since: Ms) -> Result<Vec<view::Spent>, LedgerError> {
        self.db.read(move |tx| tx.spent(since)).await
    }

    /// Deliveries received since a time, by minutes.
    pub async fn traffic(&self, since: Ms) -> Result<Vec<view::Traffic>, LedgerError> {
        self.db.read(move |tx| tx.traffic(since)).await
    }

    /// When each source last delivered.
    pub async fn last_deliveries(
        &self,
        sources: &[String],
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        let sources = sources.to_vec();
        self.db.read(move |tx| tx.last_deliveries(&sources)).await
    }

    /// A person's decision about a transfer, or `Cancel`/`Retry` of a held payment or event where that fits.
    /// `Retry` of a transfer that waits for its account, held or planned, makes it the account's probe now.
    pub async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError> {
        let (key, decided) = (key.to_owned(), decided.kept());
        self.db.alone(move |tx| tx.decide(&key, &decided.lent(), now)).await
    }

    /// A person says which channel or how many days a held payment or transfer is for. A payment is weighed anew
    /// when its events are replayed; a transfer is planned anew.
    pub async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<(), LedgerError> {
        let (key, correction) = (key.to_owned(), correction.kept());
        self.db.alone(move |tx| tx.correct(&key, &correction.lent(), now)).await
    }

    /// Declares that the ledger was restored from a backup made at `since` or later: whatever was not settled
    /// then, and whatever was paid until now and is not granted, may have been credited since, and waits for a
    /// person. No worker may run.
    pub async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError> {
        let who = who.to_owned();
        self.db.alone(move |tx| tx.restored(since, &who, now)).await
    }

    /// A person says how far back a ledger that was made new may grant; before it was made only.
    pub async fn adopt(&self, since: Ms, act: &Act<'_>, now: Ms) -> Result<view::Adopted, LedgerError> {
        let act = act.kept();
        self.db.alone(move |tx| tx.adopt(since, &act.lent(), now)).await
    }

    /// A person says that nothing was lost when the ledger came to another database server: calls go on.
    pub async fn failover(&self, act: &Act<'_>, now: Ms) -> Result<view::Failover, LedgerError> {
        let act = act.kept();
        // Outside the transaction: what it remembers of the server must stay, whatever becomes of that one.
        let moved = self.db.read(|tx| tx.moved()).await?;
        self.db.alone(move |tx| tx.failover(moved.as_ref(), &act.lent(), now)).await
    }

    /// No new call is made in this scope until it is resumed. `false`: it was paused already.
    pub async fn pause(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        let (scope, act) = (scope.clone(), act.kept());
        self.db.alone(move |tx| tx.pause(&scope, pause::PERSON, &act.lent(), now)).await
    }

    /// Ends a pause, a person's or the brake's. `false`: there was none.
    pub async fn resume(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        let (of, act) = (scope.clone(), act.kept());
        if self.db.alone(move |tx| tx.resume(&of, &act.lent(), now)).await? {
            return Ok(true);
        }
        match self.db.read(|tx| tx.moved()).await? {
            Some(moved) if *scope == Scope::All => Err(LedgerError::Refused(moved.pause().reason)),
            Some(_) | None => Ok(false),
        }
    }

    /// The pauses that hold now, oldest first.
    pub async fn pauses(&self) -> Result<Vec<view::Pause>, LedgerError> {
        self.db.read(move |tx| tx.pauses()).await
    }

    /// What people did, newest first; a page goes on after a number.
    pub async fn audit(&self, key: Option<&str>, page: &Page) -> Result<Vec<view::Audited>, LedgerError> {
        let (key, page) = (key.map(str::to_owned), page.clone());
        self.db.read(move |tx| tx.audit(key.as_deref(), &page)).await
    }

    /// Keeps an act that changes nothing else here, such as a login.
    pub async fn note(&self, action: &str, key: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError> {
        let (action, key, act) = (action.to_owned(), key.to_owned(), act.kept());
        self.db.write(move |tx| tx.note(&action, &key, &act.lent(), now)).await
    }

    /// Filters that a user of the console gave a name, by name.
    pub async fn views(&self, owner: &str) -> Result<Vec<view::SavedView>, LedgerError> {
        let owner = owner.to_owned();
        self.db.read(move |tx| tx.views(&owner)).await
    }

    /// Keeps one, in place of another of the same name.
    pub async fn view_save(&self, owner: &str, view: &view::SavedView, now: Ms) -> Result<(), LedgerError> {
        let (owner, view) = (owner.to_owned(), view.clone());
        self.db.alone(move |tx| tx.view_save(&owner, &view, now)).await
    }

    /// Forgets one.
    pub async fn view_delete(&self, owner: &str, name: &str) -> Result<(), LedgerError> {
        let (owner, name) = (owner.to_owned(), name.to_owned());
        self.db.write(move |tx| tx.view_delete(&owner, &name)).await
    }

    /// Drops the bodies of events received before `before` whose payment is settled, cancelled or nothing; at most
    /// `limit`. What is dropped cannot be replayed; its digest stays.
    pub async fn prune_bodies(&self, before: Ms, limit: u32) -> Result<u64, LedgerError> {
        self.db.write(move |tx| tx.prune_bodies(before, limit)).await
    }

    /// What that would drop in all.
    pub async fn prunable(&self, before: Ms) -> Result<view::Several, LedgerError> {
        self.db.read(move |tx| tx.prunable(before)).await
    }

    /// What such a declaration would hold now.
    pub async fn restored_would(&self) -> Result<view::Several, LedgerError> {
        self.db.read(move |tx| tx.restored_would()).await
    }

    /// Takes the last declaration back, as long as nothing was decided on it.
    pub async fn restored_undo(&self, act: &Act<'_>, now: Ms) -> Result<view::Undone, LedgerError> {
        let act = act.kept();
        self.db.alone(move |tx| tx.restored_undo(&act.lent(), now)).await
    }

    /// Workers that run, or may.
    pub async fn workers(&self) -> Result<Vec<view::WorkerSeen>, LedgerError> {
        self.db.read(move |tx| tx.workers()).await
    }

    /// Numbers of the events a selection names, oldest first, after a number; at most `limit`.
    pub async fn select(
        &self,
        selection: &Selection,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, LedgerError> {
        let selection = selection.clone();
        self.db.read(move |tx| tx.select(&selection, after, limit)).await
    }

    /// Where events and their payments stand, in the order of the numbers.
    pub async fn standings(&self, events: &[i64]) -> Result<Vec<Standing>, LedgerError> {
        let events = events.to_vec();
        self.db.read(move |tx| tx.standings(&events)).await
    }

    /// What recording these would do, in this order; nothing is kept.
    pub async fn rehearse(&self, entries: &[Entry<'_>], now: Ms) -> Result<Vec<view::Planned>, LedgerError> {
        let entries: Vec<_> = entries.iter().map(Entry::kept).collect();
        self.db
            .write(move |tx| tx.rehearse(&entries.iter().map(KeptEntry::lent).collect::<Vec<_>>(), now))
            .await
    }

    /// The stored bytes of events by their numbers, in the words they were received with.
    pub async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError> {
        let events = events.to_vec();
        self.db.read(move |tx| tx.envelopes(&events)).await
    }

    /// Begins a plan; returns its number.
    pub async fn plan_begin(&self, selection: &str, who: &str, now: Ms) -> Result<i64, LedgerError> {
        let (selection, who) = (selection.to_owned(), who.to_owned());
        self.db.write(move |tx| tx.plan_begin(&selection, &who, now)).await
    }

    /// Adds events and what would become of their payments; of two verdicts on a payment the weightier stays.
    pub async fn plan_add(
        &self,
        plan: i64,
        events: &[Candidate],
        payments: &[view::Planned],
    ) -> Result<(), LedgerError> {
        let (events, payments) = (events.to_vec(), payments.to_vec());
        self.db.write(move |tx| tx.plan_add(plan, &events, &payments)).await
    }

    /// Counts the plan and gives it its hash: it can be applied from now on.
    pub async fn plan_finish(&self, plan: i64, hash: &str, now: Ms) -> Result<Plan, LedgerError> {
        let hash = hash.to_owned();
        self.db.write(move |tx| tx.plan_finish(plan, &hash, now)).await
    }

    /// Drops a plan that was never finished.
    pub async fn plan_drop(&self, plan: i64) -> Result<(), LedgerError> {
        self.db.write(move |tx| tx.plan_drop(plan)).await
    }

    /// A plan by hash, or by an unambiguous beginning of it of 8 characters or more.
    pub async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError> {
        let hash = hash.to_owned();
        self.db.read(move |tx| tx.plan(&hash)).await
    }

    /// Plans, newest first; a page goes on after a hash.
    pub async fn plans(&self, page: &Page) -> Result<Vec<Plan>, LedgerError> {
        let page = page.clone();
        self.db.read(move |tx| tx.plans(&page)).await
    }

    /// What a plan says of payments, in its order, after a position.
    pub async fn plan_payments(
        &self,
        plan: i64,
        verdict: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Planned)>, LedgerError> {
        let verdict = verdict.map(str::to_owned);
        self.db.read(move |tx| tx.plan_payments(plan, verdict.as_deref(), after, limit)).await
    }

    /// The events of a plan, or of one payment in it, in its order, after a position.
    pub async fn plan_events(
        &self,
        plan: i64,
        payment: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Candidate)>, LedgerError> {
        let payment = payment.map(str::to_owned);
        self.db.read(move |tx| tx.plan_events(plan, payment.as_deref(), after, limit)).await
    }

    /// What differs between what two plans of the same events say. `rest`: the other one is of the rest of a plan that
    /// was begun.
    pub async fn plan_changes(
        &self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, LedgerError> {
        self.db.read(move |tx| tx.plan_changes(plan, other, rest, limit)).await
    }

    /// Moves a plan from one of some states to another, with the audit entry; `false`: it is in none of them.
    pub async fn plan_move(
        &self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, LedgerError> {
        let (plan, from, act) = (plan.clone(), from.to_vec(), act.kept());
        self.db.write(move |tx| tx.plan_move(&plan, &from, to, &act.lent(), now)).await
    }

    /// Keeps how far a plan was published; returns the state that others may have moved it to.
    pub async fn plan_published(
        &self,
        plan: i64,
        progress: Progress,
        now: Ms,
    ) -> Result<PlanState, LedgerError> {
        self.db.write(move |tx| tx.plan_published(plan, progress, now)).await
    }
}
