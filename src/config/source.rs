//! `[sources.NAME]`: a webhook endpoint, and what its payments buy.

use std::time::Duration;

use serde::Deserialize;

use super::Secret;
use crate::domain::{
    Ms,
    covered::OnMoneyOut,
    facts::{Family, Money},
    payment::Rules,
};

/// `[sources.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the preset: `stripe`.
    pub provider: String,
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
    #[serde(default = "charges")]
    pub money_in: Family,
    /// Connected accounts whose payments count; not set: all that the provider sends here.
    pub accounts: Option<Vec<String>>,
    /// JSON pointers into the event's object for the channel, first hit wins.
    #[serde(default = "channel_pointers")]
    pub channel: Vec<String>,
    /// JSON pointers into the event's object for the days, first hit wins.
    #[serde(default = "days_pointers")]
    pub days: Vec<String>,
    /// Days by price id, × quantity.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// Days by amount.
    pub per_day: Option<PerDay>,
    /// What is done about money that was given back: `report`, `cancel_unspent` or `hold_channel_transfers`.
    #[serde(default)]
    pub on_refund: OnMoneyOut,
    /// What is done about money that the payer's bank took, likewise.
    #[serde(default)]
    pub on_dispute: OnMoneyOut,
    /// Most days one payment may buy; more is held.
    #[serde(default = "days_max")]
    pub days_max: u32,
    /// A key that may read the provider's own record; with it, events that never arrived are asked for.
    pub api_key: Option<Secret>,
    /// Base of the provider's API; https unless it is on this machine.
    #[serde(default = "api_base")]
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
fn charges() -> Family {
    Family::new("charges")
}
fn channel_pointers() -> Vec<String> {
    vec!["/metadata/channel_id".into(), "/client_reference_id".into()]
}
fn days_pointers() -> Vec<String> {
    vec!["/metadata/days".into()]
}
fn api_base() -> String {
    "https://api.stripe.com".into()
}
fn three_days() -> Duration {
    Duration::from_secs(3 * 86_400)
}
fn days_max() -> u32 {
    3650
}

impl Source {
    /// The realm: set, or the source's name.
    pub fn realm<'a>(&'a self, name: &'a str) -> &'a str {
        self.realm.as_deref().unwrap_or(name)
    }

    /// How it grants days; `money_in_since`: when its family replaced another one.
    pub fn rules(&self, money_in_since: Option<Ms>) -> Rules {
        Rules {
            money_in: self.money_in.clone(),
            money_in_since,
            channel_pointers: self.channel.clone(),
            days_pointers: self.days.clone(),
            prices: self.prices.iter().map(|p| (p.price.clone(), p.days)).collect(),
            per_day: self.per_day.as_ref().map(|p| Money { amount: p.amount, currency: p.currency.clone() }),
            days_max: self.days_max,
            on_refund: self.on_refund,
            on_dispute: self.on_dispute,
        }
    }
}
