//! From pages to rows, in this order: the provider's record, each payment with what the ledger and the evidence
//! say of it; payments of the ledger that the record does not have; what Billing History and the channels show
//! beyond both.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    EDGE_MS, LATE_MS_MAX, PAYMENTS_MAX, Pages, Paid, Range, ReconcileError,
    case::{Case, Hints, InRecord},
    compare::{judge, second},
    gaps::Gaps,
    history::{BillingHistory, ByHand, HistoryLine},
    moved::{self, KnownTills},
    names::{self, Lines, Names, Space},
    row::{Finding, Row, Sums},
};
use crate::domain::id::GRANT_REALM;
use crate::{
    domain::{Ms, settle::State},
    ledger::{
        Ledger,
        books::{ASKED_MAX, BookWalk, Booked},
    },
};

/// Payments of one page of the ledger.
const PAGE_PAYMENTS: u32 = 500;

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The provider account's name.
    pub realm: &'a str,
    /// The mode whose payments count.
    pub livemode: bool,
    /// The partner account.
    pub account: &'a str,
    /// When it was paid.
    pub range: Range,
    /// When the provider's record was made: it cannot have what was paid later.
    pub record_at: Ms,
    /// When Billing History was saved, likewise.
    pub history_at: Ms,
    /// The ledger's channels; read after `readings`.
    pub known: &'a KnownTills,
    /// `activeTill` of channels, as they are read now.
    pub readings: &'a BTreeMap<String, Ms>,
    /// When they were read.
    pub now: Ms,
}

/// Takes a row when it is known.
pub type Tell<'a> = &'a mut (dyn FnMut(&Row) + Send);

struct Run<'a> {
    ledger: &'a Ledger,
    question: &'a Question<'a>,
    in_history: bool,
    lines: Lines,
    gaps: Gaps,
    hints: Hints,
    /// Payments of the ledger that have their row, each with the provider's id of it.
    seen: HashMap<String, String>,
    /// Earliest payment in the provider's record.
    first_at: Option<Ms>,
    sums: Sums,
    tell: Tell<'a>,
}

/// Compares, and tells each row.
pub async fn run(
    ledger: &Ledger,
    question: &Question<'_>,
    pages: &mut dyn Pages,
    history: Option<BillingHistory>,
    tell: Tell<'_>,
) -> Result<Sums, ReconcileError> {
    let Question { realm, livemode, account, range, known, readings, now, .. } = *question;
    let in_history = history.is_some();
    let BillingHistory { named, by_hand, .. } = history.unwrap_or_default();
    let lines = Lines::find(ledger, Space { realm, livemode }, named).await?;
    let mut gaps = moved::gaps(ledger, account, range, known, readings, now).await?;
    let hints = moved::hints(ledger, account, &mut gaps, in_history).await?;
    let (seen, first_at, sums) = (HashMap::new(), None, Sums::default());
    let mut run = Run { ledger, question, in_history, lines, gaps, hints, seen, first_at, sums, tell };
    run.record(pages).await?;
    run.walk().await?;
    run.grants().await?;
    run.rest().await?;
    run.beyond(&by_hand);
    Ok(run.sums)
}

impl Run<'_> {
    /// The provider's record.
    async fn record(&mut self, pages: &mut dyn Pages) -> Result<(), ReconcileError> {
        let space = Space { realm: self.question.realm, livemode: self.question.livemode };
        let mut unknown = BTreeSet::new();
        loop {
            let page = pages.next().await.map_err(ReconcileError::Record)?;
            if page.is_empty() {
                return Ok(());
            }
            if self.seen.len().saturating_add(unknown.len()) > PAYMENTS_MAX {
                return Err(ReconcileError::TooMany(PAYMENTS_MAX, "payments"));
            }
            let page: Vec<Paid> = page.into_iter().filter(|paid| paid.livemode == space.livemode).collect();
            let ids = page.iter().flat_map(|paid| std::iter::once(&paid.id).chain(&paid.aliases)).cloned();
            let names = Names::ask(self.ledger, space, ids.collect()).await?;
            let keys = page.iter().filter_map(|paid| names.of(paid)).map(str::to_owned).collect();
            let booked = names::booked(self.ledger, keys).await?;
            for paid in &page {
                self.first_at = Some(self.first_at.map_or(paid.at_ms, |at| at.min(paid.at_ms)));
                match names.of(paid).and_then(|key| booked.get(key)) {
                    Some(booked) => self.listed(paid, booked),
                    None if unknown.insert(paid.id.clone()) => self.unknown(paid),
                    None => {}
                }
            }
        }
    }

    fn listed(&mut self, paid: &Paid, booked: &Booked) {
        let in_range = self.question.range.has(paid.at_ms);
        match self.seen.get(&booked.key) {
            Some(first) if *first == paid.id => {}
            Some(first) => {
                let row = second(paid, &booked.key, first).filter(|_| in_range);
                row.iter().for_each(|row| self.told(row));
            }
            None => {
                self.seen.insert(booked.key.clone(), paid.id.clone());
                let listed = if in_range { InRecord::Paid(paid) } else { InRecord::Elsewhere };
                self.judged(&booked.key, listed, Some(booked));
            }
        }
    }

    /// The ledger does not know it; Billing History may.
    fn unknown(&mut self, paid: &Paid) {
        if !self.question.range.has(paid.at_ms) {
            return;
        }
        let keys: Vec<String> = names::keys_of(paid, self.question.realm).collect();
        let lines = keys.iter().find_map(|key| self.lines.unknown.remove(key)).unwrap_or_default();
        let Some(key) = keys.first() else { return };
        self.judge(key, InRecord::Paid(paid), None, &lines);
    }

    /// Payments of the ledger that the record does not have.
    async fn walk(&mut self) -> Result<(), ReconcileError> {
        let range = self.question.range;
        let walk = BookWalk {
            realm: self.question.realm,
            livemode: self.question.livemode,
            since: range.since.saturating_sub(LATE_MS_MAX),
            until: range.until.saturating_add(LATE_MS_MAX),
            limit: PAGE_PAYMENTS,
        };
        let mut after = None;
        loop {
            let page = self.ledger.booked_page(&walk, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.first_seen_at, last.key.clone()));
            let page: Vec<Booked> =
                page.into_iter().filter(|booked| !self.seen.contains_key(&booked.key)).collect();
            let keys: Vec<String> = page.iter().map(|booked| booked.key.clone()).collect();
            let mut paid_at = BTreeMap::new();
            for batch in keys.chunks(ASKED_MAX) {
                paid_at.extend(self.ledger.paid_at(batch).await?);
            }
            for booked in &page {
                let listed = self.not_listed(booked, paid_at.get(&booked.key).copied());
                self.judged(&booked.key, listed, Some(booked));
            }
            self.seen.extend(keys.into_iter().map(|key| (key, String::new())));
            if self.seen.len() > PAYMENTS_MAX {
                return Err(ReconcileError::TooMany(PAYMENTS_MAX, "payments"));
            }
        }
    }

    /// What persons granted in the range, whatever the source; no record has it.
    async fn grants(&mut self) -> Result<(), ReconcileError> {
        let Range { since, until } = self.question.range;
        let walk = BookWalk { realm: GRANT_REALM, livemode: true, since, until, limit: PAGE_PAYMENTS };
        let mut after = None;
        while self.question.livemode {
            let page = self.ledger.booked_page(&walk, after).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.first_seen_at, last.key.clone()));
            for booked in &page {
                self.judged(&booked.key, InRecord::Granted, Some(booked));
            }
            self.seen.extend(page.into_iter().map(|booked| (booked.key, String::new())));
        }
        Ok(())
    }

    /// A payment made just before the range may be paid in it, and one may be paid after the record was made. That
    /// the record lacks them proves nothing, unless it begins earlier.
    fn not_listed(&mut self, booked: &Booked, paid_at: Option<Ms>) -> InRecord<'static> {
        let range = self.question.range;
        let Some(at) = paid_at.filter(|at| range.has(*at)) else { return InRecord::Elsewhere };
        let begins_late = self.first_at.is_none_or(|first| first >= range.since);
        let first_hour = begins_late && at < range.since.saturating_add(EDGE_MS);
        if first_hour || at >= self.question.record_at {
            let settled = booked.transfers.iter().any(|t| matches!(t.state, State::Settled { .. }));
            self.sums.not_judged = self.sums.not_judged.saturating_add(settled.into());
            return InRecord::Elsewhere;
        }
        InRecord::Missing
    }

    /// Payments of other times that Billing History or a channel speaks of.
    async fn rest(&mut self) -> Result<(), ReconcileError> {
        let transfers = self.hints.again.iter().chain(&self.hints.moved);
        let payments =
            transfers.filter_map(|key| key.rsplit_once('#')).map(|(payment, _)| payment.to_owned());
        let keys: BTreeSet<String> = payments
            .filter(|key| !self.seen.contains_key(key))
            .chain(self.lines.known.keys().cloned())
            .collect();
        for booked in names::booked(self.ledger, keys).await?.values() {
            self.judged(&booked.key, InRecord::Elsewhere, Some(booked));
        }
        Ok(())
    }

    /// What no payment explains.
    fn beyond(&mut self, by_hand: &[ByHand]) {
        for (key, lines) in std::mem::take(&mut self.lines.unknown) {
            self.told(&nobodys(key, &lines));
        }
        for found in by_hand {
            self.gaps.explain(&found.channel, found.days);
            self.told(&extended_by_hand(found));
        }
        for row in std::mem::take(&mut self.gaps).rows() {
            self.told(&row);
        }
    }

    fn judged(&mut self, key: &str, listed: InRecord<'_>, booked: Option<&Booked>) {
        let lines = self.lines.known.remove(key).unwrap_or_default();
        self.judge(key, listed, booked, &lines);
    }

    fn judge(&mut self, key: &str, listed: InRecord<'_>, booked: Option<&Booked>, lines: &[HistoryLine]) {
        let history = self.in_history.then_some(lines);
        let Range { since, until } = self.question.range;
        // Settled is later than applied: the history of the range may lack what was settled early in it.
        let covered =
            Range { since: since.saturating_add(EDGE_MS), until: until.min(self.question.history_at) };
        let case = Case { key, listed, booked, history, covered, hints: &self.hints };
        let verdict = judge(&case);
        if let Some((channel, days)) = verdict.explains {
            self.gaps.explain(&channel, days);
        }
        verdict.row.iter().for_each(|row| self.told(row));
    }

    fn told(&mut self, row: &Row) {
        self.sums.add(row);
        (self.tell)(row);
    }
}

/// A key of ours that names no payment here or at the provider.
fn nobodys(key: String, lines: &[HistoryLine]) -> Row {
    let days = lines.iter().filter_map(|line| line.days).fold(0_u32, u32::saturating_add);
    Row {
        answer: Finding::ExtendedNotPaid,
        payment: Some(key),
        provider_id: None,
        channel: None,
        days: Some(days).filter(|days| *days > 0),
        amount: None,
        currency: None,
        why: format!(
            "its key stands on {} lines of Billing History, and neither the provider's record nor the ledger has it",
            lines.len()
        ),
        next: Some("look whether it was paid before the range, or in a ledger that was lost".into()),
    }
}

fn extended_by_hand(found: &ByHand) -> Row {
    Row {
        answer: Finding::ExtendedNotPaid,
        payment: None,
        provider_id: None,
        channel: Some(found.channel.clone()),
        days: Some(found.days),
        amount: None,
        currency: None,
        why: format!(
            "extended without a key of ours, by hand it seems (Billing History, file:line {}:{})",
            found.place.file, found.place.line
        ),
        next: Some("ask who extended it, and for what".into()),
    }
}
