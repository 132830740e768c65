//! What a ledger does not know of the time before its memory begins: it was restored from a backup, or made anew where
//! another one may have granted days.
//!
//! A payment belongs to that time by when its *money* came in. The two beginnings differ in what is made of a payment
//! whose money tells no time. After a restoration it is held: that its event is new proves nothing. In a new ledger it
//! is granted unless something proves it old, or no payment of such a provider would ever be granted by itself.

use super::reversal::paid_at_most;
use crate::domain::{Ms, facts::Facts};

/// How far the provider's clock may be ahead of ours, in ms: when a payment was made is the provider's word, when
/// the ledger was declared restored is ours. A source's default tolerance, beyond which no delivery is accepted.
pub const CLOCKS_APART_MS: i64 = 300_000;

/// How long before a ledger was made money may have come in that it still grants, in ms: 10 minutes. Whoever installs
/// daybridge tries it with a payment made just before.
pub const GRACE_MS: i64 = 600_000;

/// Where the ledger's memory begins, and what it knows of one payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// When it was last declared restored.
    pub restored_at: Option<Ms>,
    /// How far back a ledger that was made new may grant; `None`: it is older than this rule.
    pub grants_since: Option<Ms>,
    /// When an event of the payment was first received.
    pub received_at: Option<Ms>,
}

/// Why the days of a payment may have moved without the ledger knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// Paid before the ledger was declared restored.
    Restored,
    /// Paid before the ledger was made.
    BeforeLedger,
}

impl Memory {
    /// Whether the days of a payment may have moved unknown to the ledger, by its events of money in.
    pub fn forgotten(&self, paid: &[&Facts]) -> Option<Forgotten> {
        let known_since = self.restored_at.map(|at| at.saturating_add(CLOCKS_APART_MS));
        if known_since.is_some_and(|since| paid.iter().any(|e| e.paid_at.is_none_or(|at| at < since))) {
            return Some(Forgotten::Restored);
        }
        let since = self.grants_since?;
        let told_before = self.received_at.is_some_and(|at| at < since);
        let old = |e: &&Facts| paid_at_most(e) < since || (e.paid_at.is_none() && told_before);
        paid.iter().any(old).then_some(Forgotten::BeforeLedger)
    }
}
