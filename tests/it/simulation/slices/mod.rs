//! Days in slices, over weeks: what a person does about them, how weeks pass, and what is judged of them. Of the program's
//! rule nothing is used here: how large a slice may be, when it may come and in which order follow from what is promised.

/// What a person does.
mod acts;
/// What a seed draws about them.
pub mod draw;
/// What is judged when all is over.
pub mod judge;
/// How weeks pass.
mod passing;
/// What is judged as it happens.
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use daybridge::domain::{DAY_MS, Ms};

use super::{
    settings::Settings,
    story::{Step, Story},
};

/// What a story ever sets about slices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// The largest slice; 0: all days move at once.
    pub slice_max: u32,
    /// Some payments move at once.
    pub at_once: bool,
    /// What is owed stays where a subscription ends, always.
    pub stops: bool,
    /// The longest lead, and the shortest.
    pub lead_ms: Ms,
    pub lead_min_ms: Ms,
}

impl Terms {
    pub fn of(story: &Story) -> Self {
        let mut terms = Self::default();
        let mut settings = Settings::default();
        let mut leads = Vec::new();
        for step in &story.steps {
            let Step::Set { key, value } = step else { continue };
            settings.set(key, value);
            terms.stops = settings.get("on_end") == "stop" && (terms.stops || key == "on_end");
            if key == "lead" {
                let lead = humantime::parse_duration(value).unwrap();
                leads.push(i64::try_from(lead.as_millis()).unwrap());
            }
            for days in ["slice", "slice_stripe"].map(|key| settings.get(key)) {
                terms.slice_max = terms.slice_max.max(days.parse().unwrap_or(0));
                terms.at_once |= days == "0";
            }
        }
        terms.lead_ms = leads.iter().copied().max().unwrap_or(2 * DAY_MS);
        terms.lead_min_ms = leads.iter().copied().min().unwrap_or(2 * DAY_MS);
        terms
    }

    pub fn is_on(&self) -> bool {
        self.slice_max > 0
    }

    /// The most days of one slice: its own, and those that it may be late.
    pub fn days_max(&self) -> u32 {
        self.slice_max + u32::try_from(self.lead_ms / DAY_MS).unwrap()
    }
}

/// A payment's name, and the number of its transfer.
pub type Key = (String, u32);

/// What was seen of slices so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub terms: Terms,
    /// Calls made for each.
    calls: BTreeMap<Key, u32>,
    /// Channels that were called on.
    called: BTreeSet<String>,
    /// Payments that a person stopped, and when.
    stopped: BTreeMap<String, Ms>,
    /// Payments that a person let go on.
    gone_on: BTreeSet<String>,
    /// Payments that were given to another channel, and when.
    moved: BTreeMap<String, Ms>,
    /// Each such gift: when, of which payment, and whose it was before.
    gifts: Vec<(Ms, String, String)>,
    /// Slices that a person had sent at once.
    now: BTreeSet<Key>,
    /// Payments that a person ever stopped, or gave to another channel.
    touched: BTreeSet<String>,
    /// When something last kept days from moving for a while: no worker, no reading, too little balance.
    pub disturbed_at: Ms,
    /// Hand-made days until a person said what is on the balance; `None`: nobody did, or it is not so any more.
    marked: Option<i64>,
}
