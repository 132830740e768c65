//! `[allocation]`: days that move in slices, and what names a slice to the partner.

use std::time::Duration;

use serde::Deserialize;

use super::{Config, Source};
use crate::domain::{
    allocation::slices,
    id::{CommentTemplate, GRANT_REALM, realm_bytes},
};

/// `[allocation]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AllocationSettings {
    /// Days in one transfer; 0: all of a payment at once.
    pub slice: u32,
    /// A slice is sent when the channel has less than this.
    #[serde(with = "humantime_serde")]
    pub lead: Duration,
}

impl Default for AllocationSettings {
    fn default() -> Self {
        Self { slice: 0, lead: Duration::from_secs(2 * 86_400) }
    }
}

impl Config {
    /// How days are allocated, by all that the settings say; the comment where it is no good is said by [`check`].
    pub(crate) fn allocation(&self) -> slices::Allocation {
        let slices = self.sources.iter().filter_map(|(name, source)| Some((name.clone(), source.slice?)));
        slices::Allocation {
            slice: self.allocation.slice,
            lead_ms: i64::try_from(self.allocation.lead.as_millis()).unwrap_or(i64::MAX),
            sources: slices.collect(),
            comment: self.comment().unwrap_or_default(),
            brake: self.brake.rules(),
        }
    }

    /// Whether any payment moves in slices.
    fn has_slices(&self) -> bool {
        let sources = self.sources.values();
        let mut slices = sources.flat_map(|source| {
            source.slice.into_iter().chain(source.prices.iter().filter_map(|price| price.slice))
        });
        self.allocation.slice > 0 || slices.any(|slice| slice > 0)
    }

    /// What names a transfer to the partner; the thousandth slice of a payment must be named as well.
    pub fn comment(&self) -> Result<CommentTemplate, String> {
        let realms = self.sources.iter().map(|(name, source)| realm_bytes(source.realm(name)));
        let days_max = self.sources.values().map(|source| source.days_max).max().unwrap_or(0);
        let numbers = if self.has_slices() { "999".len() } else { 0 };
        let realm_bytes = realms.max().unwrap_or(0).saturating_add(numbers);
        CommentTemplate::parse(&self.partner.comment, realm_bytes, days_max)
    }

    /// A slice that is in doubt must be settled before its channel is dark.
    pub(super) fn allocation_wrong(&self, refuse: &mut impl FnMut(bool, String)) {
        let config = self;
        let (lead, window) = (config.allocation.lead, config.partner.settle_window);
        refuse(
            lead < window.saturating_mul(LEAD_WINDOWS_MIN),
            format!(
                "allocation.lead ({}) must be at least {LEAD_WINDOWS_MIN} times partner.settle_window ({}): a slice in doubt is settled before its channel has run out",
                humantime::format_duration(lead),
                humantime::format_duration(window)
            ),
        );
        let prices =
            |source: &Source| source.prices.iter().filter_map(|price| price.slice).collect::<Vec<_>>();
        let slices = config.sources.iter().flat_map(|(name, source)| {
            let all = source.slice.into_iter().chain(prices(source));
            all.map(move |slice| (format!("sources.{name}.slice"), slice, source.days_max))
        });
        for (key, slice, days_max) in
            slices.chain([("allocation.slice".to_owned(), config.allocation.slice, DAYS_MAX)])
        {
            refuse(
                slice > days_max,
                format!(
                    "{key} is {slice}, more than the {days_max} days that a payment may buy; 0 moves all at once"
                ),
            );
        }
        let realms = config.sources.iter().filter(|(name, source)| source.realm(name) == GRANT_REALM);
        for (name, _) in realms {
            refuse(
                true,
                format!(
                    "sources.{name}: the realm {GRANT_REALM:?} is that of `daybridge grant`: give the source another realm"
                ),
            );
        }
    }
}

/// How many settle windows the lead must have.
const LEAD_WINDOWS_MIN: u32 = 4;

/// Most days of a payment, where no source says.
const DAYS_MAX: u32 = 3_650;
