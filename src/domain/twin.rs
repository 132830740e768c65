//! Two payments that are probably one, because the provider tells of a purchase under ids that it never connects.
//!
//! Not for: two purchases that look alike. Whoever buys twice has two ids of the same kind, which tells them apart. And
//! not for certainty: the second of two twins is held for a person, never dropped.

use std::collections::BTreeSet;

use super::{Ms, facts::Money, id::ChannelId};

/// How far apart the money of twins came in at most, in ms: 10 minutes.
pub const TWINS_APART_MS_MAX: i64 = 600_000;

/// What is compared of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// For which channel.
    pub channel: ChannelId,
    /// For how much.
    pub money: Money,
    /// When the money came in, by the provider's clock.
    pub at: Ms,
    /// The kinds of id that name it: see [`super::facts::PaymentId::rank`].
    pub kinds: BTreeSet<u8>,
}

/// Whether two payments are probably one: the same channel, amount and currency, minutes apart, and no kind of id that
/// both have.
pub fn likely_twin(one: &Purchase, other: &Purchase) -> bool {
    let apart = one.at.saturating_sub(other.at).saturating_abs();
    one.channel == other.channel
        && one.money == other.money
        && apart <= TWINS_APART_MS_MAX
        && one.kinds.is_disjoint(&other.kinds)
}
