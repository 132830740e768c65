//! `[sources.NAME]`: a webhook endpoint, and what its payments buy.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Amount, Days, Secret,
    preset::{self, EventMap, Fetch, Signature},
};
use crate::domain::{
    Ms,
    facts::{Family, Money},
    payment::{Rules, agreement::OnEnd, entitlement::OnReversal},
};

/// `[sources.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of a preset, such as `stripe`; or `custom`, which declares one here.
    pub provider: String,
    /// What the provider is called.
    #[serde(default)]
    pub title: String,
    /// How its webhooks are signed.
    pub signature: Signature,
    /// What its events mean.
    pub events: EventMap,
    /// What is asked of its API before anything is believed.
    pub fetch: Option<Fetch>,
    /// The address that the provider calls, as it was told to; part of what some sign.
    pub public_url: Option<String>,
    /// Signing secrets; several while rotating. At least one.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// The mode whose events count; those of the other are recorded as ignored.
    #[serde(default = "yes")]
    pub livemode: bool,
    /// How far a signature's time may lie from ours, both ways.
    #[serde(default = "five_minutes", with = "humantime_serde")]
    pub tolerance: Duration,
    /// Names the provider account for ever; part of every key. Default: the source's name.
    pub realm: Option<String>,
    /// The one family that grants days.
    #[serde(default = "payments")]
    pub money_in: Family,
    /// Connected accounts whose payments count; not set: all that the provider sends here.
    pub accounts: Option<Vec<String>>,
    /// The account that the source itself belongs to, for providers that name it in events of its own; such an event
    /// is of no connected account.
    pub own_account: Option<String>,
    /// JSON pointers into the event's object for the channel, first hit wins.
    #[serde(default)]
    pub channel: Vec<String>,
    /// What stands there is an alias in the directory, not a channel.
    #[serde(default)]
    pub channel_alias: bool,
    /// JSON pointers into the event's object for the days, first hit wins; or `"period"`: those of what was billed.
    #[serde(default)]
    pub days: Days,
    /// How whoever pays can set custom data at this provider, days among them; not set: the seller alone can.
    pub payer_sets: Option<String>,
    /// Days by price id, × quantity.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// Days by amount.
    pub per_day: Option<PerDay>,
    /// Days in one transfer; not set: that of [`Allocation`](super::Allocation). 0: all of a payment at once.
    pub slice: Option<u32>,
    /// Days by what was paid, exactly; an amount between two of them is held.
    #[serde(default)]
    pub amounts: Vec<Amount>,
    /// What is done about money that was given back: `report`, `cancel_unspent` or `hold_channel_transfers`.
    #[serde(default)]
    pub on_refund: OnReversal,
    /// What is done about money that the payer's bank took, likewise.
    #[serde(default)]
    pub on_dispute: OnReversal,
    /// What is done about days that are owed when their agreement (subscription) ends: `finish` or `stop`.
    #[serde(default)]
    pub on_end: OnEnd,
    /// Most days one payment may buy; more is held.
    #[serde(default = "days_max")]
    pub days_max: u32,
    /// A key that may read the provider's own record: what is fetched is asked for with it, and at Stripe events that
    /// never arrived.
    pub api_key: Option<Secret>,
    /// The way to its API: that of [`Outbound`](super::Outbound).
    #[serde(skip)]
    pub proxy: Option<Secret>,
    /// Base of the provider's API; https unless it is on this machine.
    #[serde(default)]
    pub api_base: String,
    /// How often the provider is asked for events that never arrived.
    #[serde(default = "five_minutes", with = "humantime_serde")]
    pub backfill_every: Duration,
    /// How far the first sweep looks back, and how far events count that the provider could not deliver.
    #[serde(default = "three_days", with = "humantime_serde")]
    pub backfill_sweep: Duration,
}

/// `[[sources.NAME.prices]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The provider's price id.
    pub price: String,
    /// Days per unit.
    pub days: u32,
    /// Days in one transfer of what this price buys, over the source's.
    pub slice: Option<u32>,
}

/// `[sources.NAME.per_day]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerDay {
    /// Lower-case ISO code.
    pub currency: String,
    /// Smallest units per day.
    pub amount: i64,
}

fn yes() -> bool {
    true
}
fn five_minutes() -> Duration {
    Duration::from_secs(300)
}
fn payments() -> Family {
    Family::new("payments")
}
fn three_days() -> Duration {
    Duration::from_secs(3 * 86_400)
}
fn days_max() -> u32 {
    3650
}

/// What proves that an event is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A MAC over body and time.
    SignedWithTime,
    /// A MAC over the body; a captured request holds for ever.
    Signed,
    /// A MAC over some of its values.
    SignedInPart,
    /// What the provider's API says when it is asked.
    Fetched,
}

impl Proof {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Proof::SignedWithTime => "signed, with time",
            Proof::Signed => "signed",
            Proof::SignedInPart => "signed in part",
            Proof::Fetched => "fetched",
        }
    }
}

impl Source {
    /// What its events are believed for.
    pub fn proof(&self) -> Proof {
        match (self.signature.binds_body(), self.signature.timestamp.is_some()) {
            (true, true) => Proof::SignedWithTime,
            (true, false) => Proof::Signed,
            (false, _) if self.signature.fields().next().is_some() => Proof::SignedInPart,
            (false, _) => Proof::Fetched,
        }
    }

    /// A source that sets nothing but its provider, for samples and tests: it has no secret and cannot be served.
    pub fn of_preset(provider: &str) -> Result<Self, String> {
        let table = [("provider".to_owned(), provider.into())].into_iter().collect();
        let whole = preset::lay_over(table).map(toml::Value::Table)?;
        whole.try_into().map_err(|error: toml::de::Error| error.to_string())
    }

    /// The realm: set, or the source's name.
    pub fn realm<'a>(&'a self, name: &'a str) -> &'a str {
        self.realm.as_deref().unwrap_or(name)
    }

    /// How whoever pays may choose the days, where nothing holds these to what was paid.
    pub fn days_unbound(&self) -> Option<&str> {
        let counted =
            !self.prices.is_empty() && self.events.objects.values().any(|object| object.lines.is_some());
        let bound = self.days.is_empty() || self.per_day.is_some() || !self.amounts.is_empty() || counted;
        self.payer_sets.as_deref().filter(|_| !bound)
    }

    /// Whether payments of any connected account count, as far as the provider sends them here.
    pub fn takes_every_account(&self) -> bool {
        self.events.account.is_some() && self.accounts.is_none()
    }

    /// Whether its key lists the events of the account: for Stripe alone.
    pub fn lists_events(&self) -> bool {
        self.api_key.is_some() && self.provider == "stripe"
    }

    /// How it grants days; `money_in_since`: when its family replaced another one.
    pub fn rules(&self, money_in_since: Option<Ms>) -> Rules {
        Rules {
            money_in: self.money_in.clone(),
            money_in_since,
            channel_pointers: self.channel.clone(),
            channel_alias: self.channel_alias,
            days_pointers: self.days.to_vec(),
            prices: self.prices.iter().map(|p| (p.price.clone(), p.days)).collect(),
            slices: self.prices.iter().filter_map(|p| Some((p.price.clone(), p.slice?))).collect(),
            per_day: self.per_day.as_ref().map(|p| Money { amount: p.amount, currency: p.currency.clone() }),
            amounts: self.amounts.iter().map(|a| ((a.currency.clone(), a.amount), a.days)).collect(),
            period: self.days.is_period(),
            days_max: self.days_max,
            on_refund: self.on_refund,
            on_dispute: self.on_dispute,
            on_end: self.on_end,
        }
    }
}
