//! What a replay must not do: credit anything a second time, whoever applies it, how often, and at once.

use std::{collections::BTreeMap, fmt::Write as _, process::Output};

use serde_json::Value;

use crate::support::{
    daybridge::House,
    wait::{soon, until},
};

/// Channels that the payments are spread over.
const CHANNELS: usize = 20;

fn channel(n: usize) -> String {
    format!("DEMOCH-C{}", n % CHANNELS)
}

async fn house() -> House {
    let mut house = House::build("embedded", None, "").await;
    for n in 0..CHANNELS {
        house.sim("channels", serde_json::json!({"id": channel(n), "days": 3, "mode": "live"})).await;
    }
    house.start("run").await;
    house
}

/// `activeTill` of each channel and the number of extensions, by the partner's own books.
async fn books(house: &House) -> (BTreeMap<String, i64>, usize) {
    let state = house.sim_state().await.unwrap();
    let channels = state["channels"].as_array().unwrap();
    let till =
        channels.iter().map(|c| (c["id"].as_str().unwrap().to_owned(), c["activeTill"].as_i64().unwrap()));
    let extends = state["extends"].as_array().unwrap().iter().filter(|e| e["applied"] == true).count();
    (till.collect(), extends)
}

fn rows(house: &House, arguments: &[&str]) -> Vec<Value> {
    house.json(&[arguments, &["--limit", "1000", "--json"]].concat()).as_array().unwrap().clone()
}

/// Waits until so many payments are credited.
async fn credited(house: &House, count: usize) {
    until(&format!("{count} are credited"), || async {
        (rows(house, &["payments", "list", "--state", "credited"]).len() == count).then_some(())
    })
    .await;
}

/// Waits until so many replayed deliveries are recorded, and looks that each says it was skipped.
async fn skipped(house: &House, count: usize) {
    let events = until(&format!("{count} replayed deliveries are recorded"), || async {
        let events = rows(house, &["events", "list", "--trigger", "replay"]);
        (events.len() == count).then_some(events)
    })
    .await;
    for event in events {
        assert_eq!(event["outcome"], "duplicate", "{event:#}");
        assert!(event["reason"].as_str().unwrap().contains("skipped"), "{event:#}");
    }
}

/// Runs the same command by two people at the same moment.
async fn at_once(house: &House, arguments: &[&str]) -> [Output; 2] {
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| house.command(arguments)));
            both.map(|one| one.join().unwrap())
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_night_of_400_resends() {
    const PAYMENTS: usize = 400;
    let house = house().await;
    for n in 0..PAYMENTS {
        let body =
            House::event("charge.succeeded", &format!("evt_{n}"), &format!("pi_{n}"), &channel(n), "30");
        assert_eq!(house.post(&body).await, 200);
    }
    credited(&house, PAYMENTS).await;
    let before = books(&house).await;
    assert_eq!(before.1, PAYMENTS);

    let plan = house.json(&["replay", "plan", "--since", "1h", "--json"]);
    let totals = &plan["totals"];
    let said = ["payments", "skip", "extend", "held", "conflict", "days"].map(|word| totals[word].as_u64());
    assert_eq!(said, [400, 400, 0, 0, 0, 0].map(Some), "{totals:#}");
    let hash = plan["hash"].as_str().unwrap();
    let applied = house.json(&["replay", "apply", hash, "--per-second", "500", "--json"]);
    assert_eq!((applied["published"].as_u64(), applied["skipped"].as_u64()), (Some(400), Some(400)));
    skipped(&house, PAYMENTS).await;
    assert_eq!(books(&house).await, before);
    assert!(rows(&house, &["held", "list"]).is_empty());
}

/// Its events were never seen before, so that applying it moves days: once.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_applied_by_two_at_once_and_then_again_moves_days_once() {
    const PAYMENTS: usize = 60;
    let house = house().await;
    let mut file = String::new();
    for n in 0..PAYMENTS {
        let body =
            House::event("charge.succeeded", &format!("evt_{n}"), &format!("pi_{n}"), &channel(n), "30");
        let event: Value = serde_json::from_slice(&body).unwrap();
        writeln!(file, "{event}").unwrap();
    }
    std::fs::write(house.path("lost.jsonl"), file).unwrap();
    let planning = ["replay", "plan", "--source", "stripe", "--file", "lost.jsonl", "--json"];
    let plan = house.json(&planning);
    assert_eq!(plan["totals"]["extend"], PAYMENTS, "{:#}", plan["totals"]);
    assert_eq!(books(&house).await.1, 0, "a plan moves nothing");
    let hash = plan["hash"].as_str().unwrap();

    // Slow enough that both are at it.
    let applying = ["replay", "apply", hash, "--per-second", "60", "--json"];
    for output in soon("both have applied it", at_once(&house, &applying)).await {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["state"], "applied", "{said:#}");
    }
    credited(&house, PAYMENTS).await;
    for n in 0..PAYMENTS {
        assert_eq!(house.applied(&format!("stripe/pi_{n}")).await, 1);
    }
    let before = books(&house).await;
    let recorded = rows(&house, &["events", "list"]).len();

    let again = house.json(&applying);
    assert_eq!(again["published"], 0, "{again:#}");
    assert!(again["applied_before_at"].is_i64(), "{again:#}");
    assert_eq!(house.json(&planning)["totals"]["skip"], PAYMENTS);
    // Whatever had been published again would be recorded before this one.
    let mark = House::event("charge.succeeded", "evt_mark", "pi_mark", "DEMOCH-C0", "1");
    assert_eq!(house.post(&mark).await, 200);
    house.payment_is("stripe/pi_mark", "credited").await;
    assert_eq!(rows(&house, &["events", "list"]).len(), recorded + 1);
    assert_eq!(books(&house).await.1, before.1 + 1);
}
