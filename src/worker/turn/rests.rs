//! Why nothing is called on a claimed channel now, and until when.

use super::{PAUSED_LOOK_MS, Turns};
use crate::{
    domain::{Ms, allocation::brake::passed},
    ledger::{Claim, LedgerError, Transfer, Turn},
};

impl Turns {
    /// After a restoration first of all: a call that the ledger has forgotten may still be applied, and would be
    /// taken for ours.
    pub(super) fn account_rests(&self, turn: &Turn, transfer: &Transfer, now: Ms) -> Option<Ms> {
        let known_from = turn.restored_at.map(|at| at.saturating_add(self.policy.settle_window_ms));
        if known_from.is_some_and(|from| now < from) {
            return known_from;
        }
        if let Some(until) = self.breaker.rests_until(now) {
            return Some(until);
        }
        let hold = turn.hold.as_ref().filter(|hold| hold.keeps_back(&transfer.key, transfer.days));
        hold.map(|hold| hold.probe_at.max(now.saturating_add(1)))
    }

    /// Until when its pause, or the brake, keeps the transfer back.
    pub(super) async fn paused(
        &self,
        claim: &Claim,
        turn: &Turn,
        days: u32,
        now: Ms,
    ) -> Result<Option<Ms>, LedgerError> {
        // What moves in slices was counted when it was granted.
        let days = if turn.sliced { 0 } else { days };
        if !turn.paused && passed(&self.brake, &turn.lately, days).is_none() {
            return Ok(None);
        }
        let Some(pause) = self.ledger.may_call(claim, days, &self.brake, now).await? else {
            return Ok(None);
        };
        if pause.since == now {
            self.outages.look(&self.breaker).await;
        }
        Ok(Some(now.saturating_add(PAUSED_LOOK_MS)))
    }
}
