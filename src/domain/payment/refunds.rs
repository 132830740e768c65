//! The refunds of a payment, told by id, by amount, or as a total.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Ms,
    facts::{Reversal, ReversalAmount, ReversalState},
};

/// One refund, or those of one amount that have no id.
#[derive(Debug, Default)]
pub(super) struct Refund {
    /// The largest amount that was told.
    part: Option<i64>,
    /// It was told without an amount, other than by a total.
    all: bool,
    /// When it was made.
    made: BTreeSet<Ms>,
    /// When it failed.
    undone: BTreeSet<Ms>,
}

/// All refunds of a payment.
#[derive(Debug, Default)]
pub(super) struct Refunds {
    pub(super) whole: i64,
    by_id: BTreeMap<String, Refund>,
    /// Without an id, by their amount.
    loose: BTreeMap<Option<i64>, Refund>,
    /// When a total was told, which, and whether it has no refund that is under way.
    totals: BTreeSet<(Ms, i64, bool)>,
}

impl Refunds {
    /// Of so much at most.
    pub(super) fn of(whole: i64) -> Self {
        Self { whole, ..Self::default() }
    }

    pub(super) fn take(&mut self, out: Reversal, at: Ms) {
        let undone = match out.state {
            ReversalState::Inquiry => return,
            ReversalState::Undone => true,
            ReversalState::Open | ReversalState::Done | ReversalState::Failed => false,
        };
        let part = match out.amount {
            ReversalAmount::Part(units) => Some(units.max(0)),
            ReversalAmount::All => None,
            ReversalAmount::Total(units) | ReversalAmount::Done(units) => {
                if !undone {
                    let only_done = matches!(out.amount, ReversalAmount::Done(_));
                    self.totals.insert((at, units.max(0), only_done));
                }
                // Which part of the total is this refund's, another event tells.
                if let Some(id) = out.id {
                    self.by_id.entry(id).or_default().seen(undone, at);
                }
                return;
            }
        };
        let refund = match out.id {
            Some(id) => self.by_id.entry(id).or_default(),
            None => self.loose.entry(part).or_default(),
        };
        refund.part = refund.part.max(part);
        refund.all |= part.is_none();
        refund.seen(undone, at);
    }

    /// Without one of the very amount that was never captured: that is no money, only what the payer's bank had
    /// reserved and let go. Totals come without it.
    pub(super) fn sum(&self, never_in: i64) -> i64 {
        let standing = self.by_id.values().filter(|refund| refund.undone.is_empty());
        let by_id = standing.map(|refund| refund.amount(self.whole));
        let loose = self.loose.iter().map(|(part, refund)| match part {
            Some(units) => units.saturating_mul(refund.standing()),
            None if refund.undone.is_empty() => self.whole,
            None => 0,
        });
        let parts = by_id.chain(loose).fold(0_i64, i64::saturating_add);
        let parts = if self.stands_one_of(never_in) { parts.saturating_sub(never_in) } else { parts };
        let totals = self
            .totals
            .iter()
            .map(|(at, units, only_done)| units.saturating_sub(self.failed_since(*at, *only_done)).max(0));
        totals.max().unwrap_or(0).max(parts)
    }

    pub(super) fn stands_one_of(&self, units: i64) -> bool {
        let by_id = self.by_id.values().any(|refund| refund.undone.is_empty() && refund.part == Some(units));
        let loose = self.loose.get(&Some(units)).is_some_and(|refund| refund.standing() > 0);
        units > 0 && (by_id || loose)
    }

    /// What a total told at a time has in it of refunds that failed then or later: those made by then, and, where it has
    /// those under way, those that are only known to have failed.
    fn failed_since(&self, at: Ms, only_done: bool) -> i64 {
        let by_id = self.by_id.values().filter(|refund| {
            refund.undone.first().is_some_and(|undone| *undone >= at)
                && refund.made.first().map_or(!only_done, |made| *made <= at)
        });
        let by_id = by_id.map(|refund| refund.amount(self.whole));
        let loose = self.loose.iter().map(|(part, refund)| {
            let failed = refund.undone.range(at..).count();
            let made = refund.made.range(..=at).count();
            let failed = if refund.made.is_empty() && !only_done { failed } else { failed.min(made) };
            let many = if part.is_none() { failed.min(1) } else { failed };
            part.unwrap_or(self.whole).saturating_mul(i64::try_from(many).unwrap_or(i64::MAX))
        });
        by_id.chain(loose).fold(0_i64, i64::saturating_add)
    }
}

impl Refund {
    /// Told by a total alone, it adds nothing to the sum of the parts.
    pub(super) fn amount(&self, whole: i64) -> i64 {
        self.part.unwrap_or(if self.all { whole } else { 0 })
    }

    pub(super) fn seen(&mut self, undone: bool, at: Ms) {
        if undone {
            self.undone.insert(at);
        } else {
            self.made.insert(at);
        }
    }

    /// How many of those without an id were made and did not fail.
    pub(super) fn standing(&self) -> i64 {
        i64::try_from(self.made.len().saturating_sub(self.undone.len())).unwrap_or(i64::MAX)
    }
}
