//! What an operator asks and decides.

use serde_json::json;

use crate::support::{daybridge::House, rabbitmq::Broker, wait::until};

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
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), r#"200 {"status":"accepted"}"#);
    house.payment_is("stripe/pi_sent", "credited").await;
    let file = house.path("body.json");
    std::fs::write(&file, House::event("charge.succeeded", "evt_f", "pi_file", "DEMOCH-AB12C", "2")).unwrap();
    let output = house.command(&["send", "--source", "stripe", "--file", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    house.payment_is("stripe/pi_file", "credited").await;
}
