//! What is known of a balance that no API tells, and how long it lasts.
//!
//! A person says a *mark*; what moved since is taken off. What nobody can say for sure makes an interval of it. It never
//! stands in the way of a call: it warns.

use crate::domain::{DAY_MS, Ms};

/// Longest time that is looked ahead, in days.
pub const DAYS_AHEAD_MAX: u32 = 365;

/// Days that were on a balance at some time, and what happened since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Since {
    /// Days that a person said, and those added since.
    pub mark: i64,
    /// Settled since.
    pub moved: i64,
    /// On their way, or in doubt, when it was said, which may have them off already.
    pub under_way: i64,
    /// On their way, or in doubt.
    pub open: i64,
    /// By which channels moved that nothing here explains.
    pub unexplained: i64,
    /// So many days were refused since, for there were fewer.
    pub refused: Option<i64>,
}

/// Between what the balance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// At least.
    pub low: i64,
    /// At most.
    pub high: i64,
}

impl Since {
    /// `None`: no balance fits, so the mark is not true any more.
    pub fn interval(&self) -> Option<Interval> {
        let moved = self.mark.saturating_sub(self.moved);
        let most = moved.saturating_add(self.under_way.min(self.moved));
        let high = self.refused.map_or(most, |days| most.min(days.saturating_sub(1)));
        let low = moved.saturating_sub(self.open).saturating_sub(self.unexplained).max(0);
        (high >= 0 && most >= 0).then_some(Interval { low: low.min(high), high })
    }
}

/// A channel on which days are owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owing {
    /// Its `activeTill`; `None`: it was never read.
    pub till: Option<Ms>,
    /// Days owed.
    pub owed: u32,
    /// Days in one slice; 0: all at once.
    pub slice: u32,
}

impl Owing {
    /// Days that move until so many days from now.
    pub fn need(&self, lead_ms: i64, days: u32, now: Ms) -> u32 {
        if self.slice == 0 {
            return self.owed;
        }
        let until = now.saturating_add(i64::from(days).saturating_mul(DAY_MS));
        let till = self.till.unwrap_or(now).max(now);
        let gap_ms = until.saturating_add(lead_ms).saturating_sub(till);
        if gap_ms <= 0 {
            return 0;
        }
        let slice_ms = i64::from(self.slice).saturating_mul(DAY_MS);
        let slices = gap_ms.saturating_sub(1).checked_div(slice_ms).unwrap_or(0).saturating_add(1);
        let need = slices.saturating_mul(i64::from(self.slice));
        u32::try_from(need).unwrap_or(u32::MAX).min(self.owed)
    }
}

/// A slice that is sent in time is sent within this, in ms: one hour.
const IN_TIME_MS: i64 = 3_600_000;

/// Channels that have run out while days are owed on them.
pub fn dark(owing: &[Owing], now: Ms) -> usize {
    owing.iter().filter(|one| one.till.is_some_and(|till| till <= now)).count()
}

/// Channels that have had less than `lead_ms` for so long that their slice is late.
pub fn late(owing: &[Owing], lead_ms: i64, now: Ms) -> usize {
    let least = now.saturating_add(lead_ms).saturating_sub(IN_TIME_MS);
    owing.iter().filter(|one| one.slice > 0 && one.till.is_some_and(|till| till < least)).count()
}

/// Days that are committed until so many days from now.
pub fn committed(owing: &[Owing], lead_ms: i64, days: u32, now: Ms) -> i64 {
    owing.iter().fold(0_i64, |sum, one| sum.saturating_add(i64::from(one.need(lead_ms, days, now))))
}

/// Days that move on each of so many days from now on; what is late is the first one's.
pub fn daily(owing: &[Owing], lead_ms: i64, days: u32, now: Ms) -> Vec<i64> {
    let mut before = 0;
    let needs = (1..=days).map(|day| {
        let until = committed(owing, lead_ms, day, now);
        until.saturating_sub(std::mem::replace(&mut before, until))
    });
    needs.collect()
}

/// For how many days a balance is enough for what is committed, at most [`DAYS_AHEAD_MAX`].
pub fn runway(owing: &[Owing], balance: i64, lead_ms: i64, now: Ms) -> u32 {
    let enough = |days: u32| committed(owing, lead_ms, days, now) <= balance;
    let (mut enough_for, mut too_few_for) = (0, DAYS_AHEAD_MAX.saturating_add(1));
    if !enough(0) {
        return 0;
    }
    while too_few_for.saturating_sub(enough_for) > 1 {
        let middle = enough_for.saturating_add(too_few_for.saturating_sub(enough_for).div_euclid(2));
        if enough(middle) { enough_for = middle } else { too_few_for = middle }
    }
    enough_for
}

/// How soon a balance has run out, as far as somebody is to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// Not soon.
    #[default]
    None,
    /// It is time to buy days.
    Warn,
    /// Channels go dark soon.
    Critical,
}

/// Below how many days of runway each is told; 0: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// For [`Alarm::Warn`].
    pub warn: u32,
    /// For [`Alarm::Critical`].
    pub critical: u32,
}

impl Alarm {
    /// After another look. It ends only where the balance lasts twice as long as what began it, so that nobody is told of
    /// the same shortage again and again.
    pub fn after(self, runway_days: u32, levels: Levels) -> Self {
        let below = |times: u32| {
            if runway_days < levels.critical.saturating_mul(times) {
                Self::Critical
            } else if runway_days < levels.warn.saturating_mul(times) {
                Self::Warn
            } else {
                Self::None
            }
        };
        below(1).max(self.min(below(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_worth_what_moved_since_leaves_of_it() {
        let since = Since { mark: 100, moved: 30, ..Since::default() };
        assert_eq!(since.interval(), Some(Interval { low: 70, high: 70 }));
        let unsure = Since { open: 5, unexplained: 10, ..since };
        assert_eq!(unsure.interval(), Some(Interval { low: 55, high: 70 }));
        assert_eq!(Since { refused: Some(20), ..unsure }.interval(), Some(Interval { low: 19, high: 19 }));
        assert_eq!(Since { moved: 101, ..since }.interval(), None, "more moved than there was");
        let under_way = Since { under_way: 10, ..since };
        assert_eq!(under_way.interval(), Some(Interval { low: 70, high: 80 }), "with them, or without");
        assert_eq!(Since { moved: 105, ..under_way }.interval(), Some(Interval { low: 0, high: 5 }));
        let nothing_moved = Since { moved: 0, ..under_way };
        assert_eq!(nothing_moved.interval(), Some(Interval { low: 100, high: 100 }));
        assert_eq!(Since { refused: Some(0), ..since }.interval(), None);
    }

    #[test]
    fn an_alarm_ends_where_the_balance_lasts_twice_as_long() {
        use Alarm::{Critical, None, Warn};
        let levels = Levels { warn: 7, critical: 2 };
        let mut alarm = None;
        for (runway, want) in [
            (7, None),
            (6, Warn),
            (13, Warn),
            (14, None),
            (1, Critical),
            (3, Critical),
            (4, Warn),
            (1, Critical),
            (20, None),
        ] {
            alarm = alarm.after(runway, levels);
            assert_eq!(alarm, want, "{runway}");
        }
        assert_eq!(None.after(0, Levels { warn: 0, critical: 0 }), None, "switched off");
    }

    #[test]
    fn a_channel_is_late_before_it_is_dark() {
        let hour = DAY_MS / 24;
        let owing = |till, slice| Owing { till, owed: 5, slice };
        let all = [
            owing(Some(-1), 5),
            owing(Some(46 * hour), 5),
            owing(Some(47 * hour), 5),
            owing(Some(hour), 0),
            owing(Option::None, 5),
        ];
        assert_eq!(dark(&all, 0), 1);
        assert_eq!(late(&all, 2 * DAY_MS, 0), 2);
        assert_eq!(dark(&all, hour), 2, "all at once, and dark");
    }

    #[test]
    fn a_channel_needs_what_keeps_it_ahead() {
        let lead = 2 * DAY_MS;
        let owing = |till: i64, owed: u32, slice: u32| Owing { till: Some(till * DAY_MS), owed, slice };
        for (one, days, want) in [
            (owing(10, 30, 5), 7, 0),
            (owing(10, 30, 5), 8, 0),
            (owing(10, 30, 5), 9, 5),
            (owing(10, 30, 5), 30, 25),
            (owing(10, 30, 5), 90, 30),
            (owing(-9, 30, 5), 0, 5),
            (owing(10, 30, 0), 0, 30),
            (Owing { till: None, owed: 3, slice: 1 }, 0, 2),
        ] {
            assert_eq!(one.need(lead, days, 0), want, "{one:?} {days}");
        }
        let all = [owing(10, 30, 5), owing(0, 10, 1)];
        assert_eq!(committed(&all, lead, 1, 0), 3);
        assert_eq!(runway(&all, 9, lead, 0), 7);
        assert_eq!(runway(&all, 1, lead, 0), 0);
        assert_eq!(runway(&all, 40, lead, 0), DAYS_AHEAD_MAX);
        // Two to bring the second where it should be, and one for its first day; the first's slice on its ninth.
        assert_eq!(daily(&all, lead, 10, 0), [3, 1, 1, 1, 1, 1, 1, 1, 5, 0]);
        assert_eq!(daily(&all, lead, 90, 0).iter().sum::<i64>(), committed(&all, lead, 90, 0));
        assert_eq!(daily(&[owing(10, 30, 0)], lead, 3, 0), [30, 0, 0], "all at once");
    }
}
