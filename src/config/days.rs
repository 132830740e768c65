//! `days` and `[[sources.NAME.amounts]]` of a source: what its payments buy.

use serde::{Deserialize, Serialize};

use super::{Source, preset::object::Object};

/// The word of a source whose days are those of the period that was billed.
const PERIOD: &str = "period";

/// `days`: where they stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Words")]
pub enum Days {
    /// Under these JSON pointers; the first hit wins. There may be none.
    Pointers(Vec<String>),
    /// Nowhere: they are those of the period.
    Period,
}

impl Default for Days {
    fn default() -> Self {
        Self::Pointers(Vec::new())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Words> for Days {
    type Error = String;

    fn try_from(words: Words) -> Result<Self, String> {
        match words {
            Words::One(word) if word == PERIOD => Ok(Self::Period),
            Words::One(word) => Err(format!("{word:?} is neither \"{PERIOD}\" nor a list of JSON pointers")),
            Words::Several(pointers) => Ok(Self::Pointers(pointers)),
        }
    }
}

impl Days {
    /// Whether they are those of the period.
    pub fn is_period(&self) -> bool {
        matches!(self, Days::Period)
    }
}

/// Its pointers.
impl std::ops::Deref for Days {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            Days::Pointers(pointers) => pointers,
            Days::Period => &[],
        }
    }
}

impl From<Vec<String>> for Days {
    fn from(pointers: Vec<String>) -> Self {
        Self::Pointers(pointers)
    }
}

/// As it is written in the settings.
impl Serialize for Days {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Days::Pointers(pointers) => pointers.serialize(serializer),
            Days::Period => serializer.serialize_str(PERIOD),
        }
    }
}

/// `[[sources.NAME.amounts]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Smallest units.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Days that it buys.
    pub days: u32,
}

/// What its payments buy is said once, and so that a payment may buy it.
pub(super) fn bought(source: &Source, refuse: &mut impl FnMut(bool, &str)) {
    for (index, price) in source.prices.iter().enumerate() {
        refuse(price.days == 0, &format!(".prices: {} has 0 days", price.price));
        refuse(
            source.prices.iter().take(index).any(|p| p.price == price.price),
            &format!(".prices: {} stands there twice", price.price),
        );
    }
    for (index, tier) in source.amounts.iter().enumerate() {
        let name = format!(".amounts: {} {:?}", tier.amount, tier.currency);
        refuse(tier.amount <= 0, &format!("{name} is no amount: it must be at least 1"));
        refuse(
            tier.currency.len() != 3 || tier.currency.chars().any(|c| !c.is_ascii_lowercase()),
            &format!("{name}: currency must be lower-case, such as \"usd\""),
        );
        refuse(
            tier.days == 0 || tier.days > source.days_max,
            &format!("{name} has {} days, not 1 to days_max ({})", tier.days, source.days_max),
        );
        let same = |other: &Amount| (other.amount, &other.currency) == (tier.amount, &tier.currency);
        refuse(source.amounts.iter().take(index).any(same), &format!("{name} stands there twice"));
    }
    let (tiers, per_day) = (!source.amounts.is_empty(), source.per_day.is_some());
    refuse(tiers && per_day, ".amounts and .per_day both say what an amount buys: leave one out");
    refuse(
        source.days.is_period() && (tiers || per_day || !source.prices.is_empty()),
        ".days = \"period\" stands beside prices, amounts or per_day: a period has the days of its calendar, a price always the same; leave one out",
    );
    let told = |object: &Object| {
        object.span.is_some() || object.lines.as_ref().is_some_and(|lines| lines.span.is_some())
    };
    refuse(
        source.days.is_period() && !source.events.objects.values().any(told),
        ".days = \"period\": no event of this provider is known to tell the period that it bills; set span of one of its objects, or use days, prices, amounts or per_day",
    );
}
