//! The account's channels, on real processes: which there are, which run out, and who pays for them.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    daybridge::{House, TOKEN},
    sql::Sql,
    wait::until,
};

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

/// Its ledger, from outside.
async fn ledger_of(house: &House) -> Sql {
    Sql::open(&format!("sqlite:{}", house.path("ledger.db").display())).await
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
    assert!(house.command(&["pause", "--reason", "a look"]).status.success());
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
    assert_eq!(
        (&row["owed"], &row["payment"], &row["agreement"]),
        (&json!(25), &json!("stripe/pi_1"), &Value::Null)
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_reads_the_partners_list_by_itself() {
    let mut house = House::build("embedded", None, "").await;
    channel(&house, LISTED, 2).await;
    house.sim("faults", json!({"method": "list", "kind": {"refuse": 404}, "times": 1})).await;
    house.start("run").await;
    // There is none yet, which is said in one line; a person is told what it may come of.
    let said = || {
        house
            .lines("run", "INFO")
            .into_iter()
            .find(|line| line["message"].as_str().unwrap().contains("has no list"))
    };
    until("the list is asked for", || async { said() }).await;
    let of_the_list = |line: &Value| line["message"].as_str().unwrap().contains("list of channels");
    assert!(!house.lines("run", "WARN").iter().any(of_the_list), "{}", house.log("run"));
    house.stop("run").await;
    // It is asked for again when its hour has come.
    ledger_of(&house).await.execute("UPDATE listings SET next_at = 0").await;
    house.start("run").await;
    let listed = || async { (names(&house, &[]) == [LISTED]).then_some(()) };
    until("the channel is known", listed).await;
    assert_eq!(
        house.json(&["audit", "list", "--json"]).as_array().unwrap().len(),
        1,
        "no person asked for it"
    );

    // What a person asks for is kept, and a list that is cut is not believed.
    house.json(&["channels", "sync", "--json"]);
    let state = house.sim_state().await.unwrap();
    assert_eq!(state["channels"].as_array().unwrap().len(), 1);
    house.sim_without(&format!("channels/{LISTED}")).await;
    let doubted = house.command(&["channels", "sync", "--json"]);
    assert_eq!(doubted.status.code(), Some(1), "{}", told(&doubted));
    let synced: Value = serde_json::from_slice(&doubted.stdout).unwrap();
    assert_eq!(
        (&synced["listed"], &synced["believed"], &synced["gone"]),
        (&json!(0), &json!(false), &json!(0))
    );
    assert!(told(&doubted).contains("channels sync --shorter"), "{}", told(&doubted));
    assert_eq!(names(&house, &[]), [LISTED]);
    let believed = house.json(&["channels", "sync", "--shorter", "--json"]);
    assert_eq!((&believed["believed"], &believed["gone"]), (&json!(true), &json!(1)));
    assert_eq!(names(&house, &[]), [""; 0]);
    let acts = house.json(&["audit", "list", "--key", "account:main", "--json"]);
    let acts: Vec<&Value> = acts.as_array().unwrap().iter().map(|act| &act["action"]).collect();
    assert_eq!(acts, ["channels sync"; 3]);
    assert!(!house.log("run").contains(TOKEN) && !told(&doubted).contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_that_nobody_pays_for_are_deleted_by_a_plan() {
    let mut house = House::build("embedded", None, "[allocation]\nslice = 5").await;
    for (id, days) in
        [(PAID, -40), ("OLD-A", -40), ("OLD-B", -39), ("OLD-C", -38), ("OLD-D", -37), ("OLD-E", -36)]
    {
        channel(&house, id, days).await;
    }
    house.sim("channels", json!({"id": "OLD-T", "days": -35, "mode": "trial"})).await;
    channel(&house, LISTED, 2).await;
    let early = house.command(&["channels", "retire", "plan"]);
    assert!(told(&early).contains("channels sync"), "{}", told(&early));
    house.json(&["channels", "sync", "--json"]);
    assert!(house.command(&["pause", "--reason", "a look"]).status.success());
    house.start("run").await;
    paid(&house, "1", PAID).await;
    house.payment_is("stripe/pi_1", "planned").await;
    let plan = house.json(&["channels", "retire", "plan", "--expired-for", "30days", "--json"]);
    let planned: Vec<&Value> =
        plan["channels"].as_array().unwrap().iter().map(|one| &one["channel"]).collect();
    assert_eq!(planned, ["OLD-A", "OLD-B", "OLD-C", "OLD-D", "OLD-E", "OLD-T"], "days are owed on {PAID}");
    let hash = plan["hash"].as_str().unwrap();
    let apply = ["channels", "retire", "apply", hash, "--json"];
    for (more, why) in [
        (&[][..], "--reason"),
        (&["--reason", "x"][..], "--yes 6"),
        (&["--reason", "x", "--yes", "5"][..], "it is 6, not 5"),
    ] {
        let output = house.command(&[&apply[..], more].concat());
        assert!(!output.status.success() && told(&output).contains(why), "{more:?}: {}", told(&output));
    }
    let wrong =
        house.command(&["channels", "retire", "apply", "0123456789abcdef", "--reason", "x", "--yes", "1"]);
    assert!(told(&wrong).contains("no plan 0123456789abcdef"), "{}", told(&wrong));
    let dry = house.command(&["channels", "retire", "apply", hash, "--reason", "x", "--dry-run"]);
    assert!(told(&dry).contains("would delete 6 channels"), "{}", told(&dry));
    let left = async || house.sim_state().await.unwrap()["channels"].as_array().unwrap().len();
    assert_eq!(left().await, 8, "nothing was deleted");

    // B is deleted and its answer is cut; C is not, and the answer is as unclear; D is refused; E was extended by hand.
    let fault = |channel: &str, when: &str, kind: Value| json!({"method": "delete", "when": when, "kind": kind, "channel": channel, "times": 1});
    house.sim("faults", fault("OLD-B", "after", json!({"status": 502}))).await;
    house.sim("faults", fault("OLD-C", "before", json!({"status": 502}))).await;
    house.sim("faults", fault("OLD-D", "before", json!({"refuse": 403}))).await;
    house.sim("channels/OLD-E/extend", json!({"days": 3})).await;
    let said = [&apply[..], &["--reason", "end of the year", "--yes", "6"]].concat();
    let first = house.command(&said);
    assert_eq!(first.status.code(), Some(1), "{}", told(&first));
    let first: Value = serde_json::from_slice(&first.stdout).unwrap();
    let states = |told: &Value| -> Vec<String> {
        let rows = told["channels"].as_array().unwrap().iter();
        rows.map(|one| format!("{} {}", one["channel"].as_str().unwrap(), one["state"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(
        states(&first),
        [
            "OLD-A deleted",
            "OLD-B deleted",
            "OLD-C unknown",
            "OLD-D refused",
            "OLD-E left_out",
            "OLD-T deleted"
        ]
    );
    let said = [&apply[..], &["--reason", "again", "--yes", "2"]].concat();
    let second = house.json(&said);
    assert_eq!(states(&second), ["OLD-C deleted", "OLD-D deleted"], "the rest is done");
    let third = house.json(&[&apply[..], &["--reason", "again"]].concat());
    assert_eq!((&third["deleted"], left().await), (&json!(0), 3), "and stays so");
    let acts = house.json(&["audit", "list", "--json", "--limit", "50"]);
    let deleted =
        acts.as_array().unwrap().iter().filter(|act| act["action"] == "channels retire apply").count();
    assert_eq!(deleted, 7, "five deleted, and two that were not at first");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_an_ended_customers_channel_come_back_to_the_balance() {
    let mut house = House::build("embedded", None, "").await;
    channel(&house, PAID, 0).await;
    channel(&house, LISTED, 9).await;
    house.start("run").await;
    let mut body: Value =
        serde_json::from_slice(&House::event("charge.succeeded", "evt_1", "pi_1", PAID, "30")).unwrap();
    body["data"]["object"]["customer"] = json!("cus_1");
    assert_eq!(house.post(body.to_string().as_bytes()).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    house.json(&["channels", "sync", "--json"]);
    let none = house.json(&["channels", "retire", "plan", "--ended", "--json"]);
    assert_eq!((&none["hash"], &none["channels"]), (&Value::Null, &json!([])), "no agreement paid for it");
    // Its subscription is told of, and ends.
    let mut sql = ledger_of(&house).await;
    sql.execute("UPDATE payments SET agreement = 'sub_1'").await;
    sql.execute(
        "INSERT INTO agreements (key, realm, account, livemode, id, state, state_at, told_at) \
         SELECT 'stripe/sub_1', realm, account, livemode, 'sub_1', 'ended', 1, 1 FROM payments",
    )
    .await;
    house.json(&["balance", "set", "100", "--json"]);
    let plan = house.json(&["channels", "retire", "plan", "--ended", "--json"]);
    assert_eq!((&plan["channels"][0]["channel"], &plan["days"]), (&json!(PAID), &json!(29)), "{plan:#}");
    let hash = plan["hash"].as_str().unwrap();
    let done =
        house.json(&["channels", "retire", "apply", hash, "--reason", "left us", "--yes", "1", "--json"]);
    assert_eq!(
        (&done["deleted"], &done["days"], &done["channels"][0]["returned"]),
        (&json!(1), &json!(29), &json!(29))
    );
    let balance = house.json(&["balance", "show", "--json"]);
    assert_eq!((&balance["low"], &balance["high"]), (&json!(129), &json!(129)), "{balance:#}");
    assert_eq!(house.json(&["channels", "show", PAID, "--json"])["listed_at"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_to_a_channel_that_may_still_be_deleted() {
    let mut house = House::build("embedded", None, "").await;
    house.set("settle_window = \"5s\"", "settle_window = \"10s\"");
    channel(&house, DARK, -40).await;
    channel(&house, LONG, 90).await;
    house.json(&["channels", "sync", "--json"]);
    let plan = house.json(&["channels", "retire", "plan", "--json"]);
    let hash = plan["hash"].as_str().unwrap();
    house.start("run").await;
    // The partner answers nothing within the time for a call, and deletes the channel later.
    house.sim("faults", json!({"method": "delete", "kind": {"late_commit": {"ms": 6000}}, "times": 1})).await;
    let apply = ["channels", "retire", "apply", hash, "--reason", "nobody pays", "--json"];
    let first = house.command(&[&apply[..], &["--yes", "1"]].concat());
    let said: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(said["channels"][0]["state"], "unknown", "{}", told(&first));
    paid(&house, "1", DARK).await;
    let held = house.payment_is("stripe/pi_1", "held").await;
    assert_eq!(held["cause"], "channel_unknown", "{held:#}");
    assert_eq!(house.applied("stripe/pi_1").await, 0, "days would have been lost with the channel");
    let second = house.json(&[&apply[..], &["--yes", "1"]].concat());
    assert_eq!(second["channels"][0]["state"], "deleted");
}
