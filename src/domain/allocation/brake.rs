//! The brake: more days in an hour than a named multiple of what is normal stop new calls until a person has looked.
//!
//! A leaked signing secret, a wrong price table or a replay gone wrong shows in nothing else before the balance is
//! gone. Not for: a limit that is never passed; calls in hand when it strikes go on, one per channel worked on.

use crate::domain::DAY_MS;

/// The span that is counted, in ms: one hour.
pub const COUNTED_MS: i64 = 3_600_000;

/// What is normal is the mean of this span, in ms: 7 days.
pub const NORMAL_MS: i64 = 7 * DAY_MS;

/// The settings of the brake; by default there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brake {
    /// How many times the normal is too much; 0: no brake.
    pub multiple: u32,
    /// Days in an hour on one account that never brake, however few channels it has.
    pub account_days_min: u32,
    /// And for each of its channels: all of them may buy as much in one hour.
    pub account_days_per_channel: u32,
    /// Days in an hour on one channel that never brake.
    pub channel_days_min: u32,
}

/// What was settled lately, or granted where it moves in slices: these count when they are granted, and no more when they
/// move, for a forged payment of ten years moves five days at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lately {
    /// Days on the account in the last hour.
    pub account_hour: i64,
    /// Days on the account in [`NORMAL_MS`].
    pub account_days: i64,
    /// Transfers of the account in [`NORMAL_MS`].
    pub account_transfers: i64,
    /// Channels of the account that the partner has shown: a name that somebody made up is none.
    pub account_channels: i64,
    /// Days on the channel in the last hour.
    pub channel_hour: i64,
}

/// What a transfer, or a payment that moves in slices, would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The account's limit, in days.
    Account(i64),
    /// The channel's limit, in days.
    Channel(i64),
}

/// What an hour may bring, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// On the account.
    pub account: i64,
    /// On one of its channels.
    pub channel: i64,
}

/// The account's normal is its mean hour; a channel's is the mean transfer of its account, for one payment in an hour is
/// what a channel normally has. `None`: there is no brake.
pub fn limits(brake: &Brake, lately: &Lately) -> Option<Limits> {
    if brake.multiple == 0 {
        return None;
    }
    let many = |normal: i64| normal.max(0).saturating_mul(i64::from(brake.multiple));
    let hours = NORMAL_MS.checked_div(COUNTED_MS).unwrap_or(1);
    let all_channels = lately.account_channels.saturating_mul(i64::from(brake.account_days_per_channel));
    let account = many(lately.account_days.checked_div(hours).unwrap_or(0));
    let mean = lately.account_days.checked_div(lately.account_transfers).unwrap_or(0);
    Some(Limits {
        account: i64::from(brake.account_days_min).max(all_channels).max(account),
        channel: i64::from(brake.channel_days_min).max(many(mean)),
    })
}

/// Whether `days` more would be too much.
pub fn passed(brake: &Brake, lately: &Lately, days: u32) -> Option<Passed> {
    let Limits { account, channel } = limits(brake, lately)?;
    let with = |hour: i64| hour.saturating_add(i64::from(days));
    if with(lately.channel_hour) > channel {
        Some(Passed::Channel(channel))
    } else if with(lately.account_hour) > account {
        Some(Passed::Account(account))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRAKE: Brake =
        Brake { multiple: 10, account_days_min: 1_000, account_days_per_channel: 31, channel_days_min: 100 };

    #[test]
    fn the_limits() {
        let lately = |account_hour, account_days, account_transfers, channel_hour| Lately {
            account_hour,
            account_days,
            account_transfers,
            account_channels: 0,
            channel_hour,
        };
        for (days, lately, want) in [
            (30, lately(0, 0, 0, 0), None),
            (100, lately(0, 0, 0, 0), None),
            (101, lately(0, 0, 0, 0), Some(Passed::Channel(100))),
            (30, lately(970, 0, 0, 70), None),
            (30, lately(971, 0, 0, 0), Some(Passed::Account(1_000))),
            (30, lately(0, 0, 0, 71), Some(Passed::Channel(100))),
            // 168 hours of 200 days each, 30 a transfer: 2,000 an hour, 300 a channel.
            (30, lately(1_970, 33_600, 1_120, 270), None),
            (30, lately(1_971, 33_600, 1_120, 0), Some(Passed::Account(2_000))),
            (30, lately(0, 33_600, 1_120, 271), Some(Passed::Channel(300))),
        ] {
            assert_eq!(passed(&BRAKE, &lately, days), want, "{days} {lately:?}");
        }
        // 40 channels may all buy a month in one hour, and no more.
        let many = |account_hour| Lately { account_channels: 40, ..lately(account_hour, 0, 0, 0) };
        assert_eq!(passed(&BRAKE, &many(1_210), 30), None);
        assert_eq!(passed(&BRAKE, &many(1_211), 30), Some(Passed::Account(1_240)));
        assert_eq!(passed(&Brake { multiple: 0, ..BRAKE }, &lately(i64::MAX, 0, 0, i64::MAX), 30), None);
    }
}
