//! What one event says, in our words. `provider/` fills this in from a body; `payment` decides on it.

use serde::{Deserialize, Serialize};

use super::Ms;

/// Most lines of one event that are read for prices.
pub const LINES_MAX: usize = 100;

/// The four families of money-in events; a source grants days by exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// `charge.succeeded` (captured), `charge.captured`.
    Charges,
    /// `payment_intent.succeeded`.
    PaymentIntents,
    /// `checkout.session.completed` (paid), `checkout.session.async_payment_succeeded`.
    Checkout,
    /// `invoice.paid`, `invoice.payment_succeeded`.
    Invoices,
}

impl Family {
    /// The word of the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Charges => "charges",
            Family::PaymentIntents => "payment_intents",
            Family::Checkout => "checkout",
            Family::Invoices => "invoices",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        use Family::*;
        [Charges, PaymentIntents, Checkout, Invoices].into_iter().find(|f| f.as_str() == word)
    }
}

/// What the event means for money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meaning {
    /// Money came in, as this family sees it. Amount zero included; the rules sort it out.
    MoneyIn(Family),
    /// No money by itself; joins ids and may carry channel and days.
    Link,
    /// Money went back, or is disputed.
    Refund,
    /// Nothing we need; the sentence says why.
    Ignored(String),
}

/// An id of the payment at the provider. Rank 0 is the strongest name (a payment intent); two payments
/// with different rank-0 ids are never joined, whatever weaker ids (charge 1, invoice 2, session 3) they share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PaymentId {
    /// Strength, 0 strongest.
    pub rank: u8,
    /// The provider's text.
    pub id: String,
}

/// A value found under one of the configured JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Position of the pointer in the settings; the lowest wins over every event of the payment.
    pub pointer: usize,
    /// The JSON string as it stands, or a number or other value in its JSON text.
    pub value: String,
}

/// Amount in the currency's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Smallest unit; never negative in what we grant.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The provider's price id.
    pub price: String,
    /// Whole units.
    pub quantity: i64,
}

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it happened at the provider, ms since epoch.
    pub occurred_at: Ms,
    /// Live or test mode.
    pub livemode: bool,
    /// The connected account it belongs to, where it names one.
    pub account: Option<String>,
    /// What it means.
    pub meaning: Meaning,
    /// Every id of the payment the event mentions, strongest first; empty only where ignored.
    pub ids: Vec<PaymentId>,
    /// Values under the `channel` pointers, in pointer order.
    pub channel: Vec<Found>,
    /// Values under the `days` pointers, in pointer order.
    pub days: Vec<Found>,
    /// Money that came in; `None` where the event carries none.
    pub money: Option<Money>,
    /// The provider's id of the customer, for searches.
    #[serde(default)]
    pub customer: Option<String>,
    /// Price lines; `None` where this kind of object has none, empty where it has but lists nothing.
    pub lines: Option<Vec<Line>>,
}
