//! Why a partner account's calls rest, and what they keep back.

use crate::domain::{
    Ms,
    allocation::balance::Ceiling,
    settle::{AccountSignal, PROBE_AHEAD_MS_MAX},
};

/// Why calls of the account rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountHold {
    /// [`AccountSignal::NoBalance`] or [`AccountSignal::NoToken`].
    pub news: AccountSignal,
    /// Since when.
    pub since: Ms,
    /// Next probe.
    pub probe_at: Ms,
    /// The transfer that is the probe now.
    pub probe: Option<String>,
    /// What is known of the balance; under a token that is refused, what was known before.
    pub ceiling: Option<Ceiling>,
}

impl AccountHold {
    /// Whether a planned transfer waits for the account: not the probe, and not one below the ceiling.
    pub fn keeps_back(&self, key: &str, days: u32) -> bool {
        if self.probe.as_deref() == Some(key) {
            return false;
        }
        self.news == AccountSignal::NoToken || self.ceiling.is_none_or(|ceiling| ceiling.keeps_back(days))
    }

    /// Whether its next probe is due.
    pub fn probe_due(&self, now: Ms) -> bool {
        self.probe_at <= now || self.probe_at > now.saturating_add(PROBE_AHEAD_MS_MAX)
    }
}
