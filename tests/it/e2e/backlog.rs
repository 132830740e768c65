//! A long queue: days move as fast as payments are recorded.

use serde_json::{Value, json};

use crate::support::{daybridge::House, rabbitmq::Broker, wait::until};

const PAYMENTS: usize = 400;

fn is_recorded(line: &Value) -> bool {
    line["message"] == "event recorded"
}

fn is_settled(line: &Value) -> bool {
    line["message"] == "transfer" && line["state"] == "settled"
}

/// Each on its own channel, so that only hands and the ledger are shared.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_recorded_does_not_keep_days_from_moving() {
    let broker = Broker::shared();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), None, "").await;
    house.start("serve").await;
    for number in 0..PAYMENTS {
        let channel = format!("DEMOCH-B{number:04}");
        house.sim("channels", json!({"id": channel, "days": 10, "mode": "live"})).await;
        let (event, payment) = (format!("evt_{number}"), format!("pi_{number}"));
        assert_eq!(
            house.post(&House::event("charge.succeeded", &event, &payment, &channel, "30")).await,
            200
        );
    }
    house.start("work").await;
    let lines = until("all have moved", || async {
        let lines = house.lines("work", "INFO");
        (lines.iter().filter(|line| is_settled(line)).count() == PAYMENTS).then_some(lines)
    })
    .await;
    let last = lines.iter().rposition(is_recorded).unwrap();
    let settled = lines[..last].iter().filter(|line| is_settled(line)).count();
    assert!(settled * 10 >= PAYMENTS * 7, "when the last was recorded, {settled} of {PAYMENTS} had moved");
}
