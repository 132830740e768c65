//! A provider's API, asked for what an event is about: it answers with the payment as it is now in its life, or as it was
//! a moment ago, or not at all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::provider::{Trouble, Wire};
use reqwest::{Method, Request, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    life::{Kind, Life, own_of},
    payment::{Dispute, Payment},
    process,
    story::words,
    world::World,
};

/// Later than anybody waits for.
const LATE: Duration = Duration::from_secs(30);

words! {
    /// What befalls every answer for a time.
    Fault {
        /// It does not know what it told of.
        Missing = "404",
        Throttled = "429",
        Failed = "500",
        NoKey = "401",
        Cut = "cut",
        /// It comes when nobody waits any more.
        Late = "late",
        /// It is of before; not of before what was told already.
        Stale = "stale",
        /// No JSON.
        Html = "html",
        /// It is about another payment.
        Other = "other",
    }
}

/// What a payment, its refund or its dispute is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Paid,
    /// In part; a refund: it is made.
    Refunded,
    AllRefunded,
    RefundFailed,
    Disputed,
    Won,
    Lost,
}

/// What an API is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Object {
    path: String,
    /// The body in each state; one that is left out is told like what it came from.
    is: BTreeMap<State, String>,
    #[serde(default)]
    pub(super) set: BTreeMap<String, Kind>,
}

impl Object {
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.is.values().map(String::as_str)
    }
}

/// The states of a payment, or of its refund, the one that tells most first.
fn states(payment: &Payment, refund: Option<&str>) -> Vec<State> {
    if let Some(refund) = refund {
        let stands = payment.refunds.get(refund).map(|refund| refund.stands);
        let state = |stands| {
            if stands { State::Refunded } else { State::RefundFailed }
        };
        return stands.map(state).into_iter().collect();
    }
    let mut states = match payment.dispute {
        Some(Dispute::Open) => vec![State::Disputed],
        Some(Dispute::Lost) => vec![State::Lost, State::Disputed],
        Some(Dispute::Won) => vec![State::Won],
        None => Vec::new(),
    };
    if payment.refunded() >= payment.amount {
        states.push(State::AllRefunded);
    }
    if payment.refunded() > 0 {
        states.push(State::Refunded);
    }
    states.push(State::Paid);
    states
}

impl Life {
    /// What stands at a path, of a payment as it is.
    fn at(&self, path: &str, payment: &Payment, now_s: i64) -> Option<Value> {
        let refunds = payment.refunds.keys().map(|refund| Some(&**refund));
        refunds.chain([None]).find_map(|refund| {
            let is_refund = |object: &&Object| object.path.contains("{r}") || object.path.contains("{#r}");
            let fits = |object: &&Object| {
                is_refund(object) == refund.is_some()
                    && own_of(&object.path, payment, refund.unwrap_or_default()) == path
            };
            let object = self.asked.iter().find(fits)?;
            let file = states(payment, refund).iter().find_map(|state| object.is.get(state))?;
            Some(self.filled(file, &object.set, (payment, refund, now_s), "").0)
        })
    }
}

impl Life {
    /// What stands at the path of the same kind of another payment.
    fn other(&self, path: &str, payment: &Payment, now_s: i64) -> Option<Value> {
        let object =
            self.asked.iter().find(|object| !object.path.contains("{r}") && !object.path.contains("{#r}"))?;
        let own = own_of(&object.path, payment, "");
        (own != path).then(|| self.at(&own, payment, now_s)).flatten()
    }
}

/// One process's way to one source's API.
struct Door {
    world: Weak<World>,
    life: Arc<process::Life>,
    of: &'static Life,
    /// As it was when the process started.
    key: String,
}

/// See [`Door`]; `None`: that source's is not asked.
pub fn door(world: &Arc<World>, life: &Arc<process::Life>, source: &str) -> Option<Arc<dyn Wire>> {
    let of = super::life::lives().iter().find(|life| life.provider == source)?;
    let key = world.inner().settings.get("api_key").to_owned();
    Some(Arc::new(Door { world: Arc::downgrade(world), life: life.clone(), of, key }))
}

#[async_trait]
impl Wire for Door {
    async fn turn(&self) {}

    async fn send(&self, request: Request) -> Result<(u16, Vec<u8>), Trouble> {
        let Some(world) = self.world.upgrade() else {
            return std::future::pending().await;
        };
        world.little_while(300).await;
        let fault = world.api_fault(self.of, &self.key);
        if fault == Some(Fault::Late) {
            sleep(LATE).await;
        }
        self.life.goes_on().await;
        world.answer(self.of, &request, fault)
    }
}

impl World {
    fn api_fault(&self, of: &Life, key: &str) -> Option<Fault> {
        let now = self.now();
        let mut inner = self.inner();
        let is_old = inner.settings.get("api_key") != key;
        let fault = inner.api.filter(|(_, until)| now < *until).map(|(fault, _)| fault);
        let fault = fault.or(is_old.then_some(Fault::NoKey));
        if fault.is_some() {
            inner.api_failed.insert(of.provider.clone());
        }
        fault
    }

    /// Whether all that was delivered was asked for in vain never.
    pub fn was_answered(&self, source: &str) -> bool {
        !self.inner().api_failed.contains(source)
    }

    fn answer(&self, of: &Life, request: &Request, fault: Option<Fault>) -> Result<(u16, Vec<u8>), Trouble> {
        if !request.headers().contains_key(AUTHORIZATION) {
            self.inner().wrong.push(format!("no key: {} was asked without one", of.provider));
        }
        let refused = |status| Ok((status, Vec::new()));
        match fault {
            Some(Fault::Missing) => return refused(404),
            Some(Fault::Throttled) => return refused(429),
            Some(Fault::Failed) => return refused(500),
            Some(Fault::NoKey) => return refused(401),
            Some(Fault::Cut) => return Err(Trouble::Away("the connection was reset".to_owned())),
            Some(Fault::Html) => return Ok((200, b"<html>".to_vec())),
            Some(Fault::Late | Fault::Stale | Fault::Other) | None => {}
        }
        if request.method() == Method::POST {
            let token = json!({ "access_token": "token", "expires_in": 3_600 });
            return Ok((200, token.to_string().into_bytes()));
        }
        let (path, now_s) = (request.url().path(), self.now_s());
        let payments: Vec<Payment> = {
            let payments = self.payments();
            payments.values().filter(|payment| payment.way.source() == of.provider).cloned().collect()
        };
        let found = payments.iter().find_map(|payment| {
            let was = self.as_it_was(payment).filter(|_| fault == Some(Fault::Stale));
            of.at(path, &was.unwrap_or_else(|| payment.clone()), now_s)
        });
        let other = || payments.iter().find_map(|payment| of.other(path, payment, now_s));
        let told = match fault {
            Some(Fault::Other) => other().or(found),
            _ => found,
        };
        told.map_or_else(|| refused(404), |told| Ok((200, told.to_string().into_bytes())))
    }

    /// What it was when it had all in it that was told of it since.
    fn as_it_was(&self, payment: &Payment) -> Option<Payment> {
        let told: Vec<&String> =
            payment.events.iter().filter(|(_, event)| event.told > 0).map(|(word, _)| word).collect();
        let inner = self.inner();
        let past = inner.past.get(&payment.name)?;
        past.iter().find(|was| told.iter().all(|word| was.events.contains_key(*word))).cloned()
    }
}
