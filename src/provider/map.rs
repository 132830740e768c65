//! The shape of an event map: what a provider's events mean and where their objects keep what we need.
//! Tables only; [`read`](super::read) walks them. Only the fields named here are read from a body, so a
//! provider's new field or new value never breaks an old event.
//!
//! A path is a JSON pointer in which a part `*` stands for every element of a list.

/// How one provider's events are read.
#[derive(Debug)]
pub struct EventMap {
    /// Top-level key of the event id.
    pub id: &'static str,
    /// Top-level key of the event type.
    pub kind: &'static str,
    /// What the body must be.
    pub is: Test,
    /// Bodies that are signed alike but are something else, with the sentence for the operator.
    pub is_not: &'static [(Test, &'static str)],
    /// When it happened, in seconds since epoch.
    pub occurred_at_s: &'static str,
    /// Live or test mode.
    pub livemode: &'static str,
    /// Connected account.
    pub account: &'static str,
    /// The object the event is about; all paths of an [`Object`] start here.
    pub object: &'static str,
    /// The events that say something about a payment. Others are ignored.
    pub events: &'static [Event],
}

/// Some event types and what they mean.
#[derive(Debug)]
pub struct Event {
    /// Event types.
    pub kinds: &'static [&'static str],
    /// What `object` holds.
    pub object: &'static Object,
    /// First rule that fits.
    pub rules: &'static [Rule],
    /// Where none fits.
    pub otherwise: Sense,
}

/// If the object is so, the event means this.
#[derive(Debug)]
pub struct Rule {
    /// Must hold.
    pub when: Test,
    /// Then.
    pub then: Sense,
}

/// A field and the values that fit, in JSON text without quotes (`paid`, `true`). An absent one does not.
#[derive(Debug)]
pub struct Test {
    /// Where.
    pub path: &'static str,
    /// Any of these.
    pub is: &'static [&'static str],
}

/// What an event means; see [`Meaning`](crate::domain::facts::Meaning).
#[derive(Debug, Clone, Copy)]
pub enum Sense {
    /// Money came in.
    MoneyIn(&'static str),
    /// Joins ids; may carry channel and days.
    Link,
    /// Money went back, or is disputed.
    Refund,
    /// Nothing we need, and why.
    Ignored(&'static str),
}

/// Where an object keeps what we need.
#[derive(Debug)]
pub struct Object {
    /// Ids of the payment; each may be text, null, or an expanded object.
    pub ids: &'static [Id],
    /// Amount that came in, in the currency's smallest unit; the first that is there.
    pub amount: &'static [&'static str],
    /// Currency of the amount.
    pub currency: &'static str,
    /// The provider's id of the customer.
    pub customer: &'static str,
    /// Further places of what an operator's `/metadata/…` pointer names; the first with a hit counts.
    pub metadata: &'static [&'static str],
    /// Price lines.
    pub lines: Option<&'static Lines>,
}

/// An id of the payment.
#[derive(Debug)]
pub struct Id {
    /// Strength, 0 strongest; see [`PaymentId`](crate::domain::facts::PaymentId).
    pub rank: u8,
    /// List whose fitting elements hold the id; `None`: the object itself.
    pub each: Option<(&'static str, Test)>,
    /// Where.
    pub path: &'static str,
}

/// Where the price lines are.
#[derive(Debug)]
pub struct Lines {
    /// The list.
    pub list: &'static str,
    /// True where the body holds only the first lines.
    pub more: &'static str,
    /// Price id in a line; the first that is there.
    pub price: &'static [&'static str],
    /// Whole units; one where absent.
    pub quantity: &'static str,
}
