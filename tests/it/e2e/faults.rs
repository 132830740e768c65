//! The whole system under the faults that lose or double payments elsewhere.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    daybridge::House,
    disk::SmallDisk,
    postgres::Postgres,
    rabbitmq::Broker,
    sql::Sql,
    wait::{PATIENCE, until, within},
};

#[tokio::test(flavor = "multi_thread")]
async fn applied_but_the_connection_was_cut() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": -3, "mode": "live"})).await;
    house.sim("faults", json!({"method": "extend", "when": "after", "kind": "reset"})).await;
    house.start("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 200);
    let whole = house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(whole["transfers"][0]["how"], "observed", "{whole:#}");
    assert_eq!(whole["transfers"][0]["attempt"], 1);
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_applied_and_no_answer_is_tried_once_more() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    house
        .sim("faults", json!({"method": "extend", "when": "before", "kind": {"status": 502}, "times": 2}))
        .await;
    house.start("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 200);
    // Both attempts end in a 502 that hides a refusal: a person decides.
    let whole = house.payment_is("stripe/pi_1", "held").await;
    assert_eq!(whole["transfers"][0]["attempt"], 2, "{whole:#}");
    assert_eq!(whole["transfers"][0]["outcome"], "open");
    let refused = house.command(&["held", "retry", "stripe/pi_1#1"]);
    assert_eq!(refused.status.code(), Some(1), "an open outcome is not retried");
    let settled = until("the window after the call is over", || async {
        let output = house.command(&[
            "held",
            "settle",
            "stripe/pi_1#1",
            "--not-applied",
            "--reason",
            "not in Billing History",
        ]);
        output.status.success().then_some(())
    });
    settled.await;
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_between_call_and_record() {
    let broker = Broker::shared();
    let ledger = Postgres::url_of_new_database();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), Some(&ledger), "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    // The partner applies the days and answers late: the worker dies in between.
    house.sim("faults", json!({"method": "extend", "when": "after", "kind": {"hang": {"ms": 1500}}})).await;
    house.start("serve").await;
    house.start("work").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 200);
    until("the partner applied the days", || async {
        (house.applied("stripe/pi_1").await == 1).then_some(())
    })
    .await;
    house.kill("work");
    let whole = house.json(&["payments", "show", "stripe/pi_1", "--json"]);
    assert_eq!(whole["transfers"][0]["state"], "intended", "{whole:#}");
    house.start("work").await;
    let whole = house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(whole["transfers"][0]["how"], "observed", "{whole:#}");
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_killed_under_load_loses_no_200() {
    let broker = Broker::start();
    let mut house = House::build(&broker.amqp_url("/"), None, "").await;
    for n in 0..10 {
        house.sim("channels", json!({"id": format!("DEMOCH-C{n}"), "days": 3, "mode": "live"})).await;
    }
    house.start("serve").await;
    house.start("work").await;
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for round in 0..12 {
        match round {
            4 => broker.kill(),
            7 => broker.start_again(),
            _ => {}
        }
        let bodies: Vec<(String, Vec<u8>)> = (0..25)
            .map(|n| {
                let payment = format!("pi_r{round}n{n}");
                let (event, channel) = (format!("evt_{payment}"), format!("DEMOCH-C{}", n % 10));
                let body = House::event("charge.succeeded", &event, &payment, &channel, "1");
                (payment, body)
            })
            .collect();
        let posts = futures_util::future::join_all(bodies.iter().map(|(_, body)| house.post(body))).await;
        for ((payment, body), status) in bodies.into_iter().zip(posts) {
            match status {
                200 => accepted.push(payment),
                503 => refused.push((payment, body)),
                other => panic!("answered {other}"),
            }
        }
    }
    assert!(refused.len() >= 75, "the broker was down for three rounds, {} were refused", refused.len());
    // As the provider does: again until it is taken.
    for (payment, body) in refused {
        until("the receiver takes it again", || async { (house.post(&body).await == 200).then_some(()) })
            .await;
        accepted.push(payment);
    }
    for payment in &accepted {
        house.payment_is(&format!("stripe/{payment}"), "credited").await;
    }
    let state = house.sim_state().await.unwrap();
    let applied = state["extends"].as_array().unwrap().iter().filter(|e| e["applied"] == true).count();
    assert_eq!(applied, accepted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acked_before_the_ledger_has_it() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    house.start("run").await;
    let url = format!("sqlite:{}", house.path("ledger.db").display());
    let mut lock = Sql::open(&url).await;
    lock.execute("BEGIN IMMEDIATE").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 200, "the receiver does not need the ledger");
    until("intake finds the ledger locked", || async {
        house.log("run").contains("keeping the message in hand").then_some(())
    })
    .await;
    let away = |line: &serde_json::Value| {
        line["message"].as_str().is_some_and(|said| said.starts_with("the ledger is away; keeping"))
    };
    assert_eq!(house.lines("run", "ERROR").iter().filter(|line| away(line)).count(), 1);
    house.kill("run");
    drop(lock);
    house.start("run").await;
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

/// A full disk broke the one writing connection for ever, and `/readyz` said 200 all along.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_by_readyz_and_forgotten_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let [queue, ledger] = ["embedded:queue", "sqlite:ledger"]
        .map(|url| url.replacen(':', &format!(":{}/", disk.path().display()), 1) + ".db");
    let mut house = House::build(&queue, Some(&ledger), "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    house.start("run").await;
    disk.fill();
    let says = until("not ready", || async {
        let (status, body) = house.console("/readyz").await;
        (status == 503).then_some(body)
    })
    .await;
    assert!(says.contains("\"queue\":false"), "{says}");
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&body).await, 503, "nothing is taken that has no room");
    disk.empty();
    house.ready("run").await;
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_a_ledger_while_one_is_killed() {
    let broker = Broker::shared();
    let ledger = Postgres::url_of_new_database();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), Some(&ledger), "").await;
    for n in 0..5 {
        house.sim("channels", json!({"id": format!("DEMOCH-C{n}"), "days": 3, "mode": "live"})).await;
    }
    let rates = json!([
        {"chance": 0.05, "fault": {"method": "extend", "when": "after", "kind": "reset"}},
        {"chance": 0.05, "fault": {"method": "extend", "when": "before", "kind": {"status": 503}}},
        {"chance": 0.1, "fault": {"method": "read", "kind": {"status": 502}}},
    ]);
    house.sim("faults/rates", json!({"seed": 7, "rates": rates})).await;
    house.start("serve").await;
    house.start("work").await;
    let [console] = crate::support::rabbitmq::free_ports();
    let second = [("DAYBRIDGE_CONSOLE__LISTEN", format!("127.0.0.1:{console}"))];
    house.start_as("work2", "work", &second).await;
    for n in 0..40 {
        let (payment, channel) = (format!("pi_{n}"), format!("DEMOCH-C{}", n % 5));
        let body = House::event("charge.succeeded", &format!("evt_{n}"), &payment, &channel, "30");
        let intent = House::event("payment_intent.succeeded", &format!("evt_i{n}"), &payment, &channel, "30");
        let posts = tokio::join!(house.post(&body), house.post(&body), house.post(&intent));
        assert_eq!(posts, (200, 200, 200));
        if n == 20 {
            house.kill("work");
            house.start_as("work", "work", &[]).await;
        }
    }
    for n in 0..40 {
        let key = format!("stripe/pi_{n}");
        let over = async {
            loop {
                let whole = house.json(&["payments", "show", &key, "--json"]);
                match whole["transfers"][0]["state"].as_str() {
                    Some("settled") => return true,
                    Some("held") => return false,
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let settled = within(PATIENCE * 3, "every transfer is settled or held", over).await;
        let applied = house.applied(&key).await;
        assert!(
            if settled { applied == 1 } else { applied <= 1 },
            "{key}: settled {settled}, applied {applied}"
        );
    }
}

/// A probe waited for ever behind an older transfer of its channel, which rested for the hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_hold_ends_although_an_older_transfer_stands_before_its_probe() {
    let mut house = House::build("embedded", None, "[worker]\naccount_probe = \"1s\"").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 3, "mode": "live"})).await;
    house.sim("faults", json!({"method": "extend", "kind": {"throttle": {"retry_after": 4}}})).await;
    house.start("run").await;
    let older = House::event("charge.succeeded", "evt_1", "pi_1", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&older).await, 200);
    house.payment_is("stripe/pi_1", "planned").await;
    until("the older one is throttled", || async {
        let whole = house.json(&["payments", "show", "stripe/pi_1", "--json"]);
        whole["transfers"][0]["reason"].as_str()?.contains("throttles").then_some(())
    })
    .await;
    house.sim("balance", json!({"days": 0})).await;
    let younger = House::event("charge.succeeded", "evt_2", "pi_2", "DEMOCH-AB12C", "7");
    assert_eq!(house.post(&younger).await, 200);
    house.payment_is("stripe/pi_2", "held").await;
    // The older one has been refused as well, so both wait; or it rests. Either way the top-up ends it.
    until("the older one is due", || async {
        let whole = house.json(&["payments", "show", "stripe/pi_1", "--json"]);
        let due = whole["transfers"][0]["next_at"].as_i64().unwrap_or(0);
        (due < daybridge::clock::now_ms() - 1_000).then_some(())
    })
    .await;
    house.sim("balance", json!({"days": 100})).await;
    house.payment_is("stripe/pi_1", "credited").await;
    house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!((house.applied("stripe/pi_1").await, house.applied("stripe/pi_2").await), (1, 1));
}

/// A payment larger than the balance, and the channels of others beside it.
#[tokio::test(flavor = "multi_thread")]
async fn one_payment_larger_than_the_balance_keeps_no_other_dark() {
    let mut house = House::build("embedded", None, "[worker]\naccount_probe = \"1s\"").await;
    for (channel, days) in [("DEMOCH-BIG", 1), ("DEMOCH-A", 3), ("DEMOCH-B", 5)] {
        house.sim("channels", json!({"id": channel, "days": days, "mode": "live"})).await;
    }
    house.sim("balance", json!({"days": 40})).await;
    house.start("run").await;
    let big = House::event("charge.succeeded", "evt_big", "pi_big", "DEMOCH-BIG", "365");
    assert_eq!(house.post(&big).await, 200);
    house.payment_is("stripe/pi_big", "held").await;
    for (name, channel) in [("a", "DEMOCH-A"), ("b", "DEMOCH-B")] {
        let event = format!("evt_{name}");
        let body = House::event("charge.succeeded", &event, &format!("pi_{name}"), channel, "30");
        assert_eq!(house.post(&body).await, 200);
        let fits = if name == "a" { "credited" } else { "held" };
        house.payment_is(&format!("stripe/pi_{name}"), fits).await;
    }
    let held = house.json(&["held", "list", "--json"]);
    let account = held.as_array().unwrap().iter().find(|h| h["kind"] == "account").unwrap();
    assert!(account["reason"].as_str().unwrap().contains("below 30 days"), "{held:#}");
    // The channel of the big one is the first to expire, and stays too large.
    house.sim("balance", json!({"days": 35})).await;
    house.payment_is("stripe/pi_b", "credited").await;
    house.sim("balance", json!({"days": 400})).await;
    house.payment_is("stripe/pi_big", "credited").await;
    for name in ["a", "b", "big"] {
        assert_eq!(house.applied(&format!("stripe/pi_{name}")).await, 1);
    }
    assert!(house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty());
}

/// Its channel expires first, and can't be read: after a top-up the others do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_whose_channel_cannot_be_read_is_passed_over() {
    let mut house = House::build("embedded", None, "[worker]\naccount_probe = \"20s\"").await;
    for (channel, days) in [("DEMOCH-DARK", 1), ("DEMOCH-A", 3)] {
        house.sim("channels", json!({"id": channel, "days": days, "mode": "live"})).await;
    }
    house.sim("balance", json!({"days": 0})).await;
    house.start("run").await;
    for (name, channel) in [("dark", "DEMOCH-DARK"), ("a", "DEMOCH-A")] {
        let event = format!("evt_{name}");
        let body = House::event("charge.succeeded", &event, &format!("pi_{name}"), channel, "7");
        assert_eq!(house.post(&body).await, 200);
    }
    house.payment_is("stripe/pi_dark", "held").await;
    let fault = json!({"method": "read", "channel": "DEMOCH-DARK", "kind": {"status": 502}, "times": 1000});
    house.sim("faults", fault).await;
    house.sim("balance", json!({"days": 10})).await;
    let retry = house.command(&["held", "retry", "stripe/pi_dark#1", "--reason", "topped up"]);
    assert!(retry.status.success(), "{retry:?}");
    let begun = std::time::Instant::now();
    house.payment_is("stripe/pi_a", "credited").await;
    assert!(begun.elapsed().as_secs() < 15, "another took over at once, not at the next probe");
}
