//! Where an event's object keeps what we need of it.

use serde::Deserialize;

use super::{pointer::Pointer, test::Test};

/// Where an object keeps what we need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Ids of the payment; each may be text, a number, null, or an expanded object. What tells of an agreement alone has
    /// none.
    #[serde(default)]
    pub ids: Vec<Id>,
    /// The id of the agreement (subscription) that it belongs to, or is; the first that is there.
    #[serde(default)]
    pub agreement: Vec<Pointer>,
    /// When it happened, where the object tells it better than the event; the first that is there.
    #[serde(default)]
    pub occurred_at: Vec<Pointer>,
    /// When its money came in, whatever event tells of it, or an earlier time such as when the payment was begun; the
    /// first that is there. A time of the event is none: an old payment is told of again. None is there: not known.
    #[serde(default)]
    pub paid_at: Vec<Pointer>,
    /// Amount that came in; the first that is there.
    #[serde(default)]
    pub amount: Vec<Pointer>,
    /// How amounts are written.
    #[serde(default)]
    pub amount_as: AmountAs,
    /// Currency of the amount.
    pub currency: Option<Pointer>,
    /// The provider's id of the customer.
    pub customer: Option<Pointer>,
    /// The customer's e-mail, by which persons find the customer; the first that is there.
    #[serde(default)]
    pub email: Vec<Pointer>,
    /// The customer's phone, likewise.
    #[serde(default)]
    pub phone: Vec<Pointer>,
    /// Texts that hold JSON, and are read as such before any pointer is followed.
    #[serde(default)]
    pub unpack: Vec<Pointer>,
    /// Further places of what an operator's `/metadata/…` pointer names; the first with a hit counts. `*` counts.
    #[serde(default)]
    pub metadata: Vec<Pointer>,
    /// Price lines.
    pub lines: Option<Lines>,
    /// The id of what came in, where it is one of several parts that add up.
    pub part: Option<Pointer>,
    /// What was reserved and never captured, where the provider counts it as refunded.
    pub never_in: Option<NeverIn>,
    /// Where it tells for what it bills; not set: for what its own custom data say.
    pub period: Option<Period>,
    /// From when to when it bills.
    pub span: Option<SpanPointers>,
}

/// From when to when something is billed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanPointers {
    /// Its beginning, written as `occurred_at` is.
    pub from: Pointer,
    /// Its end, likewise.
    pub to: Pointer,
    /// It counts where any of these holds; empty: always.
    #[serde(default)]
    pub when: Vec<Test>,
}

/// An amount that never came in: the difference of two.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeverIn {
    /// What was reserved.
    pub of: Pointer,
    /// What was captured of it.
    pub less: Pointer,
    /// Must hold of the event, not of the object.
    #[serde(default)]
    pub when: Vec<Test>,
}

/// Which reasons of billing a subscription are known to be a new period. Reasons are added over time, so those that are
/// not known buy no days.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Where the reason stands.
    pub at: Pointer,
    /// Those that are a period, or a sale.
    pub is: Vec<String>,
    /// It is of a subscription where any of these is there; `*` counts. Empty: it always is.
    #[serde(default)]
    pub of: Vec<Pointer>,
    /// Days under the operator's own pointers are those of this very object, whatever it bills; else they are copied
    /// from the subscription.
    #[serde(default)]
    pub own: bool,
}

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmountAs {
    /// In the currency's smallest unit, a number or digits.
    #[default]
    Minor,
    /// In the currency's main unit, a decimal number or its text.
    Major,
}

/// An id of the payment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Id {
    /// Where, in the object or in each fitting element of `each`.
    pub at: Pointer,
    /// Strength, 0 strongest; see [`PaymentId`](crate::domain::facts::PaymentId).
    pub rank: u8,
    /// Put before it, where ids of several kinds could be equal.
    #[serde(default)]
    pub prefix: String,
    /// A list whose fitting elements hold the id; `*` counts.
    pub each: Option<Pointer>,
    /// What must hold of the object, or of an element.
    #[serde(default)]
    pub when: Vec<Test>,
}

/// Where the price lines are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The list; one line may stand alone.
    pub list: Pointer,
    /// True where the body holds only the first lines.
    pub more: Option<Pointer>,
    /// Price id in a line; the first that is there.
    pub price: Vec<Pointer>,
    /// Whole units; one where absent.
    pub quantity: Option<Pointer>,
    /// The same as a decimal text, which counts where it is there.
    pub quantity_decimal: Option<Pointer>,
    /// Lines that fit any of these buy no days of their own, such as the proration of a change of plan.
    #[serde(default)]
    pub skip: Vec<Test>,
    /// From when to when a line bills.
    pub span: Option<SpanPointers>,
}
