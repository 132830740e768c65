//! Payments and transfers as reconcile compares them: with the state itself, not with its word.

use crate::domain::{Ms, closed::PaymentDecision, settle::State};

/// Most ids, keys or channels asked for at once; more than this is a second question.
pub const ASKED_MAX: usize = 500;

/// A payment with its transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// `realm/payment`
    pub key: String,
    /// What was decided about it.
    pub decision: PaymentDecision,
    /// Why it is held, closed or nothing.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
    /// Channel, once decided.
    pub channel: Option<String>,
    /// Days, once decided.
    pub days: Option<u32>,
    /// Days that are not owed, because money went out before they moved.
    pub days_off: u32,
    /// Days that move later, when their channel needs them.
    pub days_later: u32,
    /// Channel that a person said it is for.
    pub set_channel: Option<String>,
    /// Days that a person said it is for.
    pub set_days: Option<u32>,
    /// Smallest unit of the currency.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// First event recorded.
    pub first_seen_at: Ms,
    /// Its transfers, the first one first.
    pub transfers: Vec<BookedTransfer>,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedTransfer {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// Which of its payment's, 1 for the first.
    pub n: u32,
    /// Channel.
    pub channel: String,
    /// Days.
    pub days: u32,
    /// Where it stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
}

/// A provider id that names a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedName {
    /// The provider's id.
    pub id: String,
    /// Connected account, where there is one.
    pub account: Option<String>,
    /// The payment's key.
    pub payment: String,
}

/// Which payments of a realm are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookWalk<'a> {
    /// The provider account's name.
    pub realm: &'a str,
    /// Live or test mode.
    pub livemode: bool,
    /// First seen at or after.
    pub since: Ms,
    /// First seen before.
    pub until: Ms,
    /// Most payments of one page.
    pub limit: u32,
}
