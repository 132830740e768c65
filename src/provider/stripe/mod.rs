//! Stripe's API, as far as it tells of the past: `GET /v1/events` and the list of the family that grants.
//!
//! Answers are asked for in one fixed API version, whatever the account's default is; events keep the version in
//! which they were made, as webhooks do. Lists go by the time an object was *made*: a payment that was made
//! before a range and paid in it is not in that range. Rejected: a Stripe library. It parses whole objects into
//! closed types, and one new value of one field would stop the backfill.

use std::num::NonZeroU32;

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    config::Source,
    domain::facts::Family,
    outbound::address::base_url,
    provider::history::{EventRange, History, HistoryError, Listed, Paid, Walk, Which},
};

/// One GET, tried again where that may help.
mod get;

/// What every object says of itself.
mod head;

/// From a list's text to its objects.
mod page;

/// From an object of a list to a payment.
mod paid;

use get::{Get, Missed};
use page::Page;

/// The preset whose API is known here.
pub(super) const PROVIDER: &str = "stripe";

/// Requests per second to Stripe, per source and process; Stripe allows 25 in test mode, and the shop needs them.
const REQUESTS_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Most event types that Stripe lists at once. What tells of a payment is always among them; of agreements, those that
/// the preset names first.
const TYPES_MAX: usize = 20;

/// A list and what a restricted key needs for it.
struct List {
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    needs: &'static str,
}

const EVENTS: List = List { path: "v1/events", query: &[], needs: "Events" };

/// What tells of the refunds is asked for with it.
fn list_of(family: &Family) -> &'static List {
    match family.as_str() {
        "charges" => &List { path: "v1/charges", query: &[], needs: "Charges and Refunds" },
        "payment_intents" => &List {
            path: "v1/payment_intents",
            query: &[("expand[]", "data.latest_charge")],
            needs: "PaymentIntents, Charges and Refunds",
        },
        "checkout" => &List {
            path: "v1/checkout/sessions",
            query: &[("status", "complete"), ("expand[]", "data.payment_intent.latest_charge")],
            needs: "Checkout Sessions, PaymentIntents, Charges and Refunds",
        },
        _ => &List {
            path: "v1/invoices",
            query: &[("status", "paid"), ("expand[]", "data.payments")],
            needs: "Invoices",
        },
    }
}

/// The past of one source. Not `Debug`: it holds the key.
pub struct Api {
    get: Get,
    base: Url,
    source: Source,
    pace: DefaultDirectRateLimiter,
}

impl Api {
    /// Checks address and key; a key that cannot be right is refused before it is sent.
    pub fn new(source: &Source, key: SecretString) -> anyhow::Result<Self> {
        let base = base_url(&source.api_base, "api_base")?;
        let is = |part: &str| key.expose_secret().contains(part);
        anyhow::ensure!(
            !key.expose_secret().starts_with("pk_") && !key.expose_secret().starts_with("whsec_"),
            "api_key is a publishable key or a signing secret; make a restricted key (rk_…)"
        );
        anyhow::ensure!(
            !(source.livemode && is("k_test_") || !source.livemode && is("k_live_")),
            "api_key is of the other mode than livemode = {}",
            source.livemode
        );
        Ok(Self {
            get: Get::new(&base, key, source.proxy.as_ref())?,
            base,
            source: source.clone(),
            pace: RateLimiter::direct(Quota::per_second(REQUESTS_PER_SECOND_MAX)),
        })
    }

    fn url(&self, list: &List, more: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(list.path.split('/'));
        }
        url.query_pairs_mut().extend_pairs(list.query.iter().chain(more));
        url
    }

    /// The next page of a list, shorter ones where it is too long to be read at once.
    async fn page(
        &self,
        list: &List,
        range: EventRange,
        more: &[(&str, &str)],
        walk: &mut Walk,
    ) -> Result<Page, HistoryError> {
        let (from, until) = (range.from.div_euclid(1000), range.until.saturating_add(999).div_euclid(1000));
        let (from, until) = (from.to_string(), until.to_string());
        loop {
            let objects = walk.objects().to_string();
            let mut query = vec![("created[gte]", &*from), ("created[lt]", &*until), ("limit", &*objects)];
            query.extend(walk.after().map(|after| ("starting_after", after)));
            query.extend(more);
            let url = self.url(list, &query);
            match self.get.get(&self.pace, url, list.needs).await {
                Ok(body) => {
                    let page = Page::read(body)?;
                    walk.turn(page.last_id()?, page.has_more)?;
                    return Ok(page);
                }
                Err(Missed::TooLong) if walk.shorten() => {}
                Err(missed) => return Err(missed.into()),
            }
        }
    }
}

#[async_trait]
impl History for Api {
    async fn events(
        &self,
        range: EventRange,
        which: Which,
        walk: &mut Walk,
    ) -> Result<Vec<Listed>, HistoryError> {
        // The list holds snapshot events only.
        let snapshot = |kind: &str| !kind.starts_with("v1.");
        let types = self.source.events.types_within(TYPES_MAX, snapshot).into_iter();
        let mut more: Vec<(&str, &str)> = types.map(|kind| ("types[]", kind)).collect();
        if which == Which::Undelivered {
            more.push(("delivery_success", "false"));
        }
        let page = self.page(&EVENTS, range, &more, walk).await?;
        page.events(&self.source.events)
    }

    async fn payments(&self, range: EventRange, walk: &mut Walk) -> Result<Vec<Paid>, HistoryError> {
        let page = self.page(list_of(&self.source.money_in), range, &[], walk).await?;
        page.payments(&self.source)
    }

    async fn health(&self) -> Result<(), HistoryError> {
        for list in [&EVENTS, list_of(&self.source.money_in)] {
            let url = self.url(list, &[("limit", "1")]);
            Page::read(self.get.get(&self.pace, url, list.needs).await?)?;
        }
        Ok(())
    }
}
