//! `[balance]`: when somebody is told that the balance runs out, and what slices do then.

use std::time::Duration;

use serde::Deserialize;

use super::Config;
use crate::domain::allocation::forecast::{DAYS_AHEAD_MAX, Levels};

/// `[balance]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalanceSettings {
    /// A warning when the balance lasts for less than this; 0s: none.
    #[serde(with = "humantime_serde")]
    pub warn: Duration,
    /// An error when the balance lasts for less than this; 0s: none.
    #[serde(with = "humantime_serde")]
    pub critical: Duration,
    /// Slices have one day while the balance is less than what is needed within a day.
    pub shrink: bool,
}

impl Default for BalanceSettings {
    fn default() -> Self {
        Self { warn: Duration::from_secs(7 * DAY_S), critical: Duration::from_secs(2 * DAY_S), shrink: false }
    }
}

const DAY_S: u64 = 86_400;

impl BalanceSettings {
    /// In whole days, as the forecast counts.
    pub fn levels(&self) -> Levels {
        let days = |level: Duration| u32::try_from(level.as_secs().div_ceil(DAY_S)).unwrap_or(u32::MAX);
        Levels { warn: days(self.warn), critical: days(self.critical) }
    }
}

impl Config {
    /// An alarm ends where the balance lasts for twice as long, and nobody looks further ahead than a year.
    pub(super) fn balance_wrong(&self, refuse: &mut impl FnMut(bool, String)) {
        let BalanceSettings { warn, critical, .. } = self.balance;
        refuse(
            critical > warn,
            format!(
                "balance.critical ({}) must not exceed balance.warn ({}): the warning comes first",
                humantime::format_duration(critical),
                humantime::format_duration(warn)
            ),
        );
        let most = DAYS_AHEAD_MAX.div_euclid(2);
        refuse(
            self.balance.levels().warn > most,
            format!("balance.warn ({}) must be at most {most}days", humantime::format_duration(warn)),
        );
    }
}
