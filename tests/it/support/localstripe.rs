//! localstripe, a stateful stand-in for Stripe's API by other people: payments are made in it as a shop makes them.
//! Installed once into `target/tmp` by pip, at a fixed version; a machine that can neither find it there nor reach
//! a package index fails the test.
//!
//! What it lacks is put into it by `localstripe.py`, and only there: it knows no `types[]` and no `delivery_success`
//! of the list of events, no `created` of the list of payment intents, no `amount_received`; it sends no events of
//! charges and refunds and no `invoice.paid`, and its invoices lack their subscription's metadata. All else (payments,
//! subscriptions, invoices and their lines, refunds, events and their bytes, pages, signed webhooks) is its own.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
    sync::OnceLock,
};

use serde_json::Value;

use super::{
    rabbitmq::{free_ports, spawn},
    wait::until,
};

/// Its key must begin with `sk_`.
pub(crate) const KEY: &str = "sk_test_it0123456789abcdef";

const VERSION: &str = "localstripe==1.15.10";

/// A running one.
pub(crate) struct Localstripe {
    process: Child,
    base: String,
    http: reqwest::Client,
}

/// A Python with it, installed where it is missing.
fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(VERSION.replace("==", "-"));
        let (python, ready) = (folder.join("bin/python"), folder.join("installed"));
        if !ready.exists() {
            let _ = fs::remove_dir_all(&folder);
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--retries", "1", VERSION]));
            fs::write(ready, "").unwrap();
        }
        python
    })
}

fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install python3-venv"));
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{VERSION} cannot be installed, and without it nothing is proved here: {command:?}\n{error}"
    );
}

impl Localstripe {
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let python = tokio::task::spawn_blocking(python).await.expect("localstripe is installed");
        let [port] = free_ports();
        let mut command = Command::new(python);
        command.args(["-c", include_str!("localstripe.py"), "--from-scratch", "--port", &port.to_string()]);
        let process = spawn(command);
        let base = format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        until("localstripe is up", || async { http.get(&base).send().await.ok() }).await;
        Self { process, base, http }
    }

    /// For `api_base`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends signed webhooks of payments there from now on: once each, one to three seconds after the event.
    pub(crate) async fn send_webhooks_to(&self, url: &str, secret: &str) {
        self.send_to("it", url, secret, &["payment_intent.succeeded"]).await;
    }

    /// The same, of these types, by an endpoint of that name.
    pub(crate) async fn send_to(&self, name: &str, url: &str, secret: &str, types: &[&str]) {
        let hook = serde_json::json!({ "url": url, "secret": secret, "events": types });
        let url = format!("{}/_config/webhooks/{name}", self.base);
        let answer = self.http.post(url).body(hook.to_string()).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}/v1/{path}", self.base));
        let request = request.header("authorization", format!("Bearer {KEY}")).body(body.to_string());
        let (status, text) = text(request).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A customer with a card; the ids of both.
    async fn customer(&self) -> (String, String) {
        let customer = self.post("customers", serde_json::json!({"email": "a@example.org"})).await;
        let card = serde_json::json!({"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"});
        let method = self.post("payment_methods", serde_json::json!({"type": "card", "card": card})).await;
        let method = method["id"].as_str().unwrap();
        let attached = serde_json::json!({"customer": customer["id"]});
        self.post(&format!("payment_methods/{method}/attach"), attached).await;
        (customer["id"].as_str().unwrap().to_owned(), method.to_owned())
    }

    /// A customer who has paid by card; the payment intent's id.
    pub(crate) async fn pay(&self, channel: &str, days: &str, amount: i64) -> String {
        self.pay_with(serde_json::json!({"channel_id": channel, "days": days}), amount).await
    }

    /// The same, with any metadata.
    pub(crate) async fn pay_with(&self, metadata: Value, amount: i64) -> String {
        let (customer, method) = self.customer().await;
        let intent = serde_json::json!({"amount": amount, "currency": "usd", "customer": customer,
            "payment_method": method, "confirm": true, "metadata": metadata});
        let intent = self.post("payment_intents", intent).await;
        assert_eq!(intent["status"], "succeeded", "{intent:#}");
        intent["id"].as_str().unwrap().to_owned()
    }

    /// A plan of that id; it is what a line of an invoice names.
    pub(crate) async fn plan(&self, id: &str, interval: &str, amount: i64) {
        let plan = serde_json::json!({"id": id, "amount": amount, "currency": "usd", "interval": interval,
            "product": {"name": id}});
        self.post("plans", plan).await;
    }

    /// A customer who has subscribed to so many of a plan, and paid by card; the subscription's id.
    pub(crate) async fn subscribe(&self, metadata: Value, plan: &str, quantity: i64) -> String {
        let (customer, method) = self.customer().await;
        let default = serde_json::json!({"invoice_settings": {"default_payment_method": method}});
        self.post(&format!("customers/{customer}"), default).await;
        let subscription = serde_json::json!({"customer": customer, "items": [{"plan": plan, "quantity": quantity}],
            "metadata": metadata});
        let subscription = self.post("subscriptions", subscription).await;
        assert_eq!(subscription["status"], "active", "{subscription:#}");
        subscription["id"].as_str().unwrap().to_owned()
    }

    /// Changes it to another plan: what was paid for the old one is given back on the new one's first invoice.
    pub(crate) async fn change_plan(&self, subscription: &str, plan: &str) {
        let items = serde_json::json!({"items": [{"plan": plan}]});
        self.post(&format!("subscriptions/{subscription}"), items).await;
    }

    /// Gives a part of it back.
    pub(crate) async fn refund(&self, payment: &str, amount: i64) {
        self.post("refunds", serde_json::json!({"payment_intent": payment, "amount": amount})).await;
    }

    /// Every event of these types.
    pub(crate) async fn events(&self, types: &[&str]) -> Vec<Value> {
        let types: String = types.iter().map(|kind| format!("&types[]={kind}")).collect();
        let (_, list) = text(
            self.http
                .get(format!("{}/v1/events?limit=100{types}", self.base))
                .header("authorization", format!("Bearer {KEY}")),
        )
        .await;
        let list: Value = serde_json::from_str(&list).unwrap();
        list["data"].as_array().unwrap().clone()
    }

    /// The event that tells of a payment, as a webhook would send it.
    pub(crate) async fn event_of(&self, payment: &str) -> Vec<u8> {
        let events = self.events(&["payment_intent.succeeded"]).await;
        let event = events.iter().find(|event| event["data"]["object"]["id"] == payment).unwrap();
        serde_json::to_vec(event).unwrap()
    }
}

async fn text(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
