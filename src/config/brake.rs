//! `[brake]`: when too many days move, or are granted.

use serde::Deserialize;

use crate::domain::allocation::brake;

/// `[brake]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrakeSettings {
    /// How many times the normal is too much in an hour; 0: no brake. The account's normal is its mean hour of the
    /// last 7 days, a channel's the mean transfer of its account.
    pub multiple: u32,
    /// Days in an hour on the account that never brake, however few channels it has.
    pub account_days_min: u32,
    /// And for each of its channels: all of them may buy as much in one hour.
    pub account_days_per_channel: u32,
    /// Days in an hour on one channel that never brake.
    pub channel_days_min: u32,
}

impl Default for BrakeSettings {
    fn default() -> Self {
        Self { multiple: 10, account_days_min: 3_000, account_days_per_channel: 31, channel_days_min: 800 }
    }
}

impl BrakeSettings {
    /// As the rules have it.
    pub fn rules(&self) -> brake::Brake {
        brake::Brake {
            multiple: self.multiple,
            account_days_min: self.account_days_min,
            account_days_per_channel: self.account_days_per_channel,
            channel_days_min: self.channel_days_min,
        }
    }
}
