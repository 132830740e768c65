//! A frozen preview, then exactly that, through the queue.
//!
//! A plan names events and what would become of each payment; its hash is taken over both. What is not certain from
//! the ledger alone is rehearsed: recorded in a transaction that is never committed. Applying first makes the same plan
//! again in secret; if it says anything else, it is refused. Then it publishes exactly those bytes with trigger
//! `replay`, each under a delivery id made of the plan's hash and the event's place, so that a plan that is broken off
//! and goes on, or that two people apply at once, is recorded once. It cannot credit twice in any case: the ledger
//! knows each payment for ever.

use crate::{
    ledger::{LedgerError, plan::Change},
    queue::NotConfirmed,
};

/// From a selection, or a file, to a plan.
mod make;

/// Events from a file.
pub mod file;

/// From a plan to the queue.
mod apply;

pub use apply::{Applied, Applying, apply};
pub use make::{Feed, plan};

/// Events looked at in one go.
const PAGE: u32 = 500;

/// Most changes that are told of a plan that went stale.
pub const CHANGES_MAX: u32 = 20;

/// Events a second that a replay publishes where nothing else is said: the queue and the worker keep room for what
/// comes from the providers.
pub const PER_SECOND: u32 = 50;

/// Most events a second.
pub const PER_SECOND_MAX: u32 = 10_000;

/// Why a plan was not made, or not applied, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such plan.
    #[error("no plan {0}; make one with `daybridge replay plan`")]
    NoPlan(String),
    /// A person gave it up.
    #[error("plan {0} was aborted; make a new one")]
    Aborted(String),
    /// What it says does not hold any more.
    #[error("the plan went stale, nothing was published; make a new one. Changed: {}", told(.0))]
    Stale(Vec<Change>),
    /// It would be credited once more under another name.
    #[error(
        "event {event} was recorded from a source of another realm than {named}: name that one; nothing was planned"
    )]
    Elsewhere {
        /// The provider's event id.
        event: String,
        /// The source that was named.
        named: String,
    },
    /// A line of a file.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The queue stopped confirming in the middle.
    #[error("{published} of {total} events were published, then: {cause}; apply it again, it goes on there")]
    NotConfirmed {
        /// Confirmed so far.
        published: u64,
        /// In the plan.
        total: u64,
        /// What the queue said.
        cause: NotConfirmed,
    },
}

fn told(changes: &[Change]) -> String {
    let lines: Vec<String> =
        changes.iter().map(|c| format!("{}: planned {}; now {}", c.payment, c.planned, c.now)).collect();
    lines.join(" | ")
}
