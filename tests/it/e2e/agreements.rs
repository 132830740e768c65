//! A subscription from its first payment to its end, through receiver, queue and worker.

use serde_json::{Value, json};

use crate::{
    provider::bench::fixture,
    support::{
        daybridge::{House, SECRET, now_s},
        wait::until,
    },
};

const CHANNEL: &str = "DEMOCH-AB12C";
const DAY_S: i64 = 86_400;

/// An event of its own whose object is the fixture's.
fn event(id: &str, kind: &str, created: i64, object: &Value) -> Vec<u8> {
    let event = json!({
        "id": id, "object": "event", "api_version": "2025-08-27.basil", "created": created, "type": kind,
        "livemode": true, "data": {"object": object},
    });
    event.to_string().into_bytes()
}

fn subscription(status: &str) -> Value {
    json!({"id": "sub_1Made", "object": "subscription", "customer": "cus_Made", "status": status,
        "metadata": {"channel_id": CHANNEL, "days": "30"}, "items": {"object": "list", "data": []}})
}

/// A month's invoice, paid now.
fn invoice(now: i64) -> Value {
    let event: Value = serde_json::from_slice(&fixture("invoice.paid.basil")).unwrap();
    let mut invoice = event["data"]["object"].clone();
    invoice["created"] = now.into();
    invoice["lines"]["data"][0]["period"] = json!({"start": now, "end": now + 31 * DAY_S});
    invoice
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_told_from_its_payment_to_its_end() {
    let source = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\nmoney_in = \"invoices\"\n\
         days = \"period\"\non_end = \"stop\"\n"
    );
    let mut house = House::build("embedded", None, &source).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let now = now_s();

    assert_eq!(house.post(&event("evt_1", "invoice.paid", now, &invoice(now))).await, 200);
    let whole = house.payment_is("stripe/in_1Made", "credited").await;
    assert_eq!((&whole["days"], &whole["agreement"]), (&json!(31), &json!("sub_1Made")), "{whole:#}");
    assert_eq!(whole["agreement_state"], "active");

    // The end comes first; what happened before it, later.
    let mut failed = invoice(now);
    failed["id"] = json!("in_2Made");
    failed["status"] = json!("open");
    let told = [
        event("evt_4", "customer.subscription.deleted", now + 30, &subscription("canceled")),
        event("evt_3", "customer.subscription.updated", now + 20, &subscription("past_due")),
        event("evt_2", "invoice.payment_failed", now + 10, &failed),
    ];
    for body in &told {
        assert_eq!(house.post(body).await, 200);
    }
    let events = until("all three are recorded", || async {
        let events = house.json(&["events", "list", "--outcome", "ignored", "--json"]);
        (events.as_array()?.len() == 3).then_some(events)
    })
    .await;
    assert!(events[0]["reason"].as_str().unwrap().contains("by itself that moves no days"), "{events:#}");

    let listed = house.json(&["agreements", "list", "--state", "ended", "--json"]);
    let one = &listed[0];
    assert_eq!(
        json!([one["id"], one["customer"], one["state"], one["since"], one["payment"], one["channel"]]),
        json!(["sub_1Made", "cus_Made", "ended", (now + 30) * 1000, "stripe/in_1Made", CHANNEL]),
        "{listed:#}"
    );
    assert_eq!(one["active_till"], whole["transfers"][0]["after"], "{listed:#}");
    assert_eq!(house.json(&["agreements", "list", "--state", "behind", "--json"]), json!([]));
    let found = house.json(&["payments", "list", "sub_1Made", "--json"]);
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["key"]),
        (1, &json!("stripe/in_1Made")),
        "{found:#}"
    );
    assert_eq!(
        house.json(&["transfers", "list", "--json"]).as_array().unwrap().len(),
        1,
        "nothing more was granted"
    );
    assert_eq!(house.json(&["held", "list", "--json"]), json!([]));
    let (_, metrics) = house.look("run", "/metrics").await.unwrap();
    assert!(metrics.contains("daybridge_agreements{state=\"ended\"} 1"), "{metrics}");
    let shown = house.command(&["payments", "show", "in_1Made"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("agreement sub_1Made, ended since "), "{shown}");
    let refused = house.command(&["agreements", "list", "--state", "over"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}
