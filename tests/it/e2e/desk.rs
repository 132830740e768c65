//! An operator's day: pause, correct, plan, apply, stop, go on.

use serde_json::{Value, json};

use crate::support::{daybridge::House, wait::until};

async fn house(extra: &str) -> House {
    let mut house = House::build("embedded", None, extra).await;
    for channel in ["DEMOCH-AB12C", "DEMOCH-CD34E"] {
        house.sim("channels", json!({"id": channel, "days": 10, "mode": "live"})).await;
    }
    house.start("run").await;
    house
}

fn ok(house: &House, arguments: &[&str]) -> String {
    let output = house.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(house: &House, arguments: &[&str], code: i32) -> String {
    let output = house.command(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn pay(house: &House, name: &str, channel: &str) -> String {
    let body = House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), channel, "30");
    assert_eq!(house.post(&body).await, 200);
    format!("stripe/pi_{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_keeps_days_back_until_it_is_resumed() {
    let house = house("").await;
    assert!(refused(&house, &["pause", "--account", "mian"], 1).contains("there are: main"));
    for verb in ["pause", "resume"] {
        let told = refused(&house, &["settle", verb, "--channel", "DEMOCH-TYPO"], 1);
        assert!(told.contains("no payment was for a channel DEMOCH-TYPO"), "{told}");
    }
    let told = refused(&house, &["replay", "plan", "--source", "stirpe"], 2);
    assert!(told.contains("there are: stripe"), "{told}");
    // No payment was for it yet, but the partner knows it.
    ok(&house, &["pause", "--channel", "DEMOCH-AB12C", "--reason", "the customer complained"]);
    let kept = pay(&house, "1", "DEMOCH-AB12C").await;
    let other = pay(&house, "2", "DEMOCH-CD34E").await;
    house.payment_is(&other, "credited").await;
    house.payment_is(&kept, "planned").await;
    let paused = house.json(&["pauses", "--json"]);
    assert_eq!(paused[0]["scope"], "channel:main/DEMOCH-AB12C");
    let whole = house.json(&["payments", "show", &kept, "--json"]);
    let next = whole["transfers"][0]["next"].as_str().unwrap();
    assert!(
        next.contains("paused") && next.contains("resume --account main --channel DEMOCH-AB12C"),
        "{next}"
    );
    assert_eq!(whole["next"].as_str(), Some(next));
    assert_eq!(house.applied(&kept).await, 0);
    ok(&house, &["resume", "--channel", "DEMOCH-AB12C"]);
    house.payment_is(&kept, "credited").await;
    assert!(refused(&house, &["resume"], 1).contains("is not paused"));
    let audit = house.json(&["audit", "list", "--json"]);
    assert_eq!(audit[1]["action"], "settle pause");
    assert_eq!(audit[1]["reason"], "the customer complained");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_stops_a_flood_of_days() {
    let house = house("[brake]\nmultiple = 2\naccount_days_min = 1000\nchannel_days_min = 60").await;
    for name in ["1", "2"] {
        house.payment_is(&pay(&house, name, "DEMOCH-AB12C").await, "credited").await;
    }
    let third = pay(&house, "3", "DEMOCH-AB12C").await;
    let paused = until("the brake strikes", || async {
        house.json(&["pauses", "--json"]).as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&paused["cause"], &paused["scope"]), (&json!("brake"), &json!("channel:main/DEMOCH-AB12C")));
    assert_eq!(house.applied(&third).await, 0);
    assert!(house.log("run").contains("paused by the brake"), "it says so");
    ok(&house, &["resume", "--channel", "DEMOCH-AB12C", "--reason", "a real customer"]);
    house.payment_is(&third, "credited").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_payment_is_corrected_and_a_cause_is_retried_in_bulk() {
    let house = house("").await;
    let body =
        String::from_utf8(House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30")).unwrap();
    assert_eq!(house.post(body.replace("\"channel_id\"", "\"kanal\"").as_bytes()).await, 200);
    house.payment_is("stripe/pi_1", "held").await;
    let wrong =
        refused(&house, &["held", "set", "stripe/pi_1", "--channel", "no channel", "--reason", "x"], 2);
    assert!(wrong.contains("is not a channel id"), "{wrong}");
    ok(&house, &["held", "set", "stripe/pi_1", "--channel", "DEMOCH-AB12C", "--reason", "told by phone"]);
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);

    for name in ["2", "3", "4"] {
        house.payment_is(&pay(&house, name, "DEMOCH-NONE1").await, "held").await;
    }
    let groups = ok(&house, &["held", "list", "--cause", "channel_unknown"]);
    assert!(
        groups
            .lines()
            .any(|line| line.contains("channel_unknown") && line.contains(" 3 ") && line.contains("90")),
        "{groups}"
    );
    let bulk = ["held", "retry", "--cause", "channel_unknown", "--reason", "created it"];
    let asked = refused(&house, &bulk, 2);
    assert!(asked.contains("--yes 3") && asked.contains("90 days"), "{asked}");
    house.sim("channels", json!({"id": "DEMOCH-NONE1", "days": 1, "mode": "live"})).await;
    let wrong = [&bulk[..], &["--yes", "2"]].concat();
    assert!(refused(&house, &wrong, 1).contains("it is 3, not 2"));
    ok(&house, &[&bulk[..], &["--yes", "3"]].concat());
    for name in ["2", "3", "4"] {
        house.payment_is(&format!("stripe/pi_{name}"), "credited").await;
        assert_eq!(house.applied(&format!("stripe/pi_{name}")).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_plan_is_refused_and_says_what_changed() {
    let house = house("").await;
    let body =
        String::from_utf8(House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30")).unwrap();
    assert_eq!(house.post(body.replace("\"days\"", "\"tage\"").as_bytes()).await, 200);
    house.payment_is("stripe/pi_1", "held").await;
    let done = pay(&house, "2", "DEMOCH-CD34E").await;
    house.payment_is(&done, "credited").await;
    let plan = house.json(&["replay", "plan", "--since", "1h", "--json"]);
    assert_eq!((&plan["totals"]["held"], &plan["totals"]["skip"]), (&json!(1), &json!(1)), "{plan:#}");
    ok(&house, &["held", "set", "stripe/pi_1", "--days", "7", "--reason", "told by phone"]);
    house.payment_is("stripe/pi_1", "credited").await;
    let before = house.json(&["events", "list", "--trigger", "replay", "--json"]);
    let stale = refused(&house, &["replay", "apply", plan["hash"].as_str().unwrap()], 1);
    assert!(
        stale.contains("stale") && stale.contains("stripe/pi_1") && stale.contains("already credited"),
        "{stale}"
    );
    assert_eq!(
        house.json(&["events", "list", "--trigger", "replay", "--json"]),
        before,
        "nothing was published"
    );
}

async fn plan_is(house: &House, hash: &str, state: &str) -> Value {
    until(&format!("the plan is {state}"), || async {
        let plan = house.json(&["replay", "show", hash, "--json"]);
        (plan["state"] == state).then_some(plan)
    })
    .await
}

/// A replay that a person pauses goes on where it stopped; one that is aborted never goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_paused_goes_on_and_another_is_aborted() {
    let mut house = house("[worker]\npoll = \"50ms\"").await;
    for number in 0..12 {
        pay(&house, &number.to_string(), "DEMOCH-AB12C").await;
    }
    for number in 0..12 {
        house.payment_is(&format!("stripe/pi_{number}"), "credited").await;
    }
    let hash = |house: &House| {
        house.json(&["replay", "plan", "--since", "1h", "--json"])["hash"].as_str().unwrap().to_owned()
    };
    let first = hash(&house);
    house.begin("apply", &["replay", "apply", &first, "--per-second", "4"]);
    until("some are published", || async {
        (house.json(&["replay", "show", &first, "--json"])["published"].as_i64()? > 0).then_some(())
    })
    .await;
    ok(&house, &["replay", "pause", &first, "--reason", "too fast"]);
    assert_eq!(house.ended("apply").await, Some(0));
    let paused = plan_is(&house, &first, "paused").await;
    assert!(paused["published"].as_i64().unwrap() < 12, "{paused:#}");
    let rest = house.json(&["replay", "apply", &first, "--per-second", "100", "--json"]);
    let so_far = paused["published"].as_i64().unwrap();
    assert_eq!(
        (&rest["state"], rest["published"].as_i64()),
        (&json!("applied"), Some(12 - so_far)),
        "{rest:#}"
    );
    let replayed = async || {
        let events = house.json(&["events", "list", "--trigger", "replay", "--json"]);
        events.as_array().unwrap().clone()
    };
    let events =
        until("all are recorded", async || Some(replayed().await).filter(|events| events.len() == 12)).await;
    assert!(events.iter().all(|e| e["outcome"] == "duplicate" && e["reason"] == "skipped: already credited"));

    let second = hash(&house);
    ok(&house, &["replay", "abort", &second]);
    let never = refused(&house, &["replay", "apply", &second], 1);
    assert!(never.contains("was aborted"), "{never}");
    assert_eq!(replayed().await.len(), 12);
}

/// What the provider's log still has, although no event of it ever came.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_file_are_planned_and_applied() {
    let house = house("").await;
    let done = pay(&house, "1", "DEMOCH-AB12C").await;
    house.payment_is(&done, "credited").await;
    let mut lines = String::new();
    for (name, channel) in [("1", "DEMOCH-AB12C"), ("2", "DEMOCH-CD34E")] {
        let body =
            House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), channel, "30");
        let event: Value = serde_json::from_slice(&body).unwrap();
        lines += &format!("{event}\n\n");
    }
    let file = house.path("events.jsonl");
    std::fs::write(&file, &lines).unwrap();
    let plan = ["replay", "plan", "--source", "stripe", "--file", file.to_str().unwrap(), "--json"];
    let plan = house.json(&plan);
    let said: Vec<_> =
        plan["payments"].as_array().unwrap().iter().map(|p| (&p["payment"], &p["verdict"])).collect();
    assert_eq!(
        said,
        [(&json!("stripe/pi_2"), &json!("extend")), (&json!("stripe/pi_1"), &json!("skip"))],
        "{plan:#}"
    );
    assert_eq!(plan["totals"]["days"], 30);
    let applied = house.json(&["replay", "apply", plan["hash"].as_str().unwrap(), "--json"]);
    assert_eq!(applied["published"], 2, "{applied:#}");
    house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!((house.applied(&done).await, house.applied("stripe/pi_2").await), (1, 1));

    std::fs::write(&file, lines + "{\"id\": 7}\n").unwrap();
    let wrong = ["replay", "plan", "--source", "stripe", "--file", file.to_str().unwrap()];
    assert!(refused(&house, &wrong, 1).contains("line 5"));
    let wrong = ["replay", "plan", "--source", "paypal", "--file", file.to_str().unwrap()];
    assert!(refused(&house, &wrong, 2).contains("there are: stripe"));
}

/// What one event lacks, another one far before it in the file may tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_weighs_the_events_of_a_payment_together() {
    let other = "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"a\"]\n\
                 [sources.other]\nprovider = \"stripe\"\nsecrets = [\"b\"]\n";
    let house = house(other).await;
    let line = |kind: &str, event: &str, payment: &str| {
        let body = House::event(kind, event, payment, "DEMOCH-AB12C", "30");
        serde_json::from_slice::<Value>(&body).unwrap().to_string()
    };
    let mut lines = vec![line("checkout.session.completed", "evt_far", "pi_far")];
    lines.extend((0..600).map(|n| line("payment_intent.succeeded", &format!("evt_{n}"), &format!("pi_{n}"))));
    let bare = line("charge.succeeded", "evt_paid", "pi_far")
        .replace("channel_id", "kanal")
        .replace("\"days\"", "\"tage\"");
    lines.push(bare);
    // Refunded before it is told of: it will be held, whatever its charge says alone.
    let charge = line("charge.succeeded", "evt_late", "pi_back");
    let back = charge.replace("evt_late", "evt_back").replace("charge.succeeded", "charge.refunded");
    lines.insert(0, back.replace("\"amount_refunded\":0", "\"amount_refunded\":900"));
    lines.push(charge);
    let file = house.path("events.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let plan = house.json(&["replay", "plan", "--source", "stripe", "--file", file, "--json"]);
    assert_eq!(
        (&plan["totals"]["extend"], &plan["totals"]["days"]),
        (&json!(1), &json!(30)),
        "{}",
        plan["totals"]
    );
    assert_eq!(plan["payments"][0]["payment"], "stripe/pi_far");
    let back =
        plan["payments"].as_array().unwrap().iter().find(|p| p["payment"] == "stripe/pi_back").unwrap();
    assert_eq!(back["verdict"], "held", "{back:#}");
    house.json(&["replay", "apply", plan["hash"].as_str().unwrap(), "--per-second", "10000", "--json"]);
    house.payment_is("stripe/pi_far", "credited").await;
    house.payment_is("stripe/pi_back", "held").await;
    assert_eq!((house.applied("stripe/pi_far").await, house.applied("stripe/pi_back").await), (1, 0));
    let elsewhere = refused(&house, &["replay", "plan", "--source", "other", "--file", file], 1);
    assert!(elsewhere.contains("another realm"), "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_and_completions_are_printed() {
    let house = House::build("embedded", None, "").await;
    assert!(ok(&house, &["completions", "bash"]).contains("daybridge__subcmd__replay"));
    assert!(ok(&house, &["man"]).contains(".TH daybridge"));
    let folder = house.path("man");
    std::fs::create_dir(&folder).unwrap();
    ok(&house, &["man", "--out", folder.to_str().unwrap()]);
    assert!(folder.join("daybridge-replay-plan.1").exists());
}
