//! The operator's desk: each method tries its transaction until it meets nobody.

use async_trait::async_trait;

use super::{SqlLedger, fault::retry};
use crate::{
    domain::Ms,
    envelope::Envelope,
    ledger::{
        Act, Correction, Decided, Desk, Entry, LedgerError, Plan, Scope, Selection,
        measures::Measures,
        plan::{Candidate, Change, PlanState, Progress, Standing},
        query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};

#[async_trait]
impl Desk for SqlLedger {
    async fn payments(&self, wanted: &PaymentQuery, page: &Page) -> Result<Vec<view::Payment>, LedgerError> {
        retry!(self.payments_once(wanted, page))
    }

    async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError> {
        retry!(self.payment_once(key))
    }

    async fn transfers(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, LedgerError> {
        retry!(self.transfers_once(wanted, page))
    }

    async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError> {
        retry!(self.events_once(wanted, page))
    }

    async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError> {
        retry!(self.event_once(id))
    }

    async fn channels(&self, wanted: &ChannelQuery, page: &Page) -> Result<Vec<view::Channel>, LedgerError> {
        retry!(self.channels_once(wanted, page))
    }

    async fn accounts(&self) -> Result<Vec<String>, LedgerError> {
        retry!(self.accounts_once())
    }

    async fn held(&self, wanted: &HeldQuery, limit: u32, now: Ms) -> Result<Vec<view::Held>, LedgerError> {
        retry!(self.held_once(wanted, limit, now))
    }

    async fn held_groups(&self, now: Ms) -> Result<Vec<view::HeldGroup>, LedgerError> {
        retry!(self.held_groups_once(now))
    }

    async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError> {
        retry!(self.movements_once(limit))
    }

    async fn counts(&self) -> Result<view::Counts, LedgerError> {
        retry!(self.counts_once())
    }

    async fn measures(&self, sources: &[String], now: Ms) -> Result<Measures, LedgerError> {
        retry!(self.measures_once(sources, now))
    }

    async fn spent(&self, since: Ms) -> Result<Vec<view::Spent>, LedgerError> {
        retry!(self.spent_once(since))
    }

    async fn traffic(&self, since: Ms) -> Result<Vec<view::Traffic>, LedgerError> {
        retry!(self.traffic_once(since))
    }

    async fn last_deliveries(&self, sources: &[String]) -> Result<Vec<(String, Option<Ms>)>, LedgerError> {
        retry!(self.last_deliveries_once(sources))
    }

    async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError> {
        retry!(self.decide_once(key, decided, now))
    }

    async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<(), LedgerError> {
        retry!(self.correct_once(key, correction, now))
    }

    async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError> {
        retry!(self.restored_once(since, who, now))
    }

    async fn adopt(&self, since: Ms, act: &Act<'_>, now: Ms) -> Result<view::Adopted, LedgerError> {
        retry!(self.adopt_once(since, act, now))
    }

    async fn failover(&self, act: &Act<'_>, now: Ms) -> Result<view::Failover, LedgerError> {
        retry!(self.failover_once(act, now))
    }

    async fn pause(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        retry!(self.pause_once(scope, act, now))
    }

    async fn resume(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        retry!(self.resume_once(scope, act, now))
    }

    async fn pauses(&self) -> Result<Vec<view::Pause>, LedgerError> {
        retry!(self.pauses_once())
    }

    async fn audit(&self, key: Option<&str>, page: &Page) -> Result<Vec<view::Audited>, LedgerError> {
        retry!(self.audit_once(key, page))
    }

    async fn note(&self, action: &str, key: &str, act: &Act<'_>, now: Ms) -> Result<(), LedgerError> {
        retry!(self.note_once(action, key, act, now))
    }

    async fn views(&self, owner: &str) -> Result<Vec<view::SavedView>, LedgerError> {
        retry!(self.views_once(owner))
    }

    async fn view_save(&self, owner: &str, view: &view::SavedView, now: Ms) -> Result<(), LedgerError> {
        retry!(self.view_save_once(owner, view, now))
    }

    async fn view_delete(&self, owner: &str, name: &str) -> Result<(), LedgerError> {
        retry!(self.view_delete_once(owner, name))
    }

    async fn prune_bodies(&self, before: Ms, limit: u32) -> Result<u64, LedgerError> {
        retry!(self.prune_bodies_once(before, limit))
    }

    async fn prunable(&self, before: Ms) -> Result<view::Several, LedgerError> {
        retry!(self.prunable_once(before))
    }

    async fn restored_would(&self) -> Result<view::Several, LedgerError> {
        retry!(self.restored_would_once())
    }

    async fn restored_undo(&self, act: &Act<'_>, now: Ms) -> Result<view::Undone, LedgerError> {
        retry!(self.restored_undo_once(act, now))
    }

    async fn workers(&self) -> Result<Vec<view::WorkerSeen>, LedgerError> {
        retry!(self.workers_once())
    }

    async fn select(&self, selection: &Selection, after: i64, limit: u32) -> Result<Vec<i64>, LedgerError> {
        retry!(self.select_once(selection, after, limit))
    }

    async fn standings(&self, events: &[i64]) -> Result<Vec<Standing>, LedgerError> {
        retry!(self.standings_once(events))
    }

    async fn rehearse(&self, entries: &[Entry<'_>], now: Ms) -> Result<Vec<view::Planned>, LedgerError> {
        retry!(self.rehearse_once(entries, now))
    }

    async fn envelopes(&self, events: &[i64]) -> Result<Vec<Envelope>, LedgerError> {
        retry!(self.envelopes_once(events))
    }

    async fn plan_begin(&self, selection: &str, who: &str, now: Ms) -> Result<i64, LedgerError> {
        retry!(self.plan_begin_once(selection, who, now))
    }

    async fn plan_add(
        &self,
        plan: i64,
        events: &[Candidate],
        payments: &[view::Planned],
    ) -> Result<(), LedgerError> {
        retry!(self.plan_add_once(plan, events, payments))
    }

    async fn plan_finish(&self, plan: i64, hash: &str, now: Ms) -> Result<Plan, LedgerError> {
        retry!(self.plan_finish_once(plan, hash, now))
    }

    async fn plan_drop(&self, plan: i64) -> Result<(), LedgerError> {
        retry!(self.plan_drop_once(plan))
    }

    async fn plan(&self, hash: &str) -> Result<Option<Plan>, LedgerError> {
        retry!(self.plan_once(hash))
    }

    async fn plans(&self, page: &Page) -> Result<Vec<Plan>, LedgerError> {
        retry!(self.plans_once(page))
    }

    async fn plan_payments(
        &self,
        plan: i64,
        verdict: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Planned)>, LedgerError> {
        retry!(self.plan_payments_once(plan, verdict, after, limit))
    }

    async fn plan_events(
        &self,
        plan: i64,
        payment: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Candidate)>, LedgerError> {
        retry!(self.plan_events_once(plan, payment, after, limit))
    }

    async fn plan_changes(
        &self,
        plan: i64,
        other: i64,
        rest: bool,
        limit: u32,
    ) -> Result<Vec<Change>, LedgerError> {
        retry!(self.plan_changes_once(plan, other, rest, limit))
    }

    async fn plan_move(
        &self,
        plan: &Plan,
        from: &[PlanState],
        to: PlanState,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<bool, LedgerError> {
        retry!(self.plan_move_once(plan, from, to, act, now))
    }

    async fn plan_published(&self, plan: i64, progress: Progress, now: Ms) -> Result<PlanState, LedgerError> {
        retry!(self.plan_published_once(plan, progress, now))
    }
}
