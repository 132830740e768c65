//! From a signed event to days on a channel.

use serde_json::{Value, json};

use crate::support::{
    daybridge::{House, now_s, sign},
    rabbitmq::Broker,
};

async fn house_on_rabbitmq() -> House {
    let broker = Broker::shared();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("serve").await;
    house.start("work").await;
    house
}

fn outcomes<'a>(payment: &'a Value, trigger: &str) -> Vec<&'a str> {
    let events = payment["events"].as_array().unwrap();
    events.iter().filter(|e| e["trigger"] == trigger).map(|e| e["outcome"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_credited_once_however_often_it_is_told() {
    let house = house_on_rabbitmq().await;
    let charge = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    let intent = House::event("payment_intent.succeeded", "evt_2", "pi_1", "DEMOCH-AB12C", "30");
    let session = House::event("checkout.session.completed", "evt_3", "pi_1", "DEMOCH-AB12C", "30");

    // Three event types at once, then the same one a hundred times in parallel.
    let (a, b, c) = tokio::join!(house.post(&charge), house.post(&intent), house.post(&session));
    assert_eq!((a, b, c), (200, 200, 200));
    let posts = futures_util::future::join_all((0..100).map(|_| house.post(&charge))).await;
    assert!(posts.iter().all(|status| *status == 200), "{posts:?}");

    house.payment_is("stripe/pi_1", "credited").await;
    let whole = crate::support::wait::until("all deliveries are recorded", || async {
        let whole = house.json(&["payments", "show", "stripe/pi_1", "--json"]);
        (whole["events"].as_array().unwrap().len() == 103).then_some(whole)
    })
    .await;
    let outcomes = outcomes(&whole, "webhook");
    assert_eq!(outcomes.iter().filter(|o| **o == "credited").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| **o == "duplicate").count(), 100);
    assert_eq!(outcomes.iter().filter(|o| **o == "link").count(), 2);
    assert_eq!(house.applied("stripe/pi_1").await, 1);
    let transfer = &whole["transfers"][0];
    assert_eq!(transfer["comment"], "daybridge stripe/pi_1#1 30d");
    assert_eq!(
        transfer["after"].as_i64().unwrap() - transfer["before"].as_i64().unwrap(),
        30 * 86_400_000,
        "{transfer:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_credited_is_not() {
    let house = house_on_rabbitmq().await;
    let url = format!("http://127.0.0.1:{}/webhooks/stripe", house.server);
    let forged = House::event("charge.succeeded", "evt_f", "pi_forged", "DEMOCH-AB12C", "30");
    assert_eq!(house.post_to(&url, &forged, &sign(b"something else", now_s())).await, 400);
    assert_eq!(house.post_to(&url, &forged, &sign(&forged, now_s() - 301)).await, 400);
    assert_eq!(house.post_to(&url, &forged, &sign(&forged, now_s() + 301)).await, 400);

    let test_mode =
        String::from_utf8(House::event("charge.succeeded", "evt_t", "pi_test", "DEMOCH-AB12C", "30"))
            .unwrap()
            .replace("\"livemode\": true", "\"livemode\": false");
    assert_eq!(house.post(test_mode.as_bytes()).await, 200);
    let unknown = House::event("charge.succeeded", "evt_u", "pi_unknown", "NOSUCH-ZZZZZ", "30");
    assert_eq!(house.post(&unknown).await, 200);
    for (payment, days) in [
        ("pi_0", "0"),
        ("pi_m", "-1"),
        ("pi_h", "1.5"),
        ("pi_e", "1e3"),
        ("pi_b", " 30"),
        ("pi_big", "1000000000000"),
    ] {
        let event =
            House::event("charge.succeeded", &format!("evt_{payment}"), payment, "DEMOCH-AB12C", days);
        assert_eq!(house.post(&event).await, 200);
        house.payment_is(&format!("stripe/{payment}"), "held").await;
    }
    let path = House::event("charge.succeeded", "evt_p", "pi_path", "../x", "30");
    assert_eq!(house.post(&path).await, 200);
    assert_eq!(house.post(b"{ signed, but not JSON").await, 200);

    house.payment_is("stripe/pi_unknown", "held").await;
    house.payment_is("stripe/pi_path", "held").await;
    let ignored = house.json(&["events", "show", "evt_t", "--json"]);
    assert_eq!(ignored[0]["outcome"], "ignored", "{ignored:#}");
    let held = crate::support::wait::until("the unreadable body is held", || async {
        let held = house.json(&["held", "list", "--json"]);
        held.as_array().unwrap().iter().any(|h| h["kind"] == "event").then_some(held)
    })
    .await;
    let keys: Vec<&str> = held.as_array().unwrap().iter().map(|h| h["key"].as_str().unwrap()).collect();
    for key in ["stripe/pi_unknown#1", "stripe/pi_path", "stripe/pi_0", "stripe/pi_big"] {
        assert!(keys.contains(&key), "{key} not in {keys:?}");
    }
    let state = house.sim_state().await.unwrap();
    assert!(state["extends"].as_array().unwrap().iter().all(|e| e["applied"] == false), "{state:#}");
    assert!(!house.json(&["payments", "list", "--json"]).to_string().contains("pi_forged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_balance_waits_for_the_top_up() {
    let house = house_on_rabbitmq().await;
    house.sim("balance", json!({"days": 20})).await;
    for n in 1..=2 {
        let event =
            House::event("charge.succeeded", &format!("evt_{n}"), &format!("pi_{n}"), "DEMOCH-AB12C", "30");
        assert_eq!(house.post(&event).await, 200);
    }
    house.payment_is("stripe/pi_1", "held").await;
    house.payment_is("stripe/pi_2", "planned").await;
    let held = house.json(&["held", "list", "--json"]);
    let account = held.as_array().unwrap().iter().find(|h| h["kind"] == "account").unwrap();
    assert_eq!(account["cause"], "balance", "{held:#}");
    house.sim("balance", json!({"days": 100})).await;
    let output = house.command(&["held", "retry", "stripe/pi_1#1", "--reason", "topped up"]);
    assert!(output.status.success(), "{output:?}");
    house.payment_is("stripe/pi_1", "credited").await;
    house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!((house.applied("stripe/pi_1").await, house.applied("stripe/pi_2").await), (1, 1));
    assert!(house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_with_files_only() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "trial"})).await;
    house.start("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    crate::support::wait::until("the trial is switched to live", || async {
        let state = house.sim_state().await?;
        (state["channels"][0]["mode"] == "live").then_some(())
    })
    .await;
    let (status, metrics) = house.console("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("daybridge_recorded_total{outcome=\"granted\"} 1"), "{metrics}");
    assert!(!metrics.contains("DEMOCH") && !metrics.contains("pi_1"), "{metrics}");
    assert_eq!(house.stop("run").await, Some(0));
    let log = house.log("run");
    for secret in
        [crate::support::daybridge::SECRET, crate::support::daybridge::TOKEN, "CHANNEL_TOKEN", "\"object\""]
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_the_truth() {
    let output = tokio::task::spawn_blocking(|| {
        std::process::Command::new(env!("CARGO_BIN_EXE_daybridge")).args(["demo", "--once"]).output().unwrap()
    })
    .await
    .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        output.stderr.is_empty(),
        "no log line cuts the story: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!text.contains('\u{1b}'), "piped output is plain");
    assert!(text.contains("stripe/pi_demo1  link: already credited"), "{text}");
    for part in [
        "->  200",
        "->  400",
        "stripe/pi_demo1  duplicate: already credited",
        "doubtful",
        "held",
        "Every outcome was the right one",
    ] {
        assert!(text.contains(part), "{part} not in {text}");
    }
}
