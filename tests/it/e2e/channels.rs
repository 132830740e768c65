//! The account's channels, on real processes: which there are, which run out, and who pays for them.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::daybridge::House;

const PAID: &str = "PAIDCH-AB12C";
const DARK: &str = "DARKCH-AB12C";
const LISTED: &str = "LISTED-AB12C";
const LONG: &str = "LONGCH-AB12C";

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn channel(house: &House, id: &str, days: i64) {
    house.sim("channels", json!({"id": id, "days": days, "mode": "live"})).await;
}

async fn paid(house: &House, name: &str, channel: &str) {
    let body = House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), channel, "30");
    assert_eq!(house.post(&body).await, 200);
}

/// Names of the channels that a list shows.
fn names(house: &House, filters: &[&str]) -> Vec<String> {
    let rows = house.json(&[&["channels", "list", "--json"], filters].concat());
    rows.as_array().unwrap().iter().map(|row| row["channel"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_channels_are_listed_by_what_is_owed_and_when_they_run_out() {
    let mut house = House::build("embedded", None, "[allocation]\nslice = 5").await;
    for (id, days) in [(PAID, 0), (DARK, 0), (LISTED, 2), (LONG, 90)] {
        channel(&house, id, days).await;
    }
    house.start("run").await;
    paid(&house, "1", PAID).await;
    house.payment_is("stripe/pi_1", "running").await;
    assert!(house.command(&["settle", "pause", "--reason", "a look"]).status.success());
    paid(&house, "2", DARK).await;
    house.payment_is("stripe/pi_2", "planned").await;
    house.json(&["channels", "sync", "--json"]);

    assert_eq!(names(&house, &[]), [DARK, LISTED, PAID, LONG], "soonest expiry first");
    assert_eq!(names(&house, &["--dark"]), [DARK]);
    assert_eq!(names(&house, &["--owed"]), [DARK, PAID]);
    assert_eq!(names(&house, &["--until", "3days"]), [DARK, LISTED]);
    assert_eq!(names(&house, &["--until", "3d", "--unpaid"]), [LISTED]);
    assert_eq!(names(&house, &["--unpaid"]), [LISTED, LONG]);
    assert_eq!(names(&house, &["--limit", "1", "--after", &format!("main/{DARK}")]), [LISTED]);
    let row = house.json(&["channels", "show", PAID, "--json"]);
    assert_eq!((&row["owed"], &row["payment"], &row["agreement"]), (&json!(25), &json!("stripe/pi_1"), &Value::Null));
    assert!(row["paid_at"].is_i64() && row["listed_at"].is_i64() && row["name"].is_string(), "{row:#}");
    let row = house.json(&["channels", "show", LISTED, "--json"]);
    assert_eq!((&row["owed"], &row["days_bought"], &row["payment"]), (&json!(0), &json!(0), &Value::Null));
    let table = told(&house.command(&["channels", "list"]));
    for head in ["NAME", "PHONE", "OWED", "PAID", "AGREEMENT"] {
        assert!(table.contains(head), "{head} in {table}");
    }
    let state = house.sim_state().await.unwrap();
    let token = state["channels"][0]["token"].as_str();
    assert!(token.is_none_or(|token| !table.contains(token)), "{table}");
    for (wrong, why) in [
        (&["--until", "3 moons"][..], "--until"),
        (&["--unpaid", "--owed"][..], "cannot be used with"),
        (&["--unpaid", "--dark"][..], "cannot be used with"),
        (&["--after", "main/NONE"][..], "no channel main/NONE to go on after"),
    ] {
        let output = house.command(&[&["channels", "list"], wrong].concat());
        assert!(!output.status.success() && told(&output).contains(why), "{wrong:?}: {}", told(&output));
    }
    let typo = house.command(&["channels", "list", "--owed", "--channel", "NOSUCH-1"]);
    assert!(told(&typo).contains("no payment was for a channel \"NOSUCH-1\""), "{}", told(&typo));
}
