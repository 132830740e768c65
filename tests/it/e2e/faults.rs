//! The whole system under the faults that lose or double payments elsewhere.

use serde_json::json;

use crate::support::{daybridge::House, postgres::Postgres, rabbitmq::Broker, wait::until};

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
    let mut refused = 0;
    for round in 0..12 {
        if round == 4 {
            broker.kill();
        }
        if round == 6 {
            broker.start_again();
        }
        let bodies: Vec<(String, Vec<u8>)> = (0..25)
            .map(|n| {
                let payment = format!("pi_r{round}n{n}");
                let channel = format!("DEMOCH-C{}", n % 10);
                (
                    payment.clone(),
                    House::event("charge.succeeded", &format!("evt_{payment}"), &payment, &channel, "1"),
                )
            })
            .collect();
        let posts = futures_util::future::join_all(bodies.iter().map(|(_, body)| house.post(body))).await;
        for ((payment, body), status) in bodies.into_iter().zip(posts) {
            match status {
                200 => accepted.push(payment),
                503 => {
                    // As the provider does: until it is taken.
                    refused += 1;
                    until("the receiver takes it again", || async {
                        (house.post(&body).await == 200).then_some(())
                    })
                    .await;
                    accepted.push(payment);
                    if round == 4 {
                        break;
                    }
                }
                other => panic!("answered {other}"),
            }
            if round == 4 && refused == 0 {
                continue;
            }
        }
    }
    for payment in &accepted {
        house.payment_is(&format!("stripe/{payment}"), "credited").await;
    }
    let state = house.sim_state().await.unwrap();
    let applied = state["extends"].as_array().unwrap().iter().filter(|e| e["applied"] == true).count();
    assert_eq!(applied, accepted.len());
    assert!(refused > 0, "the broker was down for two rounds");
}
