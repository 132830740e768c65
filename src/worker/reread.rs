//! What is held is read again: all of it at the start, with the settings of then, and what waits for a provider's API
//! again and again.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::intake::Intake;
use crate::{domain::closed::HeldCause, envelope::Envelope, ledger::LedgerError, provider::ANSWER_TIMEOUT};

/// Events read from the ledger in one go, when they are read again.
const REREAD_PAGE: u32 = 200;

/// Of these, read at the same time.
const REREAD_AT_ONCE: usize = 4;

impl Intake {
    /// Reads what waits for a provider's API again and again.
    pub(super) async fn ask_again(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let _ = tokio::time::timeout(self.fetch_again, stop.cancelled()).await; // Err: the time is up
            if stop.is_cancelled() {
                return;
            }
            if let Err(error) = self.reread(Some(HeldCause::Unfetched), &stop).await {
                tracing::warn!(%error, "what waits for a provider's API was not asked for again; the next turn does");
            }
        }
    }

    /// Reads everything held once more, or what is held for one cause, with the settings of today. In no order: an API
    /// that fails for the first ones may answer for the others.
    pub(super) async fn reread(
        self: &Arc<Self>,
        cause: Option<HeldCause>,
        stop: &CancellationToken,
    ) -> Result<(), LedgerError> {
        let mut after = 0;
        while !stop.is_cancelled() {
            let mut page = self.ledger.held_envelopes(cause, after, REREAD_PAGE).await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            fastrand::shuffle(&mut page);
            let mut in_hand = JoinSet::new();
            // One of the dead queue waits for an API only where a person had it tried again.
            let may = |dead: bool| !dead || cause == Some(HeldCause::Unfetched);
            let mut held = page.into_iter().filter(|(.., dead)| may(*dead)).map(|(_, envelope, _)| envelope);
            loop {
                while in_hand.len() < REREAD_AT_ONCE
                    && let Some(envelope) = held.next()
                {
                    in_hand.spawn(self.clone().record_again(envelope));
                }
                tokio::select! {
                    biased;
                    // What is in hand is given up; the next start finds it held.
                    () = stop.cancelled() => return Ok(()),
                    ended = in_hand.join_next() => match ended {
                        Some(Ok(Err(error @ (LedgerError::Unavailable(_) | LedgerError::Newer { .. })))) => {
                            return Err(error);
                        }
                        // It stays held, and keeps no other from being read.
                        Some(Ok(Err(error))) => tracing::error!(%error, "a held event cannot be recorded again"),
                        Some(Ok(Ok(()))) => {}
                        Some(Err(error)) => return Err(LedgerError::Unavailable(error.to_string())),
                        None => break,
                    },
                }
            }
        }
        Ok(())
    }

    async fn record_again(self: Arc<Self>, envelope: Envelope) -> Result<(), LedgerError> {
        for part in &self.parts(&envelope, true) {
            self.record(part, ANSWER_TIMEOUT).await?;
        }
        Ok(())
    }
}
