//! Webhooks that never came: payments are made at localstripe, and their webhooks are lost.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{
    api::{Answer, Api},
    daybridge::{House, SECRET},
    localstripe::{KEY, Localstripe},
    wait::until,
};

const CHANNEL: &str = "DEMOCH-AB12C";

/// Rounds in which webhook and backfill must both have been first once.
const ROUNDS_MAX: u32 = 10;

async fn house(stripe: &Localstripe, more: &str) -> House {
    let source = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\nlivemode = false\n\
         money_in = \"payment_intents\"\napi_key = \"{KEY}\"\napi_base = \"{}\"\nbackfill_every = \"1s\"\n{more}\n",
        stripe.base()
    );
    let house = House::build("embedded", None, &source).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_whose_webhooks_were_lost_are_credited_once() {
    let stripe = Localstripe::start().await;
    let mut house = house(&stripe, "on_refund = \"cancel_unspent\"").await;
    // The endpoint's address is a wrong one, where somebody else answers.
    let wrong = Api::start(async |_| Answer::of(500, "")).await;
    stripe.send_webhooks_to(&wrong.base, SECRET).await;
    let mut payments = Vec::new();
    for number in 1..=4 {
        payments.push(stripe.pay(CHANNEL, &number.to_string(), 900).await);
    }
    // A third of one day: it is kept.
    stripe.refund(&payments[0], 300).await;
    until("all webhooks are lost", || async { (wrong.asked().len() == payments.len()).then_some(()) }).await;

    let check = house.command(&["check"]);
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(text.contains("ok    backfill  http://127.0.0.1"), "{text}");
    let reconcile = ["reconcile", "--source", "stripe", "--since", "2h", "--json"];
    let before = house.command(&reconcile);
    assert_eq!(before.status.code(), Some(1), "{before:?}");
    let answer = |output: &std::process::Output, word: &str| {
        let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        all["rows"].as_array().unwrap().iter().filter(|row| row["answer"] == word).count()
    };
    assert_eq!(answer(&before, "paid_not_extended"), 4, "{before:?}");
    house.start("run").await;
    for payment in &payments {
        let key = format!("stripe/{payment}");
        let whole = house.payment_is(&key, "credited").await;
        let events = whole["events"].as_array().unwrap();
        let credited = events.iter().filter(|event| event["outcome"] == "credited").count();
        assert_eq!(credited, 1, "{whole:#}");
        assert!(events.iter().all(|event| event["trigger"] == "backfill"), "{whole:#}");
        assert_eq!(house.applied(&key).await, 1, "{key}");
    }
    let after = house.command(&reconcile);
    assert_eq!((after.status.code(), answer(&after, "matched")), (Some(0), 4), "{after:?}");

    // The webhook comes after all.
    let late = stripe.event_of(&payments[0]).await;
    assert_eq!(house.post(&late).await, 200);
    let key = format!("stripe/{}", payments[0]);
    let event = until("the late webhook is recorded", || async {
        let whole = house.json(&["payments", "show", &key, "--json"]);
        let events = whole["events"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["trigger"] == "webhook")
    })
    .await;
    assert_eq!(event["outcome"], "duplicate", "{event:#}");
    // Several more turns find nothing more.
    let turns = |log: &str| log.matches("backfill").count();
    let before = turns(&house.log("run"));
    until("two more turns", || async { (turns(&house.log("run")) >= before + 2).then_some(()) }).await;
    for payment in &payments {
        assert_eq!(house.applied(&format!("stripe/{payment}")).await, 1);
    }
    let (_, metrics) = house.console("/metrics").await;
    // Each event once, for what was told again was recorded before.
    let events = house.json(&["events", "list", "--trigger", "backfill", "--json"]);
    let told = events.as_array().unwrap().len();
    assert!(
        metrics.contains(&format!("daybridge_backfilled_total{{source=\"stripe\"}} {told}\n")),
        "{metrics}"
    );
    assert!(!house.log("run").contains(KEY));
    assert_eq!(house.stop("run").await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_and_backfill_at_the_same_time_credit_once() {
    let stripe = Localstripe::start().await;
    let mut house = house(&stripe, "backfill_sweep = \"1m\"").await;
    let receiver = format!("http://127.0.0.1:{}/webhooks/stripe", house.server);
    stripe.send_webhooks_to(&receiver, SECRET).await;
    house.start_as("run", "run", &[("RUST_LOG", "trace".into())]).await;
    house.ready("run").await;
    // A webhook comes one to three seconds after its payment, the backfill after two: chance decides which is first.
    let (mut payments, mut first) = (Vec::new(), BTreeSet::new());
    for round in 0.. {
        assert!(round < ROUNDS_MAX, "only ever first: {first:?}");
        let made = payments.len();
        for _ in 0..6 {
            payments.push(stripe.pay(CHANNEL, "1", 900).await);
        }
        for payment in &payments[made..] {
            let whole = house.payment_is(&format!("stripe/{payment}"), "credited").await;
            first.insert(whole["events"][0]["trigger"].as_str().unwrap().to_owned());
        }
        if first.len() == 2 {
            break;
        }
    }
    // The events of all, told once more.
    for payment in &payments {
        assert_eq!(house.post(&stripe.event_of(payment).await).await, 200);
    }
    until("all are recorded", || async {
        let events = house.json(&["events", "list", "--json", "--limit", "1000"]);
        let webhooks = events.as_array().unwrap().iter().filter(|event| event["trigger"] == "webhook");
        (webhooks.count() >= payments.len() * 2).then_some(())
    })
    .await;
    for payment in &payments {
        assert_eq!(house.applied(&format!("stripe/{payment}")).await, 1);
    }
    // Whatever the libraries below tell.
    let log = house.log("run");
    assert!(log.contains("\"backfill\""), "{log}");
    assert_eq!(log.lines().find(|line| line.contains(KEY)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_the_key_lacks() {
    for (status, says) in [(401, "renew api_key"), (403, "give it Read on Events"), (404, "check api_base")] {
        let api = Api::start(move |_| async move { Answer::of(status, "{}") }).await;
        let source = format!(
            "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\nlivemode = false\n\
             api_key = \"{KEY}\"\napi_base = \"{}\"\n",
            api.base
        );
        let house = House::build("embedded", None, &source).await;
        let check = house.command(&["check"]);
        let text = String::from_utf8_lossy(&check.stdout).into_owned();
        assert_eq!(check.status.code(), Some(1), "{text}");
        let line = text.lines().find(|line| line.starts_with("FAIL  backfill")).unwrap();
        assert!(line.contains(says) && !line.contains(KEY), "{line}");
    }
}
