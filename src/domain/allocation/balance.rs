//! What refusals prove about a balance that no API tells.
//!
//! A refusal of so many days proves that the balance is below them, and nothing more. So those days are a
//! *ceiling*: transfers of as many or more wait, smaller ones go on. From time to time one that waits is
//! tried, the probe. A round of probes takes at most two calls, however many wait: the one that expires
//! soonest, and, where that is refused, the smallest. If even that is refused, none of the others can pass.

/// Below how many days the balance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// Transfers of as many days or more wait. 1: all of them.
    pub days: u32,
    /// Days of the first probe of this round, where it was refused: the smallest that waits is the second.
    pub refused_first: Option<u32>,
}

impl Ceiling {
    /// After a refusal of so many days, of the probe or of another transfer.
    pub fn refused(before: Option<Self>, days: u32, probe: bool) -> Self {
        let days = days.max(1);
        let Some(before) = before else { return Self { days, refused_first: None } };
        let refused_first = match (probe, before.refused_first) {
            (true, None) => Some(days),
            (true, Some(_)) => None,
            (false, first) => first,
        };
        Self { days: days.min(before.days), refused_first }
    }

    /// After so many days moved; `None`: nothing is known of the balance any more. What this round's first probe
    /// was refused is known still.
    pub fn moved(self, days: u32) -> Option<Self> {
        if self.keeps_back(days) {
            self.refused_first
                .filter(|first| *first > days)
                .map(|first| Self { days: first, refused_first: None })
        } else {
            Some(self)
        }
    }

    /// Whether a transfer of so many days waits.
    pub fn keeps_back(self, days: u32) -> bool {
        days >= self.days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceiling(days: u32, refused_first: Option<u32>) -> Ceiling {
        Ceiling { days, refused_first }
    }

    #[test]
    fn a_refusal_holds_back_what_is_as_large() {
        let first = Ceiling::refused(None, 365, false);
        assert_eq!(first, ceiling(365, None));
        assert!(first.keeps_back(365) && first.keeps_back(366) && !first.keeps_back(364));
        assert_eq!(Ceiling::refused(Some(first), 30, false), ceiling(30, None), "each refusal lowers it");
        assert_eq!(Ceiling::refused(Some(ceiling(30, None)), 365, false).days, 30, "and none raises it");
        assert_eq!(Ceiling::refused(None, 0, false).days, 1);
    }

    #[test]
    fn a_success_at_or_above_lifts_it() {
        for (days, left) in [(29, Some(ceiling(30, None))), (30, None), (365, None)] {
            assert_eq!(ceiling(30, None).moved(days), left, "{days}");
        }
        let second = ceiling(1, Some(365));
        assert_eq!(second.moved(5), Some(ceiling(365, None)), "365 were refused a moment ago");
        assert_eq!(second.moved(365), None);
    }

    #[test]
    fn a_round_has_two_probes() {
        let first = Ceiling::refused(Some(ceiling(1, None)), 365, true);
        assert_eq!(first, ceiling(1, Some(365)));
        assert_eq!(Ceiling::refused(Some(first), 3, false), first, "another transfer is no probe");
        assert_eq!(Ceiling::refused(Some(first), 5, true), ceiling(1, None));
    }
}
