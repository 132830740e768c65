//! Every kind of error, planted once among good payments.

use std::process::Stdio;

use daybridge::domain::Ms;
use serde_json::{Value, json};

use super::{Line, export, open};
use crate::support::{
    daybridge::{House, now_s},
    wait::until,
};

/// Good payments, and the channels they are spread over.
const GOOD: usize = 300;
const GOOD_CHANNELS: usize = 50;

/// Channels with something wrong, beside those of the good ones.
const BAD_CHANNELS: [&str; 10] = [
    "DOUBLE-1", "HAND-1", "OPEN-1", "REFUND-1", "EARLY-1", "FEW-1", "MANY-1", "HELD-1", "ABSENT-1",
    "LEAKED-1",
];

/// What is wrong whatever is given.
const ALWAYS: [(&str, &str, u64); 7] = [
    ("pi_few", "paid_not_extended", 5),
    ("pi_held", "paid_not_extended", 30),
    ("pi_leaked", "extended_not_paid", 30),
    ("pi_many", "extended_not_paid", 5),
    ("pi_missed", "paid_not_extended", 30),
    ("pi_refunded", "extended_not_paid", 30),
    ("pi_double", "extended_twice", 30),
];

fn charge(payment: &str, channel: &str, days: &str) -> Vec<u8> {
    House::event("charge.succeeded", &format!("evt_{payment}"), payment, channel, days)
}

fn altered(body: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(body).unwrap().replace(from, to).into_bytes()
}

async fn post(house: &House, body: &[u8]) {
    assert_eq!(house.post(body).await, 200);
}

/// Channels that nothing happens to; they stand first in the partner's list, which takes more than one page.
const IDLE_CHANNELS: usize = 250;

/// Makes the good and the bad; returns when all is at rest.
async fn plant(house: &House) {
    for channel in BAD_CHANNELS {
        house.sim("channels", json!({"id": channel, "days": 10, "mode": "live"})).await;
    }
    for n in 0..IDLE_CHANNELS {
        house.sim("channels", json!({"id": format!("A-{n:05}"), "days": 10})).await;
    }
    for n in 0..GOOD_CHANNELS {
        // Some have run out.
        let days = i64::try_from(n).unwrap() - 5;
        house.sim("channels", json!({"id": format!("GOOD-{n:05}"), "days": days, "mode": "live"})).await;
    }
    // Applied after the client, the window and the one retry.
    let late = |channel: &str, ms: u64| json!({"method": "extend", "kind": {"late_commit": {"ms": ms}}, "channel": channel});
    house.sim("faults", json!([late("DOUBLE-1", 18_000), late("OPEN-1", 5_000)])).await;
    post(house, &charge("pi_double", "DOUBLE-1", "30")).await;
    post(house, &charge("pi_open", "OPEN-1", "30")).await;
    for (payment, channel, days) in [
        ("pi_refunded", "REFUND-1", "30"),
        ("pi_few", "FEW-1", "25"),
        ("pi_many", "MANY-1", "30"),
        ("pi_absent", "ABSENT-1", "30"),
        ("pi_leaked", "LEAKED-1", "30"),
        ("pi_hand", "HAND-1", "30"),
    ] {
        post(house, &charge(payment, channel, days)).await;
    }
    let early = charge("pi_early", "EARLY-1", "30");
    let back = altered(early.clone(), "charge.succeeded", "charge.refunded");
    let back = altered(back, "\"amount_refunded\": 0", "\"amount_refunded\": 900");
    post(house, &altered(back, "evt_", "evt_back_")).await;
    house.payment_is("stripe/pi_early", "linked").await;
    post(house, &early).await;
    post(house, &altered(charge("pi_held", "HELD-1", "30"), "\"days\"", "\"tage\"")).await;

    // Days that move by hand while the outcome is open: the readings conflict.
    house.payment_is("stripe/pi_open", "doubtful").await;
    house.sim("channels/OPEN-1/extend", json!({"days": 3})).await;
    for n in 0..GOOD {
        let (payment, channel) = (format!("pi_good{n}"), format!("GOOD-{:05}", n % GOOD_CHANNELS));
        post(house, &charge(&payment, &channel, "30")).await;
    }
    house.payment_is("stripe/pi_open", "held").await;
    house.payment_is("stripe/pi_hand", "credited").await;
    house.sim("channels/HAND-1/extend", json!({"days": 7})).await;
    until("all is applied, the late ones too", || async {
        let state = house.sim_state().await?;
        let calls = state["extends"].as_array()?.iter().filter(|e| e["applied"] == true && e["by"] == "api");
        // The good ones, seven bad ones, one of these twice, and the one that is held.
        (calls.count() == GOOD + 9).then_some(())
    })
    .await;
    house.payment_is("stripe/pi_double", "credited").await;
    until("all others are credited", || async {
        let rows = house.json(&["payments", "list", "--limit", "1000", "--json"]);
        let credited = rows.as_array().unwrap().iter().filter(|row| row["state"] == "credited").count();
        (credited == GOOD + 7).then_some(())
    })
    .await;
}

fn record() -> String {
    let now: Ms = now_s() * 1000;
    let names: Vec<(String, String)> =
        (0..GOOD).map(|n| (format!("pi_good{n}"), format!("GOOD-{:05}", n % GOOD_CHANNELS))).collect();
    let mut lines: Vec<Line<'_>> = names.iter().map(|(p, c)| Line::new(p, now, c)).collect();
    for (payment, channel) in [
        ("pi_double", "DOUBLE-1"),
        ("pi_open", "OPEN-1"),
        ("pi_absent", "ABSENT-1"),
        ("pi_hand", "HAND-1"),
        ("pi_held", "HELD-1"),
        ("pi_few", "FEW-1"),
        ("pi_missed", "GOOD-00000"),
    ] {
        lines.push(Line::new(payment, now, channel));
    }
    lines.push(Line { days: "25", ..Line::new("pi_many", now, "MANY-1") });
    lines.push(Line { refunded: true, ..Line::new("pi_refunded", now, "REFUND-1") });
    lines.push(Line { refunded: true, ..Line::new("pi_early", now, "EARLY-1") });
    export(&lines)
}

/// Reconciles with more arguments and a text on standard input; exit 1 is expected, for something is open.
fn reconcile(house: &House, more: &[&str], input: &str) -> Value {
    let arguments: Vec<&str> =
        ["reconcile", "--source", "stripe", "--since", "2days", "--file", "record.csv", "--json"]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
    let path = house.path("input");
    std::fs::write(&path, input).unwrap();
    let output = house.command_with(&arguments, Stdio::from(std::fs::File::open(path).unwrap()));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("simChannelToken"), "a channel's token is shown");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn check(report: &Value, more: &[(&str, &str, u64)]) {
    let mut want: Vec<_> = ALWAYS
        .iter()
        .chain(more)
        .map(|(about, answer, days)| ((*about).into(), (*answer).into(), *days))
        .collect();
    want.sort();
    assert_eq!(open(report), want, "{:#}", report["sums"]);
    let matched = report["rows"].as_array().unwrap().iter().filter(|row| row["answer"] == "matched");
    let good =
        matched.filter(|row| row["payment"].as_str().is_some_and(|key| key.contains("pi_good"))).count();
    assert_eq!(good, GOOD);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_error_is_found_and_none_is_invented() {
    let mut house = House::build("embedded", None, "").await;
    house.start("run").await;
    plant(&house).await;
    std::fs::write(house.path("record.csv"), record()).unwrap();

    // Without Billing History, the channels tell of what nobody paid, and of the second call.
    let hand = ("HAND-1", "extended_not_paid", 7);
    let open_held = ("pi_open", "paid_not_extended", 30);
    check(&reconcile(&house, &[], ""), &[hand, open_held, ("OPEN-1", "extended_not_paid", 33)]);

    // As the panel may show it, without channels: its lines name payments, and one that is missing.
    let history = house.billing_history().await;
    let history: String =
        history.lines().filter(|l| !l.contains("pi_absent#")).map(|l| format!("{l}\n")).collect();
    std::fs::write(house.path("history.txt"), &history).unwrap();
    let absent = ("pi_absent", "paid_not_extended", 30);
    let told = [hand, absent, ("pi_open", "matched", 30), ("OPEN-1", "extended_not_paid", 3)];
    let report = reconcile(&house, &["--history", "history.txt"], "");
    check(&report, &told);
    sums(&report);

    // As CSV with channels: lines without a key are extensions by hand, and explain what moved.
    let state = house.sim_state().await.unwrap();
    let applied = state["extends"].as_array().unwrap().iter().filter(|e| e["applied"] == true);
    let lines = applied.map(|e| {
        let comment = e["comment"].as_str().unwrap_or_default();
        format!("{};{};{};\"{comment}\"\n", e["at"], e["channel"].as_str().unwrap(), e["days"])
    });
    let lines: String = lines.filter(|line| !line.contains("pi_absent#")).collect();
    let report = reconcile(&house, &["--history", "-"], &lines);
    check(&report, &told);
    let by_hand = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["why"].as_str().unwrap().contains("by hand it seems"));
    assert_eq!(by_hand.count(), 2);
    // Without the channels as they are now, the same, for these lines tell it too.
    check(&reconcile(&house, &["--no-channels", "--history", "-"], &lines), &told);
}

/// Rows, days and money of each answer.
fn sums(report: &Value) {
    let answers = &report["sums"]["answers"];
    let matched = u64::try_from(GOOD).unwrap() + 3;
    assert_eq!(answers["matched"]["rows"], matched);
    assert_eq!(answers["matched"]["days"], (matched - 1) * 30);
    assert_eq!(answers["matched"]["money"]["usd"], (matched - 1) * 900);
    assert_eq!(answers["paid_not_extended"], json!({"rows": 4, "days": 95, "money": {"usd": 3600}}));
    assert_eq!(answers["extended_not_paid"], json!({"rows": 5, "days": 75, "money": {"usd": 2700}}));
    assert_eq!(answers["extended_twice"], json!({"rows": 1, "days": 30, "money": {"usd": 900}}));
    assert_eq!(report["sums"]["open"], 11);
}
