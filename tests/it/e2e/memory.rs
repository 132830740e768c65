//! What a ledger does not know: it was made where another one was lost, its database failed over, its machine's clock is
//! behind.

use daybridge::clock::now_ms;
use serde_json::{Value, json};

use crate::support::{
    api::{Answer, Api},
    daybridge::{House, now_s},
    postgres::Pair,
    wait::until,
};

const CHANNEL: &str = "DEMOCH-AB12C";

/// Paid so many seconds ago, and told then.
fn charge(name: &str, ago_s: i64) -> Vec<u8> {
    let body = House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), CHANNEL, "30");
    let mut event: Value = serde_json::from_slice(&body).unwrap();
    let at = json!(now_s() - ago_s);
    event["created"] = at.clone();
    event["data"]["object"]["created"] = at;
    event.to_string().into_bytes()
}

fn failed(house: &House, arguments: &[&str]) -> String {
    let output = house.command(arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn held(house: &House, cause: &str) -> Vec<Value> {
    let held = house.json(&["held", "list", "--json"]);
    held.as_array().unwrap().iter().filter(|row| row["cause"] == cause).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ledger_credits_nothing_of_before_it() {
    let mut house = House::new("embedded", None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 3, "mode": "live"})).await;
    house.start("run").await;
    let log = house.log("run");
    let line = log.lines().find(|line| line.contains("made a new ledger")).unwrap();
    assert!(line.contains("WARN") && line.contains("ledger.db"), "{line}");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(house.post(&charge(name, 3_600)).await, 200);
    }
    assert_eq!(house.post(&charge("now", 60)).await, 200);
    house.payment_is("stripe/pi_now", "credited").await;
    for name in ["a", "b", "c", "d"] {
        house.payment_is(&format!("stripe/pi_{name}"), "held").await;
    }
    assert_eq!(held(&house, "before_ledger").len(), 4);
    // The event of today does not make the money of then new.
    let again = String::from_utf8(charge("a", 3_600)).unwrap().replace("evt_a", "evt_a_again");
    let mut again: Value = serde_json::from_str(&again).unwrap();
    again["created"] = json!(now_s());
    assert_eq!(house.post(again.to_string().as_bytes()).await, 200);
    until("it is recorded", || async {
        let whole = house.json(&["payments", "show", "pi_a", "--json"]);
        (whole["events"].as_array()?.len() == 2).then_some(())
    })
    .await;
    assert_eq!(house.json(&["payments", "show", "pi_a", "--json"])["state"], "held");

    // A person says which it was, of one or of all.
    let stands = |keys: &[&str]| {
        let words = ["--applied", "--days", "5", "--reason", "Billing History"];
        house.command(&[&["held", "resolve"], keys, &words].concat())
    };
    let two = stands(&["stripe/pi_a", "stripe/pi_b"]);
    assert_eq!(two.status.code(), Some(2), "{two:?}");
    let mixed = ["held", "resolve", "stripe/pi_b", "--not-applied", "--days", "5", "--reason", "a slip"];
    assert_eq!(house.command(&mixed).status.code(), Some(2));
    assert!(stands(&["stripe/pi_b"]).status.success());
    let shown = house.json(&["payments", "show", "stripe/pi_b", "--json"]);
    assert_eq!((&shown["transfers"][0]["days"], &shown["money_out"]["days_owed"]), (&json!(5), &json!(25)));
    let adopt = ["ledger", "adopt", "--since"];
    let future = failed(&house, &[&adopt[..], &["2126-01-01"]].concat());
    assert!(future.contains("future"), "{future}");
    let adopted = house.json(&[&adopt[..], &["2h", "--reason", "we migrate", "--json"]].concat());
    assert!(adopted["since"].as_i64().unwrap() < now_ms() - 7_000_000, "{adopted:#}");
    let audit = house.json(&["audit", "list", "--json"]);
    assert!(audit.as_array().unwrap().iter().any(|row| row["action"] == "ledger adopt"), "{audit:#}");
    assert!(house.command(&["held", "retry", "stripe/pi_a"]).status.success());
    house.payment_is("stripe/pi_a", "credited").await;
    let rest =
        ["held", "resolve", "--cause", "before_ledger", "--yes", "2", "--not-applied", "--reason", "x"];
    assert!(house.command(&rest).status.success());
    for (name, times) in [("a", 1), ("b", 0), ("c", 1), ("d", 1), ("now", 1)] {
        let key = format!("stripe/pi_{name}");
        house.payment_is(&key, "credited").await;
        assert_eq!(house.applied(&key).await, times, "{key}");
    }
    // It is new no more.
    assert_eq!(house.stop("run").await, Some(0));
    house.start("run").await;
    assert_eq!(house.log("run").matches("made a new ledger").count(), 1);
}

/// The ledger's disk is not mounted: the same payments are told again to an empty file.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_missing_credits_nothing_again() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 3, "mode": "live"})).await;
    house.start("run").await;
    for name in ["a", "b"] {
        assert_eq!(house.post(&charge(name, 3_600)).await, 200);
        house.payment_is(&format!("stripe/pi_{name}"), "credited").await;
    }
    house.kill("run");
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(house.path(file));
    }
    house.start("run").await;
    assert!(house.log("run").contains("made a new ledger"));
    for name in ["a", "b"] {
        assert_eq!(house.post(&charge(name, 3_600)).await, 200);
        house.payment_is(&format!("stripe/pi_{name}"), "held").await;
        assert_eq!(house.applied(&format!("stripe/pi_{name}")).await, 1);
    }
}

/// 150 were credited, and 78 of them paid twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_commits_calls_nothing_by_itself() {
    let pair: &Pair = Box::leak(Box::new(tokio::task::spawn_blocking(Pair::start).await.unwrap()));
    let mut house = House::build("embedded", Some(&pair.url()), "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 3, "mode": "live"})).await;
    house.start("run").await;
    let names: Vec<String> = (0..6).map(|n| format!("{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        if n == 3 {
            tokio::task::spawn_blocking(|| pair.part()).await.unwrap();
        }
        assert_eq!(house.post(&charge(name, 0)).await, 200);
        house.payment_is(&format!("stripe/pi_{name}"), "credited").await;
    }
    tokio::task::spawn_blocking(|| pair.fail_over()).await.unwrap();
    // The provider tells all of it again, and something new.
    for name in names.iter().map(String::as_str).chain(["new"]) {
        assert_eq!(house.post(&charge(name, 0)).await, 200);
        until("it is recorded", || async {
            let output = house.command(&["payments", "show", &format!("pi_{name}"), "--json"]);
            output.status.success().then_some(())
        })
        .await;
    }
    until("the worker has met it", || async {
        house.log("run").contains("no transfer is called").then_some(())
    })
    .await;
    assert!(house.log("run").lines().any(|l| l.contains("ERROR") && l.contains("no transfer is called")));
    for name in &names {
        assert_eq!(house.applied(&format!("stripe/pi_{name}")).await, 1, "{name}");
    }
    assert_eq!(house.applied("stripe/pi_new").await, 0);
    let row = held(&house, "failover").pop().unwrap();
    assert!(row["next"].as_str().unwrap().contains("ledger restored"), "{row:#}");
    let pauses = house.json(&["pauses", "--json"]);
    assert_eq!(pauses[0]["cause"], "failover", "{pauses:#}");
    let check = failed(&house, &["check"]);
    assert!(check.contains("FAIL  ledger") && check.contains("--nothing-lost"), "{check}");
    let resume = failed(&house, &["resume"]);
    assert!(resume.contains("--nothing-lost"), "{resume}");

    // It was asynchronous.
    assert_eq!(house.stop("run").await, Some(0));
    until("no worker holds a channel", || async { house.restored("1h").status.success().then_some(()) })
        .await;
    assert!(held(&house, "failover").is_empty());
    house.start("run").await;
    let history = house.billing_history().await;
    let forgotten = house.json(&["held", "list", "--json"]);
    let forgotten = forgotten.as_array().unwrap();
    assert!(forgotten.len() >= 4, "{forgotten:#?}");
    for row in forgotten {
        let key = row["key"].as_str().unwrap();
        let found =
            row["history"].as_array().unwrap().iter().any(|name| history.contains(name.as_str().unwrap()));
        assert_eq!(found, row["payment"] != "stripe/pi_new", "{row:#}");
        let outcome = if found { "--applied" } else { "--not-applied" };
        until("what was called may not be applied any more", || async {
            let settle = ["held", "resolve", key, outcome, "--reason", "Billing History"];
            house.command(&settle).status.success().then_some(())
        })
        .await;
    }
    for name in names.iter().map(String::as_str).chain(["new"]) {
        let key = format!("stripe/pi_{name}");
        house.payment_is(&key, "credited").await;
        assert_eq!(house.applied(&key).await, 1, "{key}");
    }
}

/// A restored machine whose clock is ten minutes behind: what was paid before the declaration counted as paid after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_does_not_move_the_declaration() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 3, "mode": "live"})).await;
    // The partner's time is right, and so is the provider's.
    let there = jiff::Timestamp::from_second(now_s() + 600).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&there).unwrap();
    let partner = Api::start(move |_| {
        let date = date.clone();
        async move { Answer { headers: format!("date: {date}\r\n"), ..Answer::of(200, "{}") } }
    })
    .await;
    let settings = std::fs::read_to_string(house.path("daybridge.toml")).unwrap();
    let base = settings.lines().find(|line| line.starts_with("base_url")).unwrap().to_owned();
    house.set(&base, &format!("base_url = \"{}\"", partner.base));
    let declared: Value = serde_json::from_slice(&house.restored("1h").stdout).unwrap();
    assert!(declared["declared_at"].as_i64().unwrap() >= now_ms() + 590_000, "{declared:#}");
    house.set(&format!("base_url = \"{}\"", partner.base), &base);
    house.start("run").await;
    // Paid eight minutes after the clock of here, two before the declaration.
    assert_eq!(house.post(&charge("forgotten", -480)).await, 200);
    house.payment_is("stripe/pi_forgotten", "held").await;
    assert_eq!(held(&house, "restored").len(), 1);
    assert_eq!(house.applied("stripe/pi_forgotten").await, 0);
}
