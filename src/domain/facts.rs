//! What one event says, in our words. `provider/` fills this in from a body; `payment` decides on it.

use serde::{Deserialize, Serialize};

use super::{
    Ms,
    closed::{AgreementState, HeldCause},
    contact::Contact,
};

/// Most lines of one event that are read for prices.
pub const LINES_MAX: usize = 100;

/// A family of money-in events, as the provider's preset names it (`charges`, `invoices`, `payments` …); a source
/// grants days by exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Family(String);

impl Family {
    /// By its word in the settings.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word of the settings.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the event means for money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meaning {
    /// Money came in, as this family sees it. Amount zero included; the rules sort it out.
    MoneyIn(Family),
    /// No money by itself; joins ids and may carry channel and days.
    Link,
    /// Money went back, came back after all, or is disputed: see [`Facts::out`].
    #[serde(alias = "Refund")]
    MoneyOut,
    /// Nothing we need; the sentence says why.
    Ignored(String),
}

impl Meaning {
    /// Whether it is money in, as this family sees it.
    pub fn is_money_in(&self, by: &Family) -> bool {
        matches!(self, Meaning::MoneyIn(family) if family == by)
    }
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

/// Why money went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalKind {
    /// The seller gave it back.
    Refund,
    /// The payer's bank took it, or asks for it.
    Dispute,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalState {
    /// A question by the payer's bank; no money was taken.
    Inquiry,
    /// A dispute that is not decided; its money is withdrawn meanwhile.
    Open,
    /// A refund that was made, a dispute that was lost.
    Done,
    /// A refund that failed, a dispute that was won: the money stays.
    Undone,
    /// The payment itself failed, or a part of it did: the money does not come, or not for good. Money that comes in
    /// later undoes that.
    Failed,
}

/// How much, in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalAmount {
    /// This refund or dispute alone.
    Part(i64),
    /// All refunds of the payment so far, those under way among them.
    Total(i64),
    /// All refunds of the payment that have gone through so far.
    Done(i64),
    /// No amount is told: everything.
    All,
}

/// Money that went out of a payment, as one event tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Why.
    pub kind: ReversalKind,
    /// How far it is.
    pub state: ReversalState,
    /// The provider's id of the refund or dispute; several events tell of one.
    pub id: Option<String>,
    /// How much.
    pub amount: ReversalAmount,
    /// Of which currency, lower-case; `None`: that of the payment, as far as is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The provider's price id.
    pub price: String,
    /// Whole units.
    pub quantity: i64,
}

/// From when to when something is billed, ms since epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning.
    pub from: Ms,
    /// Its end.
    pub to: Ms,
}

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it happened at the provider, ms since epoch.
    pub occurred_at: Ms,
    /// When its money came in, as the object tells it; `None`: it does not, and when an *event* of it was made proves
    /// nothing: a fee or a note of today makes one of an old payment. Facts that were stored before this have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Ms>,
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
    /// Money that came in; `None` where the event carries none, or not how much.
    pub money: Option<Money>,
    /// Why it is not known how much came in, though some did for sure. It matters only where the amount is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_unread: Option<String>,
    /// Why nobody but a person can say what the money that came in buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<String>,
    /// The provider's id of the customer, for searches.
    #[serde(default)]
    pub customer: Option<String>,
    /// How the customer is reached. It is not stored with the facts, for nothing is decided by it.
    #[serde(skip)]
    pub contacts: Vec<Contact>,
    /// Price lines that buy days; `None` where there are no lines at all, empty where none of them does.
    pub lines: Option<Vec<Line>>,
    /// Money that went out again. An event of before this was read has none with [`Meaning::MoneyOut`]: then all did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<Reversal>,
    /// The provider's id of the part of the payment that came in (a capture); parts add up. `None`: what came in so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What was never captured, in the smallest unit, where the provider counts it as refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_in: Option<i64>,
    /// It is of a subscription, and for this reason, which is not known to be a period: the subscription's days are not
    /// bought by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_period: Option<String>,
    /// A quantity of its price lines that is no whole number, as it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_quantity: Option<String>,
    /// The provider's id of the agreement (subscription) that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// What it says of that agreement itself, as of `occurred_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_state: Option<AgreementState>,
    /// What the lines that buy days bill, each once. Read only where the source's days follow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

impl Facts {
    /// Nothing we need, and why.
    pub fn ignored(occurred_at: Ms, why: String) -> Self {
        Self {
            occurred_at,
            paid_at: None,
            livemode: false,
            account: None,
            meaning: Meaning::Ignored(why),
            ids: Vec::new(),
            channel: Vec::new(),
            days: Vec::new(),
            money: None,
            amount_unread: None,
            unclear: None,
            customer: None,
            contacts: Vec::new(),
            lines: None,
            out: Vec::new(),
            part: None,
            never_in: None,
            no_period: None,
            cut_quantity: None,
            agreement: None,
            agreement_state: None,
            spans: Vec::new(),
        }
    }

    /// Without what nothing was granted by: what it says of an agreement, which is read of older events too, and how the
    /// customer is reached, which is not stored.
    pub fn of_the_grant(self) -> Self {
        Self { agreement: None, agreement_state: None, contacts: Vec::new(), ..self }
    }
}

/// Why there are no facts of an event, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Nothing changes that by itself.
    #[error("{0}")]
    Unreadable(String),
    /// The provider's API could not be asked what it is about: it is asked again.
    #[error("{0}")]
    Unfetched(String),
}

impl Unread {
    /// The cause of the held event in one word, for grouping.
    pub fn cause(&self) -> HeldCause {
        match self {
            Unread::Unreadable(_) => HeldCause::Unreadable,
            Unread::Unfetched(_) => HeldCause::Unfetched,
        }
    }
}
