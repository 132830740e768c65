//! Movement of channels that the ledger cannot explain: what it recorded while it worked, and what a reading now
//! shows above what it knows. Whatever is explained by other evidence is taken off; the rest was paid by nobody.

use std::collections::BTreeMap;

use super::row::{Finding, Row};
use crate::{
    domain::{DAY_MS, Ms},
    times::utc,
};

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeGap {
    /// `activeTill` that the ledger can explain.
    pub low: Ms,
    /// `activeTill` that was read.
    pub high: Ms,
    /// When.
    pub at: Ms,
    /// Whole days of it that nothing explains yet; a part of a day counts as one.
    days: u32,
}

impl TimeGap {
    /// A channel that had run out may have been extended from any moment until the reading: then the days are
    /// counted from the reading, unless they are whole from where it stood.
    fn new(low: Ms, high: Ms, at: Ms) -> Self {
        let whole = |ms: i64| {
            let (days, part) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
            (u32::try_from(days).unwrap_or(0).saturating_add((part > 0).into()), part == 0)
        };
        let (straight, exact) = whole(high.saturating_sub(low));
        let ran_out = low < at && !exact;
        let days = if ran_out { whole(high.saturating_sub(at).max(0)).0 } else { straight };
        Self { low, high, at, days }
    }
}

/// All of them, by channel.
#[derive(Debug, Default)]
pub struct Gaps(BTreeMap<String, Vec<TimeGap>>);

impl Gaps {
    /// Adds a movement.
    pub fn add(&mut self, channel: &str, low: Ms, high: Ms, at: Ms) {
        self.0.entry(channel.to_owned()).or_default().push(TimeGap::new(low, high, at));
    }

    /// Channels that moved.
    pub fn channels(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Takes off a movement of exactly these days that also fits; `false`: there is none.
    pub fn take(&mut self, channel: &str, days: u32, fits: impl Fn(&TimeGap) -> bool) -> bool {
        let gaps = self.0.get_mut(channel);
        let gap = gaps.and_then(|gaps| gaps.iter_mut().find(|gap| gap.days == days && fits(gap)));
        gap.is_some_and(|gap| {
            gap.days = 0;
            days > 0
        })
    }

    /// Takes off days that are explained, wherever they are part of a movement: two extensions may have been read
    /// as one.
    pub fn explain(&mut self, channel: &str, days: u32) {
        if self.take(channel, days, |_| true) {
            return;
        }
        let mut left = days;
        for gap in self.0.get_mut(channel).into_iter().flatten() {
            let part = left.min(gap.days);
            gap.days = gap.days.saturating_sub(part);
            left = left.saturating_sub(part);
        }
    }

    /// What nothing explains.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.0.iter().flat_map(|(channel, gaps)| {
            gaps.iter().filter(|gap| gap.days > 0).map(|gap| {
                Row {
                answer: Finding::ExtendedNotPaid,
                payment: None,
                provider_id: None,
                channel: Some(channel.clone()),
                days: Some(gap.days),
                amount: None,
                currency: None,
                why: format!(
                    "nobody paid for it here: activeTill reads {}, the ledger explains {}",
                    utc(gap.high),
                    utc(gap.low)
                ),
                next: Some(
                    "look in Billing History for an extension by hand, a card renewal, or one without our key"
                        .into(),
                ),
            }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Ms = 1_000 * DAY_MS;

    fn left(gaps: &Gaps) -> Vec<u32> {
        gaps.rows().filter_map(|row| row.days).collect()
    }

    #[test]
    fn days_of_a_movement() {
        for (low, high, want) in [
            (AT + DAY_MS, AT + 31 * DAY_MS, 30),
            (AT + DAY_MS, AT + DAY_MS + 1, 1),
            (AT - 5 * DAY_MS, AT + 25 * DAY_MS, 30),
            (AT - 5 * DAY_MS - 7, AT + 30 * DAY_MS - 60_000, 30),
        ] {
            let mut gaps = Gaps::default();
            gaps.add("A", low, high, AT);
            assert_eq!(left(&gaps), [want], "{low} {high}");
        }
    }

    #[test]
    fn what_is_explained_is_taken_off() {
        let mut gaps = Gaps::default();
        gaps.add("A", AT, AT + 12 * DAY_MS, AT);
        gaps.explain("B", 5);
        assert!(!gaps.take("A", 5, |_| true));
        gaps.explain("A", 5);
        assert_eq!(left(&gaps), [7]);
        assert!(!gaps.take("A", 7, |gap| gap.low != AT));
        assert!(gaps.take("A", 7, |gap| gap.low == AT));
        assert!(left(&gaps).is_empty());
        assert!(!gaps.take("A", 0, |_| true));
    }
}
