//! A transfer in a turn, and what of it is committed.

use std::time::Duration;

use super::{Turns, Worked};
use crate::{
    domain::{
        Ms,
        channel::Channel,
        settle::{AccountSignal, Effect, Step},
    },
    ledger::{Advanced, Claim, LedgerError, Transfer},
};

/// Wait between tries to commit an answer while the ledger is away.
const COMMIT_RETRY: Duration = Duration::from_millis(250);

/// A transfer as it stands after the steps so far, and what came of them.
pub(super) struct ActiveTransfer<'a> {
    pub(super) claim: &'a Claim,
    pub(super) transfer: Transfer,
    pub(super) channel: Channel,
    pub(super) lease_until: Ms,
    pub(super) worked: Worked,
    /// Calls may have begun to rest, or go on, since that was last looked at.
    pub(super) news: bool,
}

/// When a step began, by the clock that may be set and by the one that nobody sets.
#[derive(Clone, Copy)]
pub(super) struct Began {
    pub(super) now: Ms,
    pub(super) boot: Duration,
}

impl Turns {
    /// Commits a step; an answer to a call is worth waiting for the ledger as long as the lease lasts.
    pub(super) async fn commit(
        &self,
        active: &ActiveTransfer<'_>,
        step: &Step,
        began: Ms,
    ) -> Result<Option<Advanced>, LedgerError> {
        let ActiveTransfer { claim, transfer: Transfer { key, state: from, .. }, lease_until, .. } = active;
        let patient_until = if from.open() { *lease_until } else { began };
        let gives_back = step.effect == Effect::Rest;
        loop {
            let now = self.clock.now_ms();
            match self.ledger.advance(claim, key, from, step, gives_back, now).await {
                Err(LedgerError::Unavailable(_)) if now < patient_until => {
                    tokio::time::sleep(COMMIT_RETRY).await;
                }
                answer => return answer,
            }
        }
    }

    /// Tells the account what a step says of it.
    pub(super) async fn tell_account(
        &self,
        active: &mut ActiveTransfer<'_>,
        signal: Option<AccountSignal>,
        now: Ms,
    ) -> Result<(), LedgerError> {
        let Some(signal) = signal else { return Ok(()) };
        let probe_at = now.saturating_add(self.probe_ms);
        let account = &active.claim.account;
        self.ledger.account_news(account, signal, &active.transfer.key, now, probe_at).await?;
        active.news = true;
        Ok(())
    }
}
