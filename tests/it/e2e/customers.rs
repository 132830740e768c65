//! A customer whose payments name no channel: said once, then known.

use serde_json::{Value, json};

use crate::support::daybridge::House;

const CHANNEL: &str = "DEMOCH-AB12C";

/// A charge of a customer of before there was metadata.
fn bare(event: &str, payment: &str) -> Vec<u8> {
    let body = House::event("charge.succeeded", event, payment, CHANNEL, "30");
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let charge = &mut body["data"]["object"];
    charge["customer"] = json!("cus_Old");
    charge["metadata"] = json!({});
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_of_one_payment_lets_the_next_go_by_itself() {
    let source = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{}\"]\n\
         [sources.stripe.per_day]\namount = 30\ncurrency = \"usd\"\n",
        crate::support::daybridge::SECRET
    );
    let mut house = House::build("embedded", None, &source).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    assert_eq!(house.post(&bare("evt_1", "pi_1")).await, 200);
    let whole = house.payment_is("stripe/pi_1", "held").await;
    assert_eq!((&whole["cause"], &whole["days"]), (&json!("channel_missing"), &json!(30)), "{whole:#}");

    let synced = house.json(&["channels", "sync", "--json"]);
    assert_eq!((&synced["listed"], &synced["gone"]), (&json!(1), &json!(0)), "{synced:#}");
    let set = |channel: &str| {
        let said =
            ["held", "set", "stripe/pi_1", "--channel", channel, "--remember", "--reason", "told by phone"];
        house.command(&said)
    };
    let wrong = set("NOSUCH-Z");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("lists no channel NOSUCH-Z"), "{wrong:?}");
    assert_eq!(house.json(&["customers", "list", "--json"]), json!([]), "nothing half done");
    let right = set(CHANNEL);
    assert!(right.status.success(), "{right:?}");
    house.payment_is("stripe/pi_1", "credited").await;

    assert_eq!(house.post(&bare("evt_2", "pi_2")).await, 200);
    let whole = house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!(whole["channel"], CHANNEL, "{whole:#}");
    for key in ["stripe/pi_1", "stripe/pi_2"] {
        assert_eq!(house.applied(key).await, 1, "{key}");
    }
    let known = house.json(&["customers", "show", "cus_Old", "--json"]);
    assert_eq!(
        (&known[0]["kind"], &known[0]["channel"], &known[0]["reason"]),
        (&json!("customer"), &json!(CHANNEL), &json!("told by phone")),
        "{known:#}"
    );
    assert_eq!(house.json(&["held", "list", "--json"]), json!([]));
}
