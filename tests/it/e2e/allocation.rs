//! Days in slices, on real processes: what moves at once, what waits, and what a person does about it.

use std::process::Output;

use serde_json::{Value, json};

use super::reconcile::export;
use crate::support::{daybridge::House, wait::until};

const CHANNEL: &str = "DEMOCH-AB12C";
const OTHER: &str = "DEMOCH-CD34E";

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a command that must be refused says.
fn refused(house: &House, arguments: &[&str]) -> String {
    let output = house.command(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

async fn house(days: i64) -> House {
    let mut house = House::build("embedded", None, "[allocation]\nslice = 5").await;
    house.sim("channels", json!({"id": CHANNEL, "days": days, "mode": "live"})).await;
    house.sim("channels", json!({"id": OTHER, "days": 0, "mode": "live"})).await;
    house.start("run").await;
    house
}

async fn paid(house: &House, name: &str, days: &str) {
    let body = House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), CHANNEL, days);
    assert_eq!(house.post(&body).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_years_payment_moves_five_days() {
    let house = house(0).await;
    paid(&house, "1", "365").await;
    let payment = house.payment_is("stripe/pi_1", "running").await;
    assert_eq!((&payment["moved"], &payment["owed"]), (&json!(5), &json!(360)));
    paid(&house, "2", "30").await;
    house.payment_is("stripe/pi_2", "planned").await;
    let channel = house.json(&["channels", "show", CHANNEL, "--json"]);
    assert_eq!(channel["owed"], 390);
    assert_eq!(channel["next"]["key"], "stripe/pi_1#2");
    let wanted = channel["active_till"].as_i64().unwrap() - 2 * 86_400_000;
    assert_eq!(channel["next"]["next_at"], wanted, "when two days are left");
    let keys: Vec<&Value> = channel["payments"].as_array().unwrap().iter().map(|p| &p["key"]).collect();
    assert_eq!(keys, ["stripe/pi_1", "stripe/pi_2"]);
    assert!(house.billing_history().await.contains("daybridge stripe/pi_1#1 5d"));

    house.command(&["payments", "slice", "stripe/pi_1", "--days", "3", "--reason", "asked"]);
    until("it moves", || async {
        let payment = house.json(&["payments", "show", "pi_1", "--json"]);
        (payment["moved"] == 8 && payment["state"] == "running").then_some(())
    })
    .await;
    let text = refused(&house, &["payments", "slice", "pi_2", "--reason", "asked"]);
    assert!(text.contains("older payments"), "{text}");
    let text = refused(&house, &["payments", "stop", "stripe/pi_9", "--reason", "x"]);
    assert!(text.contains("no payment is named"), "{text}");
    let text = refused(&house, &["payments", "move", "pi_1", "--channel", CHANNEL, "--reason", "x"]);
    assert!(text.contains("already"), "{text}");

    let stopped = house.json(&["payments", "stop", "pi_1", "--reason", "left", "--json"]);
    assert_eq!(stopped["state"], "held");
    let channel = house.json(&["channels", "show", CHANNEL, "--json"]);
    assert_eq!(channel["next"]["key"], "stripe/pi_2#1", "later payments go on");
    house.json(&["payments", "go", "pi_1", "--reason", "is back", "--json"]);
    house.json(&["payments", "move", "pi_1", "--channel", OTHER, "--reason", "new number", "--json"]);
    let whole = house.payment_is("stripe/pi_1", "running").await;
    assert_eq!(whole["channel"], OTHER);
    let actions: Vec<String> = house
        .json(&["audit", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap().to_owned())
        .collect();
    for action in ["payments stop", "payments go", "payments move", "payments slice"] {
        assert!(actions.iter().any(|one| one == action), "{action} in {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_granted_and_the_balance_is_told() {
    let house = house(0).await;
    let text = refused(&house, &["balance", "set", "-1"]);
    assert!(text.contains("days must be 0"), "{text}");
    let text = refused(&house, &["balance", "add", "5"]);
    assert!(text.contains("balance set"), "{text}");
    let known = house.json(&["balance", "set", "100", "--json"]);
    assert_eq!((&known["low"], &known["high"], &known["owed"]), (&json!(100), &json!(100), &json!(0)));

    let grant = ["grant", CHANNEL, "--days", "12", "--reason", "trial", "--key", "t-1", "--json"];
    assert_eq!(house.json(&grant)["key"], "grant/t-1");
    house.payment_is("grant/t-1", "running").await;
    let again = house.command(&["grant", CHANNEL, "--days", "12", "--reason", "trial", "--key", "t-1"]);
    assert!(again.status.success() && told(&again).contains("granted before"), "{}", told(&again));
    let other = refused(&house, &["grant", CHANNEL, "--days", "13", "--reason", "trial", "--key", "t-1"]);
    assert!(other.contains("12 days for DEMOCH-AB12C"), "{other}");

    let known = house.json(&["balance", "add", "5", "--json"]);
    assert_eq!((&known["low"], &known["high"], &known["owed"]), (&json!(100), &json!(100), &json!(7)));
    let known = house.json(&["balance", "forecast", "--days", "60", "--json"]);
    let committed: Vec<&Value> =
        known["committed"].as_array().unwrap().iter().map(|row| &row["committed"]).collect();
    assert_eq!(committed, [5, 7, 7].map(|days| json!(days)).iter().collect::<Vec<_>>());
    assert_eq!(known["runway_days"], 365);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_at_start() {
    let house = House::build("embedded", None, "[allocation]\nslice = 5").await;
    house.set("slice = 5", "slice = 4000\nlead = \"1ms\"");
    let text = refused(&house, &["check"]);
    for part in ["allocation.slice is 4000", "allocation.lead (1ms)", "4 times partner.settle_window"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_out_of_days_is_told_once() {
    let settings = "[allocation]\nslice = 1\n[balance]\nwarn = \"4days\"";
    let mut house = House::build("embedded", None, settings).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 0, "mode": "live"})).await;
    house.start("run").await;
    paid(&house, "1", "30").await;
    house.payment_is("stripe/pi_1", "running").await;
    until("the channel has its lead", || async {
        (house.json(&["payments", "show", "pi_1", "--json"])["moved"] == 3).then_some(())
    })
    .await;
    // One day a day, from tomorrow on.
    let known = house.json(&["balance", "set", "3", "--json"]);
    assert_eq!(
        (&known["runway_days"], &known["short"], &known["dark"]),
        (&json!(3), &json!(false), &json!(0))
    );
    assert_eq!(house.stop("run").await, Some(0));
    house.start("run").await;
    let low = |line: &Value| line["cause"] == "balance_low";
    until("it is told", || async { house.lines("run", "WARN").iter().any(low).then_some(()) }).await;
    let (_, text) = house.look("run", "/metrics").await.unwrap();
    for line in [
        "daybridge_balance_channeldays{account=\"main\",bound=\"low\"} 3",
        "daybridge_balance_runway_seconds{account=\"main\"} 259200",
        "daybridge_owed_channeldays{account=\"main\"} 27",
        "daybridge_balance_stale{account=\"main\"} 0",
        "daybridge_dark_channels{account=\"main\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
    }
    // Nobody knows what is on it any more: more has moved than there was.
    house.json(&["balance", "set", "0", "--json"]);
    house.command(&["payments", "slice", "pi_1", "--days", "2", "--reason", "asked"]);
    until("it moves", || async {
        (house.json(&["payments", "show", "pi_1", "--json"])["moved"] == 5).then_some(())
    })
    .await;
    let known = house.json(&["balance", "show", "--json"]);
    assert_eq!((&known["stale"], &known["low"]), (&json!(true), &Value::Null));
    until("metrics say so", || async {
        let (_, text) = house.look("run", "/metrics").await?;
        let stale = text.contains("daybridge_balance_stale{account=\"main\"} 1");
        (stale && !text.contains("daybridge_balance_channeldays")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_payment_in_slices_is_stopped_by_the_brake() {
    let house = house(100).await;
    paid(&house, "1", "801").await;
    house.payment_is("stripe/pi_1", "planned").await;
    let pauses = house.json(&["pauses", "--json"]);
    assert_eq!((&pauses[0]["cause"], &pauses[0]["who"]), (&json!("brake"), &json!("daybridge")), "{pauses}");
    assert!(pauses[0]["reason"].as_str().unwrap().contains("801 in an hour; more than 800"), "{pauses}");
    paid(&house, "2", "30").await;
    house.payment_is("stripe/pi_2", "planned").await;
    assert_eq!(house.applied("stripe/pi_1").await, 0);
}

/// What was recorded at the same time did not see each other.
#[tokio::test(flavor = "multi_thread")]
async fn grants_that_passed_together_are_seen_by_their_slices() {
    let mut house = house(0).await;
    assert_eq!(house.stop("run").await, Some(0));
    // So much is normal while they are recorded, and is not while they move.
    house.set("[brake]", "[brake]\nmultiple = 1\nchannel_days_min = 5000");
    house.start("run").await;
    assert!(house.command(&["pause", "--reason", "a look"]).status.success());
    for name in ["1", "2", "3"] {
        paid(&house, name, "365").await;
        house.payment_is(&format!("stripe/pi_{name}"), "planned").await;
    }
    assert_eq!(house.stop("run").await, Some(0));
    house.set("channel_days_min = 5000", "channel_days_min = 800");
    house.start("run").await;
    assert!(house.command(&["resume", "--reason", "looked"]).status.success());
    let paused = || async {
        let pauses = house.json(&["pauses", "--json"]);
        pauses[0]["reason"].as_str().map(str::to_owned)
    };
    let reason = until("the brake strikes", paused).await;
    assert_eq!(reason, "1095 days were granted in an hour; more than 800 is not normal here");
    assert_eq!(house.applied("stripe/pi_1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_is_reported() {
    let house = house(0).await;
    for (key, days, reason) in [("a", "7", "trial"), ("b", "12", "cash"), ("c", "3", "trial")] {
        let key = format!("{key}-1");
        house.json(&["grant", OTHER, "--days", days, "--reason", reason, "--key", &key, "--json"]);
    }
    house.payment_is("grant/a-1", "running").await;
    let rows = house.json(&["grants", "--json"]);
    assert_eq!(
        rows,
        json!([{"reason": "cash", "grants": 1, "days": 12}, {"reason": "trial", "grants": 2, "days": 10}])
    );
    assert_eq!(house.json(&["grants", "--month", "2020-02", "--json"]), json!([]));
    let text = refused(&house, &["grants", "--month", "2020-2"]);
    assert!(text.contains("is no month: use 2026-11"), "{text}");

    // Its lines in Billing History are known, and nobody paid for them.
    let record = export(&[]);
    std::fs::write(house.path("record.csv"), record).unwrap();
    std::fs::write(house.path("history.txt"), house.billing_history().await).unwrap();
    let arguments = [
        "reconcile",
        "--source",
        "stripe",
        "--since",
        "1h",
        "--file",
        "record.csv",
        "--history",
        "history.txt",
    ];
    let report = house.json(&[&arguments[..], &["--json"]].concat());
    let rows: Vec<(&str, &str, u64)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("payment"), text("answer"), row["days"].as_u64().unwrap())
        })
        .collect();
    // Two wait for the first one's end.
    assert_eq!(rows, [("grant/a-1", "later", 2), ("grant/b-1", "later", 12), ("grant/c-1", "later", 3)]);
    house.json(&["payments", "slice", "grant/a-1", "--reason", "all of it", "--json"]);
    until("all of it has moved", || async {
        (house.json(&["payments", "show", "grant/a-1", "--json"])["owed"] == 0).then_some(())
    })
    .await;
    let report = house.json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(report["sums"]["answers"]["granted"], json!({"rows": 1, "days": 7, "money": {}}));
    assert!(report["rows"][0]["why"].as_str().unwrap().ends_with(": trial"), "{report}");
}
