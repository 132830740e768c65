//! Days that move in slices: how far they are, what is done about them, and whether the balance lasts.

use serde_json::{Value, json};

use super::{
    pages::visit,
    stage::{OPERATOR, PASSWORD, READER, users},
};
use crate::support::{
    browser::{Browser, Shots},
    daybridge::House,
    wait::until,
};

const CHANNEL: &str = "DEMOCH-AB12C";

/// A running payment with one behind it, and one of a customer whose channel nobody has said.
async fn build() -> House {
    let mut house = House::build("embedded", None, &format!("[allocation]\nslice = 5\n{}", users())).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 0, "mode": "live"})).await;
    house.start("run").await;
    for (payment, days) in [("pi_long", "30"), ("pi_short", "10")] {
        let body = House::event("charge.succeeded", &format!("evt_{payment}"), payment, CHANNEL, days);
        assert_eq!(house.post(&body).await, 200);
        let state = if payment == "pi_long" { "running" } else { "planned" };
        house.payment_is(&format!("stripe/{payment}"), state).await;
    }
    let body = House::event("charge.succeeded", "evt_lost", "pi_lost", "", "30");
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body["data"]["object"]["customer"] = json!("cus_Old");
    body["data"]["object"]["metadata"] = json!({"days": "30"});
    assert_eq!(house.post(body.to_string().as_bytes()).await, 200);
    house.payment_is("stripe/pi_lost", "held").await;
    house
}

async fn moved(house: &House, days: u64) {
    until(&format!("{days} days have moved"), || async {
        let payment = house.json(&["payments", "show", "stripe/pi_long", "--json"]);
        (payment["moved"] == days && payment["state"] == "running").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_watched_with_javascript() {
    days_are_watched(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_watched_without_javascript() {
    days_are_watched(false).await;
}

async fn days_are_watched(scripts: bool) {
    let house = build().await;
    let browser = Browser::open(&house.site(), scripts).await;
    let shots = Shots::wanted();
    // What checks a page is a script itself.
    let look = async |name: &str| {
        if scripts {
            visit(&browser, &shots, name).await;
        }
    };
    browser.go("/payments").await;
    browser.send("Log in", &[("Name", OPERATOR), ("Password", PASSWORD)]).await;
    browser.says("5 of 30 days").await;
    look("slices-payments").await;
    browser.follow("stripe/pi_long").await;
    assert_eq!(browser.all("progress").await, ["5 of 30 days"]);
    look("slices-payment").await;
    browser.follow(CHANNEL).await;
    assert_eq!(browser.path().await, format!("/channels/{CHANNEL}"));
    assert_eq!(browser.all("queued").await.len(), 2);
    look("channel").await;
    act(&house, &browser, &look).await;
    customer(&browser, &look).await;
    balance(&browser, &look).await;
    if scripts {
        let reader = Browser::open(&house.site(), true).await;
        reader.go(&format!("/channels/{CHANNEL}")).await;
        reader.send("Log in", &[("Name", READER), ("Password", PASSWORD)]).await;
        reader.says("Days owed, in the order in which they move").await;
        visit(&reader, &shots, "reader-channel").await;
        assert!(!reader.text().await.contains("Grant"), "one who may only look");
    }
}

async fn act(house: &House, browser: &Browser, look: &impl AsyncFn(&str)) {
    browser.unfold("Act").await;
    look("channel-act").await;
    browser.send("Send one slice", &[("Days", "2"), ("Reason", "a long weekend")]).await;
    browser.says("Move 2 days of stripe/pi_long").await;
    look("channel-slice").await;
    browser.send("Move them now", &[]).await;
    browser.says("The slice is due now").await;
    moved(house, 7).await;
    browser.go(&format!("/channels/{CHANNEL}")).await;
    browser.unfold("Act").await;
    browser.send("Stop", &[("Reason", "the customer left")]).await;
    browser.says("Stopped: no more of its days move").await;
    look("channel-stopped").await;
    browser.unfold("Act").await;
    browser.send("Let it go on", &[("Reason", "the customer is back")]).await;
    browser.says("It goes on").await;
    browser.unfold("Grant days").await;
    browser.send("Grant", &[("Days", "3"), ("Reason", "goodwill")]).await;
    browser.says(&format!("Grant 3 days to {CHANNEL}?")).await;
    browser.send("Grant them", &[]).await;
    browser.says("The days are granted").await;
    assert_eq!(browser.all("queued").await.len(), 3);
}

async fn customer(browser: &Browser, look: &impl AsyncFn(&str)) {
    browser.follow("Held").await;
    browser.follow("channel_missing").await;
    browser.unfold("Decide").await;
    look("held-payer").await;
    let told = [("Channel", CHANNEL), ("remember", ""), ("Reason", "told by phone")];
    browser.send("Set", &told).await;
    browser.says("Remembered: 0 more held payments").await;
    browser.go("/payments/show?key=stripe%2Fpi_lost").await;
    browser.follow("cus_Old").await;
    let said = browser.says("Channels, as persons said").await;
    assert!(said.contains(CHANNEL) && said.contains("told by phone"), "{said}");
    look("customer").await;
}

async fn balance(browser: &Browser, look: &impl AsyncFn(&str)) {
    browser.follow("Days").await;
    browser.says("Nobody has said how many days are on the balance").await;
    look("days-unknown").await;
    browser.send("Keep", &[("Days", "40"), ("Reason", "read in the dashboard")]).await;
    browser.says("The balance is kept").await;
    assert!(browser.all("balance").await.contains(&"40".to_owned()));
    assert_eq!(browser.all("first").await.len(), 1);
    browser.unfold("As a table").await;
    look("days").await;
}
