//! Two payments that are probably one, because the provider tells of a purchase under ids that it never connects.
//!
//! Not for: two purchases that look alike. Whoever buys twice has two ids of the same kind, which tells them apart. And
//! not for certainty: the second of two twins is held for a person, never dropped.

use std::collections::BTreeSet;

use crate::domain::{Ms, facts::Money, id::ChannelId};

/// How far apart the money of twins came in at most, in ms: 10 minutes.
pub const DUPLICATES_APART_MS_MAX: i64 = 600_000;

/// What is compared of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// For which channel.
    pub channel: ChannelId,
    /// For how much.
    pub money: Money,
    /// When the money came in, or an event of it was made, by the provider's clock: an object such as a checkout session
    /// may be older than its money, and the event of today may tell of old money, but of one purchase some times agree.
    pub at: BTreeSet<Ms>,
    /// The kinds of id that name it: see [`super::facts::PaymentId::rank`].
    pub kinds: BTreeSet<u8>,
}

/// Whether two payments are probably one: the same channel, amount and currency, minutes apart, and no kind of id that
/// both have.
pub fn suspected_duplicate(one: &Purchase, other: &Purchase) -> bool {
    let near = |a: &Ms, b: &Ms| a.saturating_sub(*b).saturating_abs() <= DUPLICATES_APART_MS_MAX;
    one.channel == other.channel
        && one.money == other.money
        && one.at.iter().any(|at| other.at.iter().any(|told| near(at, told)))
        && one.kinds.is_disjoint(&other.kinds)
}
