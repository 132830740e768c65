//! How many days of a payment move next, and when: a level, not a calendar.
//!
//! While days are owed on a channel, its `activeTill` is kept at least `lead` ahead. When it is not, one *slice* of the
//! oldest payment moves. The due time comes from evidence (`activeTill`), so no clock that is set, no time zone and no
//! restart can double a slice; due times spread over the day as purchases did.
//!
//! Not here: which payment is the oldest, and whether it may move at all (the ledger's queue).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::brake::Brake;
use crate::domain::{DAY_MS, Ms, id::CommentTemplate};

/// When a slice is sent that was not called yet.
#[derive(Debug, Clone, Copy, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// When it is to be sent; [`QUEUED`]: others of its channel come first.
    pub at: Ms,
    /// How many days, where it is sent in time.
    pub days: u32,
    /// It is sent when the channel has less than this, in ms; `None`: at once, whatever the channel has.
    pub level_ms: Option<i64>,
    /// It is known not to have been sent only where the first reading shows this: the ledger was restored since it was
    /// planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure: Option<Ms>,
}

/// The time of what waits for others of its channel.
pub const QUEUED: Ms = i64::MAX;

impl Ahead {
    /// Others of its channel come first.
    pub const QUEUED: Self = Self { at: QUEUED, days: 0, level_ms: None, sure: None };

    /// When it is to be sent now that the channel has so much, where that is later: somebody extended it meanwhile.
    pub fn later(&self, active_till: Ms, now: Ms) -> Option<Ms> {
        let at = active_till.saturating_sub(self.level_ms?);
        (at > now).then_some(at)
    }
}

/// [`Sizes::lead_ms`] where nothing is set: 2 days.
pub const LEAD_MS: i64 = 172_800_000;

/// What is set about a payment's slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Days in one transfer; 0: all at once.
    pub slice: u32,
    /// A slice is sent when the channel has less than this, in ms.
    pub lead_ms: i64,
}

/// What the settings say about it.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// Days in one transfer, where the source says nothing; 0: all at once.
    pub slice: u32,
    /// A slice is sent when its channel has less than this, in ms.
    pub lead_ms: i64,
    /// Days in one transfer, by source.
    pub sources: BTreeMap<String, u32>,
    /// For the comments of slices.
    pub comment: CommentTemplate,
    /// When too many days are granted.
    pub brake: Brake,
}

impl Default for Allocation {
    fn default() -> Self {
        Self {
            slice: 0,
            lead_ms: LEAD_MS,
            sources: BTreeMap::new(),
            comment: CommentTemplate::default(),
            brake: Brake::default(),
        }
    }
}

impl Allocation {
    /// For a payment of this source; `own`: what its price or a person says.
    pub fn sizes(&self, source: &str, own: Option<u32>) -> Sizes {
        let slice = own.or_else(|| self.sources.get(source).copied()).unwrap_or(self.slice);
        Sizes { slice, lead_ms: self.lead_ms }
    }
}

/// What is known of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its `activeTill`; `None`: it was never read.
    pub active_till: Option<Ms>,
    /// It is in live mode, as far as is known.
    pub live: bool,
}

/// The days of the oldest payment of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Due, and not moved: 1 or more.
    pub left: u32,
    /// May have moved.
    pub moved: u32,
}

/// The next slice of a channel's oldest payment.
pub fn next(owed: Owed, level: Level, sizes: Sizes, now: Ms) -> Ahead {
    let Owed { left, moved } = owed;
    let at_once = |days| Ahead { at: now, days, level_ms: None, sure: None };
    if sizes.slice == 0 {
        return at_once(left);
    }
    let days = left.min(sizes.slice);
    let first = moved == 0;
    let till = match level.active_till {
        Some(till) if level.live || !first => till,
        // It activates the channel, ends its trial, and shows an unknown one at the purchase.
        _ if first => return at_once(days),
        _ => now,
    };
    // The first of a payment one slice sooner: what a customer buys is seen to move, and by us a channel never has more
    // than lead and two slices.
    let sooner_ms = if first { days_ms(sizes.slice) } else { 0 };
    let level_ms = sizes.lead_ms.saturating_add(sooner_ms);
    let at = till.saturating_sub(level_ms);
    // What was not owed before is not late, nor is it on a channel that nobody has looked at yet.
    let at = if first || level.active_till.is_none() { at.max(now) } else { at };
    Ahead { at, days, level_ms: Some(level_ms), sure: None }
}

/// The days of a slice that is sent now: so many more as it is late in whole days, so that an outage costs one call; but
/// not more than brings the channel to where it would be, nor than are owed.
pub fn late(ahead: &Ahead, left: u32, lead_ms: i64, now: Ms) -> u32 {
    if ahead.level_ms.is_none() {
        return ahead.days.min(left);
    }
    let behind_ms = now.saturating_sub(ahead.at).clamp(0, lead_ms.max(0));
    let behind = behind_ms.checked_div(DAY_MS).and_then(|days| u32::try_from(days).ok()).unwrap_or(0);
    ahead.days.saturating_add(behind).min(left)
}

fn days_ms(days: u32) -> i64 {
    i64::from(days).saturating_mul(DAY_MS)
}
