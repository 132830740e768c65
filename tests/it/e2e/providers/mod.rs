//! Every provider on real processes: from a signed request to days on a channel.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use daybridge::{config::Source, webhook::signature};
use serde_json::{Value, json};

use crate::support::{
    api::{Answer, Api},
    daybridge::{House, now_s},
};

/// Several events in one request.
mod batch;

/// A provider that is declared in the settings.
mod custom;

/// Each preset through the command line.
mod every;

/// What an event is about, asked for at the provider's API.
mod fetch;

const CHANNEL: &str = "DEMOCH-AB12C";

/// How often days were moved, and all of them, by channel.
async fn moved(house: &House) -> BTreeMap<String, (usize, u64)> {
    let state = house.sim_state().await.unwrap();
    let mut moved = BTreeMap::new();
    for extend in state["extends"].as_array().unwrap().iter().filter(|extend| extend["applied"] == true) {
        let (times, days) = moved.entry(extend["channel"].as_str().unwrap().to_owned()).or_default();
        *times += 1;
        *days += extend["days"].as_u64().unwrap();
    }
    moved
}

/// A source as it stands in the settings file.
fn source(house: &House, name: &str) -> Source {
    let text = std::fs::read_to_string(house.path("daybridge.toml")).unwrap();
    daybridge::config::load::parse(&text, Vec::new()).unwrap().sources.remove(name).unwrap()
}

/// Posts a body signed with a secret, as the source's provider would; returns status and answer.
async fn post(house: &House, name: &str, secret: &str, body: &[u8], id: &str) -> (u16, String) {
    let source = source(house, name);
    let signed = signature::sign(&source, &secret.into(), body, id, now_s() * 1000).unwrap();
    let url = format!("http://127.0.0.1:{}/webhooks/{name}?{}", house.server, signed.query);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(url).body(signed.body);
    if let Some(caller) = source.signature.addresses.first() {
        request = request.header("x-forwarded-for", caller.addr().to_string());
    }
    let request =
        signed.headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What an API says.
#[derive(Clone)]
enum Says {
    This(Answer),
    /// Nothing, and keeps the line open.
    Nothing,
}

impl Says {
    fn json(value: &Value) -> Self {
        Says::This(Answer::of(200, value.to_string()))
    }

    fn status(status: u16) -> Self {
        Says::This(Answer::of(status, "{}"))
    }
}

/// A provider's API that says of each path what the test tells it to, and else one thing of all.
#[derive(Clone)]
struct Shop {
    all: Arc<Mutex<Says>>,
    paths: Arc<Mutex<BTreeMap<String, Says>>>,
}

impl Shop {
    fn new(all: Says) -> Self {
        Self { all: Arc::new(Mutex::new(all)), paths: Arc::default() }
    }

    fn of_all(&self, says: Says) {
        *self.all.lock().unwrap() = says;
    }

    fn of(&self, path: &str, says: Says) {
        self.paths.lock().unwrap().insert(path.to_owned(), says);
    }

    async fn open(&self, port: u16) -> Api {
        let this = self.clone();
        Api::start_at(port, move |asked| {
            let known = this.paths.lock().unwrap().get(&asked.target).cloned();
            let says = known.unwrap_or_else(|| this.all.lock().unwrap().clone());
            async move {
                match says {
                    Says::This(answer) => answer,
                    Says::Nothing => std::future::pending().await,
                }
            }
        })
        .await
    }
}

/// A house with a channel, whose worker asks an API again soon.
async fn house(sources: &str) -> House {
    let house =
        House::build("embedded", None, &format!("[worker]\nfetch_again = \"300ms\"\n{sources}\n")).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house
}
