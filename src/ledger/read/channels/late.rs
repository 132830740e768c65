//! Slices that are late.

use crate::{
    domain::{Ms, allocation::slices::QUEUED, settle::State},
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args},
        read::{list::transfer_sql, rows},
        row, view,
    },
};

/// Most slices that are looked at, for those that are late.
const LOOKED_AT_MAX: i64 = 10_000;

impl Ledger {
    /// Slices of the account that were to be sent before a time and still wait, also for the balance or the token; the
    /// one that has waited longest first.
    pub async fn late_slices(
        &self,
        account: &str,
        before: Ms,
        limit: usize,
    ) -> Result<Vec<view::LateSlice>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.late_slices(&account, before, limit)).await
    }
}

impl Tx {
    /// Along the states of what is not settled. Only the next slice of a channel is a transfer, so there is one a channel.
    pub(in crate::ledger) fn late_slices(
        &mut self,
        account: &str,
        before: Ms,
        limit: usize,
    ) -> Result<Vec<view::LateSlice>, Fault> {
        let rows = self.all(
            transfer_sql!(
                "",
                "WHERE state <> 'settled' AND state IN ('planned', 'held') AND live = 1 AND account || '' = $1 \
                 AND (wanted_at < $2 OR due_at IS NOT NULL OR cause IN ('balance', 'unauthorized')) LIMIT $3"
            ),
            args![account, before, LOOKED_AT_MAX],
        )?;
        let mut late = Vec::new();
        for row in &rows {
            let since = waits_since(&row::state(row)?).filter(|since| *since < before);
            if let Some(since) = since {
                late.push(view::LateSlice { since, transfer: rows::transfer(row)? });
            }
        }
        late.sort_by(|a, b| (a.since, &a.transfer.key).cmp(&(b.since, &b.transfer.key)));
        late.truncate(limit);
        Ok(late)
    }
}

/// When it was to be sent.
fn waits_since(state: &State) -> Option<Ms> {
    match state {
        State::Planned { ahead: Some(ahead), .. } => Some(ahead.at).filter(|at| *at < QUEUED),
        State::Planned { since, .. } => Some(*since),
        State::Held { at, .. } => Some(*at),
        State::Intended { .. } | State::Doubtful { .. } | State::Settled { .. } | State::Cancelled { .. } => {
            None
        }
    }
}
