//! What the receiver refuses is counted, and an operator sees where and why.

use serde_json::Value;

use crate::support::{
    daybridge::{House, now_s, sign},
    wait::until,
};

fn row<'a>(all: &'a Value, source: &str, reason: &str) -> Option<&'a Value> {
    all.as_array()?.iter().find(|row| row["source"] == source && row["reason"] == reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_are_counted_and_listed() {
    let mut house = House::build("embedded", None, "").await;
    house.start("serve").await;
    let hook = |name: &str| format!("http://127.0.0.1:{}/webhooks/{name}", house.server);
    let listed = async || {
        let (status, text) = house.console("/refused").await;
        assert_eq!(status, 200);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(listed().await, serde_json::json!([]));

    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    // 300 KB pass by default.
    let large = [&b" ".repeat(300_000)[..], &body].concat();
    assert_eq!(house.post(&large).await, 200);
    for _ in 0..5 {
        let forged = sign(b"something else", now_s());
        assert_eq!(house.post_to(&hook("stripe"), &body, &forged).await, 400);
    }
    assert_eq!(house.post(&b" ".repeat(1_048_577)).await, 413);
    assert_eq!(house.post_to(&hook("stripe"), &body, "t=1,v1=xx").await, 400);
    for name in ["nobody", "nobody-else", "stripe/"] {
        assert_eq!(house.post_to(&hook(name), &body, "x").await, 404);
    }
    let all = listed().await;
    assert_eq!(all.as_array().unwrap().len(), 4, "{all:#}");
    for (source, reason, count, words) in [
        ("stripe", "signature_no_match", 5, "no signature matches"),
        ("stripe", "body_too_long", 1, "too large"),
        ("stripe", "signature_malformed", 1, "malformed"),
        ("unknown", "unknown_source", 3, "no such source"),
    ] {
        let row = row(&all, source, reason).unwrap_or_else(|| panic!("{source} {reason}: {all:#}"));
        assert_eq!(row["count"], count, "{row}");
        assert!(row["words"].as_str().unwrap().contains(words), "{row}");
        assert!((row["last_at_ms"].as_i64().unwrap() / 1000 - now_s()).abs() < 120, "{row}");
    }
    let metrics = house.console("/metrics").await.1;
    for line in [
        "daybridge_refused_total{source=\"stripe\",reason=\"signature_no_match\"} 5",
        "daybridge_refused_total{source=\"stripe\",reason=\"body_too_long\"} 1",
        "daybridge_refused_total{source=\"unknown\",reason=\"unknown_source\"} 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("nobody"), "only configured sources are labels");

    // `check` tells it of the process that serves here.
    until("check tells what was refused", || async {
        let output = house.command(&["check"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text.contains("5 refused: no signature matches")
            && text.contains("1 refused: the body is too large"))
        .then_some(())
    })
    .await;
}

/// A stranger who is refused a thousand times writes two lines.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_fill_no_disk() {
    let mut house = House::build("embedded", None, "").await;
    house.start("serve").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "30");
    let hook = format!("http://127.0.0.1:{}/webhooks/", house.server);
    for _ in 0..500 {
        assert_eq!(house.post_to(&format!("{hook}stripe"), &body, &sign(b"other", now_s())).await, 400);
        assert_eq!(house.post_to(&format!("{hook}nobody"), &body, "x").await, 404);
    }
    let before = house.log("serve");
    for reason in ["no signature matches", "no such source"] {
        let lines = before.lines().filter(|line| line.contains("refused") && line.contains(reason)).count();
        assert!((1..=2).contains(&lines), "{lines} lines of {reason:?}");
    }
    assert!(before.contains("127.0.0.1"), "the first names its caller");
    assert_eq!(house.stop("serve").await, Some(0));
    // None is lost: the first of each, and the rest by their number.
    let counts = house.log("serve").lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).fold(
        0,
        |sum, line| match line["message"].as_str() {
            Some("request refused") => sum + 1,
            _ => sum + line["count"].as_u64().unwrap_or(0),
        },
    );
    assert_eq!(counts, 1_000);
}
