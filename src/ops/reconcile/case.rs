//! All that is known of one payment, for the answer.

use std::collections::BTreeSet;

use super::{Paid, Range, history::HistoryLine};
use crate::ledger::books::Booked;

/// All that is known of one payment.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Its key, or the one it would have.
    pub key: &'a str,
    /// The provider's record.
    pub listed: InRecord<'a>,
    /// The ledger.
    pub booked: Option<&'a Booked>,
    /// The lines of Billing History that name it; `None`: no history was given.
    pub history: Option<&'a [HistoryLine]>,
    /// When a transfer must have been settled to stand in the history.
    pub covered: Range,
    /// Movement of the channels.
    pub hints: &'a Hints,
}

/// What the provider's record says of a payment.
#[derive(Debug, Clone, Copy)]
pub enum InRecord<'a> {
    /// It has it.
    Paid(&'a Paid),
    /// A person granted it in the range, so that no record has it.
    Granted,
    /// It was paid in the range, but the record lacks it.
    Missing,
    /// It was paid outside the range: the record may or may not have it.
    Elsewhere,
}

/// What movement of the channels says of transfers, where no history says more.
#[derive(Debug, Default)]
pub struct Hints {
    /// Keys of settled transfers whose channel moved by their days once more.
    pub again: BTreeSet<String>,
    /// Keys of transfers that are not settled, and whose channel moved by their days.
    pub moved: BTreeSet<String>,
}
