//! Why a page is not answered.

use crate::{
    ledger::LedgerError,
    ops::{held::HeldError, replay::ReplayError},
};

/// Why a page is not answered; the text is for the user.
#[derive(Debug)]
pub(super) enum PageError {
    /// Something in the form or the address does not fit.
    Unfit(String),
    /// No such thing.
    Missing(String),
    /// It does not fit what is recorded.
    Refused(String),
    /// Queue or ledger do not answer; try again.
    Away(String),
    /// Too many tries.
    TooMany(String),
}

impl From<LedgerError> for PageError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(text) => PageError::Refused(text),
            // Their texts may name hosts and files; whoever mends them reads the log.
            LedgerError::Unstorable(_) => PageError::Refused(error.to_string()),
            LedgerError::Unavailable(_)
            | LedgerError::Missing(_)
            | LedgerError::Newer { .. }
            | LedgerError::Corrupt(_) => {
                tracing::error!(%error, "the console cannot use the ledger");
                PageError::Away("the ledger cannot be used now; the log says why".into())
            }
        }
    }
}

impl From<HeldError> for PageError {
    fn from(error: HeldError) -> Self {
        match error {
            HeldError::Ledger(error) => error.into(),
            HeldError::NotConfirmed(_) => PageError::Away(error.to_string()),
        }
    }
}

impl From<ReplayError> for PageError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Ledger(error) => error.into(),
            ReplayError::NoPlan(hash) => PageError::Missing(format!("no plan {hash}")),
            ReplayError::NotConfirmed { .. } => PageError::Away(error.to_string()),
            ReplayError::Aborted(_)
            | ReplayError::Stale(_)
            | ReplayError::Elsewhere { .. }
            | ReplayError::Line { .. } => PageError::Refused(error.to_string()),
        }
    }
}
