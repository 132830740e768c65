//! What an operator asks and decides.

use serde_json::json;

use crate::support::{daybridge::House, rabbitmq::Broker, sql::Sql, wait::until};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_what_is_credited_is_skipped() {
    let broker = Broker::shared();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("serve").await;
    house.start("work").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;

    for selection in
        [["--payment", "stripe/pi_1"], ["--event", "evt_1"], ["--source", "stripe"], ["--since", "1h"]]
    {
        let plan = house.json(&["replay", "plan", selection[0], selection[1], "--json"]);
        assert_eq!(plan["payments"][0]["payment"], "stripe/pi_1", "{plan:#}");
        assert_eq!(plan["payments"][0]["verdict"], "skip", "{plan:#}");
    }
    let plan = house.json(&["replay", "plan", "--payment", "stripe/pi_1", "--json"]);
    let hash = plan["hash"].as_str().unwrap();
    let applied = house.json(&["replay", "apply", hash, "--json"]);
    assert_eq!((&applied["published"], &applied["skipped"]), (&json!(1), &json!(1)), "{applied:#}");
    let event = until("the replayed delivery is recorded", || async {
        let whole = house.json(&["payments", "show", "stripe/pi_1", "--json"]);
        let events = whole["events"].as_array().unwrap().clone();
        events.into_iter().find(|e| e["trigger"] == "replay")
    })
    .await;
    assert_eq!(event["outcome"], "duplicate", "{event:#}");
    assert!(event["reason"].as_str().unwrap().contains("skipped"), "{event:#}");
    let again = house.json(&["replay", "apply", hash, "--json"]);
    assert_eq!(again["published"], 0, "{again:#}");
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_payment_is_credited_after_the_settings_were_mended() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let body = String::from_utf8(House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30"))
        .unwrap()
        .replace("\"days\"", "\"tage\"");
    assert_eq!(house.post(body.as_bytes()).await, 200);
    let whole = house.payment_is("stripe/pi_1", "held").await;
    assert!(whole["reason"].as_str().unwrap().contains("/metadata/days"), "{whole:#}");
    let plan = house.json(&["replay", "plan", "--payment", "stripe/pi_1", "--json"]);
    assert_eq!(plan["payments"][0]["verdict"], "held", "{plan:#}");
    assert_eq!(house.stop("run").await, Some(0));
    let file = house.path("daybridge.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "days = [\"/metadata/days\", \"/metadata/tage\"]\n").unwrap();
    house.start("run").await;
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_wrong_settings_say_what_to_do() {
    let mut house = House::build("embedded", None, "").await;
    let good = house.command(&["check"]);
    assert!(good.status.success(), "{good:?}");

    house.kill("sim");
    let away = house.command(&["check"]);
    let text = String::from_utf8_lossy(&away.stdout).into_owned();
    assert_eq!(away.status.code(), Some(1));
    assert!(text.contains("FAIL  partner") && text.contains("partner.base_url"), "{text}");

    let file = house.path("daybridge.toml");
    let original = std::fs::read_to_string(&file).unwrap();
    for (broken, want) in [
        (original.replace("settle_window", "settle_windw"), "did you mean `settle_window`"),
        (original.replace("\"5s\"", "\"1s\""), "must exceed partner.call_timeout"),
        (original.replace("secrets =", "#"), "a source without a secret does not start"),
        (original.replace("\"stripe\"", "\"strip\""), "known: stripe"),
    ] {
        std::fs::write(&file, broken).unwrap();
        let output = house.command(&["serve"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(want), "{want} not in {text}");
    }
    std::fs::write(&file, original).unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", house.server)).unwrap();
    let output = house.command(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&house.server.to_string()), "{output:?}");
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn send_posts_a_signed_event() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let arguments = [
        "send",
        "--source",
        "stripe",
        "--type",
        "charge.succeeded",
        "--payment",
        "pi_sent",
        "--channel",
        "DEMOCH-AB12C",
        "--days",
        "5",
    ];
    let output = house.command(&arguments);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().next(), Some(r#"200 {"status":"accepted"}"#));
    house.payment_is("stripe/pi_sent", "credited").await;
    let file = house.path("body.json");
    std::fs::write(&file, House::event("charge.succeeded", "evt_f", "pi_file", "DEMOCH-AB12C", "2")).unwrap();
    let output = house.command(&["send", "--source", "stripe", "--file", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    house.payment_is("stripe/pi_file", "credited").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_to_the_dead_queue_is_listed_and_can_be_replayed() {
    let broker = Broker::shared();
    let url = broker.amqp_url(&broker.new_vhost());
    let mut house = House::build(&url, None, "").await;
    house.start("work").await;
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let properties = lapin::BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish(
            "".into(),
            "daybridge.events".into(),
            lapin::options::BasicPublishOptions::default(),
            b"no words around it",
            properties,
        )
        .await
        .unwrap()
        .await
        .unwrap();
    let held = until("the dead message is a held event", || async {
        let held = house.json(&["held", "list", "--json"]);
        held.as_array().unwrap().iter().find(|h| h["cause"] == "dead").cloned()
    })
    .await;
    assert_eq!(held["kind"], "event", "{held:#}");
    let plan = house.json(&["replay", "plan", "--dead", "--json"]);
    assert_eq!(plan["payments"].as_array().unwrap().len(), 1, "{plan:#}");
    let id = held["key"].as_str().unwrap();
    let output = house.command(&["held", "cancel", id, "--yes", "1", "--reason", "a test message"]);
    assert!(output.status.success(), "{output:?}");
    assert!(house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty());
}

/// What the ledger can never take, neither for what it says nor as a dead message, ends as a held event of its bytes; and
/// more of it than intake has hands stops nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_never_takes_is_held_with_its_bytes() {
    let mut house = House::build("embedded", None, "[worker]\nintake_max = 4\n").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let file = format!("sqlite:{}", house.path("ledger.db").display());
    let trigger = "CREATE TRIGGER never BEFORE INSERT ON events WHEN NEW.event_id LIKE 'evt_never%' \
         BEGIN SELECT RAISE(ABORT, 'never'); END";
    Sql::open(&file).await.execute(trigger).await;
    for number in 0..10 {
        let body =
            House::event("charge.succeeded", &format!("evt_never{number}"), "pi_never", "DEMOCH-AB12C", "30");
        assert_eq!(house.post(&body).await, 200);
    }
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    let held = until("ten held events", || async {
        let held = house.json(&["held", "list", "--json"]).as_array().unwrap().clone();
        (held.len() == 10).then_some(held)
    })
    .await;
    for held in held {
        assert_eq!((&held["kind"], &held["cause"]), (&json!("event"), &json!("dead")), "{held:#}");
        assert!(held["reason"].as_str().unwrap().contains("never"), "{held:#}");
    }
}
