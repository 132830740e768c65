//! Transfers and their steps.

use serde::Serialize;

use crate::domain::{
    Ms,
    closed::{HeldCause, TransferState},
    settle::{How, Outcome},
};

closed! {
    /// Whether the call behind a held transfer may have been applied, as it is shown.
    CallOutcome {
        /// It may.
        Open = "open",
        /// It was not.
        None = "none",
    }
}

impl From<Outcome> for CallOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Open | Outcome::Forgotten => Self::Open,
            Outcome::None => Self::None,
        }
    }
}

/// A transfer with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferRow {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// Days.
    pub days: u32,
    /// Comment sent with the extension.
    pub comment: String,
    /// Where it stands.
    pub state: TransferState,
    /// Whether its call may have been applied, where it is held.
    pub outcome: Option<CallOutcome>,
    /// The cause, where it is held.
    pub cause: Option<HeldCause>,
    /// Why it stands where it stands.
    pub reason: Option<String>,
    /// How it came to be settled, where it is.
    pub how: Option<How>,
    /// Calls so far.
    pub attempt: u32,
    /// `activeTill` before the last call.
    pub before: Option<Ms>,
    /// `activeTill` after it.
    pub after: Option<Ms>,
    /// The next step, in words.
    pub next: Option<String>,
    /// When that happens by itself.
    pub next_at: Option<Ms>,
    /// When it was planned.
    pub created_at: Ms,
    /// Every transition, oldest first; empty in lists.
    pub steps: Vec<TransferStep>,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferStep {
    /// When.
    pub at: Ms,
    /// The new state.
    pub state: TransferState,
    /// Number of calls by then.
    pub attempt: u32,
    /// What is known, in words.
    pub note: String,
    /// Who, where a person decided.
    pub who: Option<String>,
}

/// Days settled in ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// When the ten minutes began.
    pub at: Ms,
    /// Days.
    pub days: i64,
    /// Transfers.
    pub transfers: i64,
}
