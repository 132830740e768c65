//! Payments, and what went out of their money.

use serde::Serialize;

use super::{channel::MovementRow, event::Event, transfer::TransferRow};
use crate::domain::{
    Ms,
    closed::{HeldCause, PaymentState},
    facts::ReversalKind,
    payment::agreement::AgreementState,
};

/// A payment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// `realm/payment`
    pub key: String,
    /// Source of its first event.
    pub source: String,
    /// Where it stands.
    pub state: PaymentState,
    /// The cause, where it is held.
    pub cause: Option<HeldCause>,
    /// Why, where it is held or nothing.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
    /// When that happens by itself.
    pub next_at: Option<Ms>,
    /// Channel, once decided.
    pub channel: Option<String>,
    /// Its days move in slices, as they are used.
    pub sliced: bool,
    /// Days, once decided.
    pub days: Option<u32>,
    /// Of these: on the channel, or on their way there.
    pub moved: u32,
    /// Of these: still to move.
    pub owed: u32,
    /// Smallest unit of the currency.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// The provider's id of the agreement (subscription) that it belongs to.
    pub agreement: Option<String>,
    /// First event recorded.
    pub first_seen_at: Ms,
}

/// A payment with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentWhole {
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
    /// The provider's account name.
    pub realm: String,
    /// Connected account.
    pub account: Option<String>,
    /// Live or test mode.
    pub livemode: bool,
    /// Where its agreement stands, as far as is told.
    pub agreement_state: Option<AgreementState>,
    /// Since when, by the provider's clock.
    pub agreement_since: Option<Ms>,
    /// Every provider id that names it, strongest first.
    pub ids: Vec<String>,
    /// Every delivery of every event that named it, oldest first.
    pub events: Vec<Event>,
    /// Money that went out again; `None`: none did, as far as anybody told.
    pub money_out: Option<ReversalReport>,
    /// Every change of that, oldest first.
    pub adjustments: Vec<Adjustment>,
    /// Its transfers.
    pub transfers: Vec<TransferRow>,
    /// Unexplained movements of its channel.
    pub movements: Vec<MovementRow>,
}

/// Money that went out of a payment again, and what that makes of its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReversalReport {
    /// Given back, in the smallest unit of the currency.
    pub refunded: i64,
    /// Taken by the payer's bank, likewise.
    pub disputed: i64,
    /// Days that the money covers.
    pub days_due: Option<u32>,
    /// Days taken off before they moved; fewer than none where a person gave more.
    pub days_reduced: i64,
    /// Days that moved, or may have, and are not covered.
    pub days_spent: u32,
    /// Days that are covered and did not move.
    pub days_owed: u32,
    /// [`HeldCause::DaysSpent`] or [`HeldCause::DaysOwed`] while that waits for a person.
    pub waits: Option<HeldCause>,
    /// All of that in a sentence.
    pub words: String,
}

closed! {
    /// Why a payment's money changed after its days were decided.
    AdjustmentKind {
        /// The seller gave money back.
        Refund = "refund",
        /// The payer's bank took money, or gave it back.
        Dispute = "dispute",
        /// More money came in.
        MoneyIn = "money_in",
    }
}

impl From<ReversalKind> for AdjustmentKind {
    fn from(kind: ReversalKind) -> Self {
        match kind {
            ReversalKind::Refund => Self::Refund,
            ReversalKind::Dispute => Self::Dispute,
        }
    }
}

/// A change of a payment's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// When it was recorded.
    pub at: Ms,
    /// Why.
    pub kind: AdjustmentKind,
    /// In the smallest unit; below 0 where money came back.
    pub amount: i64,
    /// What it made of the days that are due.
    pub days: Option<i64>,
    /// The provider's event id.
    pub event: String,
    /// What became of it.
    pub note: String,
}
