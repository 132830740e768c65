//! What was paid against what was extended, in four answers: *matched*, *paid but not extended*, *extended but
//! not paid*, *extended twice*.
//!
//! Three lists that know nothing of each other are compared: the provider's own record of payments ([`Pages`]),
//! the ledger, and the evidence of what moved: Billing History ([`history`]) and readings of the channels
//! ([`gaps`]). The rules are in [`compare`], pure; [`run`] only asks for pages and hands out rows.
//!
//! A payment gets one row, and is never in two answers; movement that no payment explains gets a row of its own.
//! Memory grows with the number of payments by their keys only: rows are handed out one by one.
//!
//! Not for: mending. A row says what to do; nothing here changes anything.

use async_trait::async_trait;

pub use crate::provider::history::Paid;
use crate::{
    domain::{DAY_MS, Ms},
    ledger::LedgerError,
};

/// A row, its answer, and the sums.
pub mod row;

/// The provider's record, as a CSV file exported from its dashboard.
pub mod export;

/// The provider's record, over its API.
pub mod listing;

/// Billing History, in whatever form it was saved.
pub mod history;

/// One line of Billing History.
mod line;

/// Movement of channels that the ledger cannot explain.
pub mod gaps;

/// All that is known of one payment.
pub mod case;

/// What evidence says of one payment's days.
mod evidence;

/// The rules: one payment, one answer.
pub mod compare;

/// Why, in sentences, and what to do.
mod words;

/// From pages to rows.
pub mod run;

/// Which payment an id or a key names.
mod names;

/// Movement of channels, and what may explain it.
pub mod moved;

/// Most payments of the provider's record in one run.
pub const PAYMENTS_MAX: usize = 2_000_000;

/// Most channels compared.
pub const CHANNELS_MAX: usize = 200_000;

/// How late the first event of a payment may come: what the ledger saw so long after the range may belong in it.
/// Stripe sends an event again for three days by itself.
pub const LATE_MS_MAX: i64 = 4 * DAY_MS;

/// How much earlier the provider may date a payment than the event that tells of it: a payment is begun, then paid.
/// The provider's record should reach so far beyond the range at its beginning.
pub const EDGE_MS: i64 = 3_600_000;

/// The provider's record, page by page.
#[async_trait]
pub trait Pages: Send {
    /// The next page; an empty one is the end.
    async fn next(&mut self) -> Result<Vec<Paid>, String>;
}

/// A span of time: from `since` to before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First moment of it.
    pub since: Ms,
    /// First moment after it.
    pub until: Ms,
}

impl Range {
    /// Whether a moment lies in it.
    pub fn has(&self, at: Ms) -> bool {
        (self.since..self.until).contains(&at)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The provider's record cannot be read; the text says what to do.
    #[error("{0}")]
    Record(String),
    /// More than a run may hold.
    #[error("more than {0} {1}: choose a shorter span with --since and --until")]
    TooMany(usize, &'static str),
}
