//! What goes into the ledger and what comes out of it, as callers see it.

/// Rows as operators see them.
pub mod view;

/// What lists and searches ask for.
pub mod query;

/// What metrics and ERROR lines tell.
pub mod measures;

/// Frozen replays.
pub mod plan;

/// Payments and transfers as reconcile compares them.
pub mod books;

/// A delivery to be recorded, and how it ends.
mod entry;

/// What a person decides, and where.
mod decision;

/// Whose names stand for which channels.
mod directory;

/// Why an account's calls rest.
mod account;

/// A worker's turn at a channel.
mod turn;

/// A worker's turn at a source's own list of events.
mod sweep;

/// The ledger as a whole.
mod origin;

/// Channels to be deleted.
mod retire;

pub use account::AccountHold;
pub use decision::{Act, Correction, Decided, Grant, Moved, Scope};
pub use directory::{
    Assignment, DirectoryChange, DirectoryGo, DirectoryOrder, DirectoryPlan, Place, Shorter, Synced,
};
pub use entry::{DeliveryOutcome, Entry, Recorded, SourceRules, Take};
pub use origin::{DatabaseCounts, LedgerState, Origin};
pub use plan::{Plan, Selection};
pub use retire::{RetireChannel, RetirePlan, RetireSelection, RetireState, RetireTurn, Retired};
pub use sweep::{Sweep, SweepTurn};
pub use turn::{Advanced, Claim, Transfer, Turn};
