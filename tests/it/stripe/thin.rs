//! Thin events: signed like the others, but without their object, which the worker asks for. Where a thin and a snapshot
//! destination are both switched on, every occurrence is told twice under two event ids: the payment is one.

use daybridge::{
    config::Source,
    domain::facts::{Meaning, ReversalAmount},
    provider::event::read::{Beside, read},
};
use serde_json::{Value, json};

use super::till::{Till, event, kind};
use crate::support::api::{Answer, Api};

const KEY: &str = "sk_test_thin0123456789";

/// The thin twin of a snapshot event.
fn thin(snapshot: &Value, context: Value) -> Value {
    let object = &snapshot["data"]["object"];
    let word = object["object"].as_str().unwrap();
    let url = format!("/v1/{}s/{}", word.replace('.', "/"), object["id"].as_str().unwrap());
    json!({
        "id": format!("{}thin", snapshot["id"].as_str().unwrap()), "object": "v2.core.event",
        "type": format!("v1.{}", snapshot["type"].as_str().unwrap()),
        "created": "2025-10-09T08:53:20.435Z", "livemode": snapshot["livemode"], "context": context,
        "reason": null,
        "related_object": {"id": object["id"], "type": word, "url": url},
    })
}

/// An API that knows the objects of these events, and a till that asks it.
async fn asking(snapshots: &[Value], keys: &str) -> (Api, Till) {
    let known: Vec<(Value, Vec<u8>)> = snapshots
        .iter()
        .map(|one| (thin(one, Value::Null), one["data"]["object"].to_string().into_bytes()))
        .collect();
    let api = Api::start(move |asked| {
        let object = known.iter().find(|(thin, _)| thin["related_object"]["url"] == asked.target);
        let answer =
            object.map_or(Answer::of(404, r#"{"error":{}}"#), |(_, object)| Answer::of(200, object.clone()));
        async { answer }
    })
    .await;
    let till = Till::open(&format!("api_key = {KEY:?}\napi_base = {:?}\n{keys}", api.base)).await;
    (api, till)
}

/// Every kind of object that grants or joins, in both shapes and both orders.
#[tokio::test]
async fn both_roads_lead_to_one_payment() {
    let mut checked = 0;
    for (name, family) in [
        ("charge.succeeded.basil", "charges"),
        ("charge.succeeded.acacia", "charges"),
        ("payment_intent.succeeded.basil", "payment_intents"),
        ("checkout.session.completed", "checkout"),
        ("invoice.paid.basil", "invoices"),
        ("invoice.paid.acacia", "invoices"),
    ] {
        for thin_first in [true, false] {
            let snapshot = event(name, &[]);
            let (api, till) =
                asking(std::slice::from_ref(&snapshot), &format!("money_in = {family:?}")).await;
            let mut both = [snapshot.clone(), thin(&snapshot, Value::Null)];
            if thin_first {
                both.reverse();
            }
            let told = [till.take(&both[0]).await, till.take(&both[1]).await];
            let [granted, duplicate] = told.each_ref().map(|text| text.split_once(" stripe/").unwrap());
            assert_eq!((granted.0, duplicate.0), ("granted", "duplicate"), "{name} {told:?}");
            assert_eq!(granted.1, duplicate.1, "{name}");
            assert_eq!(till.granted().await.len(), 1, "{name}");
            let asked = api.asked();
            assert_eq!(asked.len(), 1, "{name}: {asked:?}");
            assert_eq!(asked[0].authorization, format!("Bearer {KEY}"));
            assert_eq!(asked[0].header("stripe-version"), Some("2025-03-31.basil"));
            assert_eq!(asked[0].header("stripe-context"), None);
            checked += 1;
        }
    }
    assert_eq!(checked, 12);
    // What only joins, and what takes back.
    let others = ["invoice_payment.paid", "charge.refunded", "refund.created", "charge.dispute.created"];
    let snapshots: Vec<Value> = others.iter().map(|name| event(name, &[])).collect();
    for snapshot in &snapshots {
        let (_api, till) = asking(&snapshots, "").await;
        let told = [till.take(snapshot).await, till.take(&thin(snapshot, Value::Null)).await];
        assert_eq!(told[0], told[1]);
    }
}

#[tokio::test]
async fn whose_it_is_is_told_by_its_context() {
    let own = event("charge.succeeded.basil", &[]);
    let unplaced = "held: it is of an account that the settings do not place";
    for (keys, context, want, sent) in [
        ("", Value::Null, "granted stripe/pi_3Made", None),
        ("own_account = \"acct_1Own\"", json!("acct_1Own"), "granted stripe/pi_3Made", Some("acct_1Own")),
        (
            "own_account = \"acct_1Own\"",
            json!("acct_1Own/acct_1Other"),
            "granted stripe/acct_1Other:pi_3Made",
            Some("acct_1Own/acct_1Other"),
        ),
        (
            "accounts = [\"acct_1Other\"]",
            json!("acct_1Other"),
            "granted stripe/acct_1Other:pi_3Made",
            Some("acct_1Other"),
        ),
        (
            "accounts = [\"acct_1Other\"]",
            json!("acct_2Other"),
            "ignored: event of a connected account that this source does not take",
            None,
        ),
        (
            "accounts = [\"acct_1Other\"]",
            Value::Null,
            "ignored: event of no connected account; this source takes named ones only",
            None,
        ),
        ("", json!("acct_1Own"), unplaced, None),
    ] {
        let (api, till) = asking(std::slice::from_ref(&own), keys).await;
        let told = till.take(&thin(&own, context.clone())).await;
        assert!(told.starts_with(want), "{keys} {context}: {told}");
        let asked = api.asked();
        assert_eq!(asked.len(), usize::from(want.starts_with("granted")), "{keys} {context}");
        assert_eq!(asked.first().and_then(|asked| asked.header("stripe-context")), sent);
        if want.starts_with("granted") {
            // The snapshot road: an event of its own account names none.
            let mut snapshot = own.clone();
            if context.as_str().is_some_and(|context| context.ends_with("Other")) {
                snapshot["account"] = json!("acct_1Other");
            }
            assert!(till.take(&snapshot).await.starts_with("duplicate "), "{keys} {context}");
        }
    }
    // Whose it is does not matter where it is not needed.
    let (api, till) = asking(&[], "").await;
    let mut other = thin(&own, json!("acct_1Own"));
    other["type"] = json!("v2.core.account.updated");
    assert_eq!(till.take(&other).await, "ignored: event type v2.core.account.updated is not needed");
    let mut test = thin(&own, json!("acct_1Own"));
    test["livemode"] = json!(false);
    assert_eq!(till.take(&test).await, "ignored: test-mode event; this source takes live mode");
    assert_eq!(api.asked().len(), 0);
}

/// An object of its own in a thin event proves nothing: it is the fetched one that counts.
#[tokio::test]
async fn only_what_was_fetched_is_believed() {
    let snapshot = event("charge.succeeded.basil", &[]);
    let mut lying = thin(&snapshot, Value::Null);
    lying["data"] = snapshot["data"].clone();
    lying["data"]["object"]["metadata"]["days"] = json!("3000");
    let (api, till) = asking(std::slice::from_ref(&snapshot), "").await;
    till.take(&lying).await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"]);
    assert_eq!(api.asked().len(), 1);
    let keyless = Till::open("").await;
    let told = keyless.take(&lying).await;
    assert_eq!(
        told,
        "held: what it is about must be asked for at the provider's API: set api_key of its source and restart the worker, which reads it again"
    );
    assert_eq!(keyless.granted().await, [""; 0]);
}

/// It is the object of now: more may have happened to it since the event.
#[tokio::test]
async fn what_was_fetched_may_be_ahead_of_its_event() {
    let refunded =
        event("charge.succeeded.basil", &[("/amount_refunded", json!(900)), ("/refunded", json!(true))]);
    let body = serde_json::to_vec(&thin(&refunded, Value::Null)).unwrap();
    let beside = Beside { event_type: "", received_at: 0 };
    let source = Source::of_preset("stripe").unwrap();
    let facts = read(&source, &body, beside, Some(&refunded["data"]["object"])).unwrap();
    assert!(matches!(facts.meaning, Meaning::MoneyIn(_)), "{facts:?}");
    assert_eq!(facts.out[0].amount, ReversalAmount::Total(900), "the money is gone already");
    let (_api, till) = asking(std::slice::from_ref(&refunded), "").await;
    till.take(&thin(&refunded, Value::Null)).await;
    assert_eq!(till.granted().await, [""; 0], "days for money that went back");
    // The session was unpaid when the event was made, and is paid when it is fetched.
    let paid = event("checkout.session.completed", &[]);
    let later = event("checkout.session.completed", &[kind("checkout.session.async_payment_succeeded")]);
    let (_api, till) = asking(std::slice::from_ref(&paid), "money_in = \"checkout\"").await;
    assert_eq!(till.take(&thin(&paid, Value::Null)).await, "granted stripe/pi_3Made");
    assert_eq!(till.take(&thin(&later, Value::Null)).await, "duplicate stripe/pi_3Made");
    // Authorised when the event was made, captured since.
    let captured = event("charge.succeeded.basil", &[]);
    let event = event("charge.succeeded.basil", &[kind("charge.captured")]);
    let (_api, till) = asking(std::slice::from_ref(&captured), "").await;
    assert_eq!(till.take(&thin(&captured, Value::Null)).await, "granted stripe/pi_3Made");
    assert_eq!(till.take(&thin(&event, Value::Null)).await, "duplicate stripe/pi_3Made");
}

#[tokio::test]
async fn what_cannot_be_fetched_is_held_in_words() {
    let charge = event("charge.succeeded.basil", &[]);
    let wanted = thin(&charge, Value::Null);
    for (status, body, want) in [
        (
            404,
            "{}",
            "held: the provider's API does not know it: it was made up, or api_key is of another account",
        ),
        (401, "{}", "held: the provider's API is away: it does not take the key; renew api_key"),
        (500, "{}", "held: the provider's API is away: HTTP 500; it is asked again"),
        (200, "<html>", "held: the provider's API is away: its answer is no JSON; is api_base right?"),
        (200, "[]", "held: the event carries no object"),
        (
            200,
            r#"{"id":"ch_3Made","object":"charge","deleted":true,"captured":true}"#,
            "held: money came in, but the event names no amount",
        ),
    ] {
        let api = Api::start(move |_| async move { Answer::of(status, body) }).await;
        let till = Till::open(&format!("api_key = {KEY:?}\napi_base = {:?}", api.base)).await;
        let told = till.take(&wanted).await;
        assert!(told.starts_with(want), "{status} {body}: {told}");
        assert!(!told.contains(KEY), "{told}");
        assert_eq!(till.granted().await, [""; 0]);
    }
    // A path that leads elsewhere gets no key.
    for url in
        ["https://evil.example/v1/charges/ch_1", "//evil.example/x", "/v1/../x", "/v1/charges?x=1", "", "x"]
    {
        let (api, till) = asking(std::slice::from_ref(&charge), "").await;
        let mut event = wanted.clone();
        event["related_object"]["url"] = json!(url);
        let told = till.take(&event).await;
        assert_eq!(
            told, "held: the event does not name what is to be asked for at the provider's API",
            "{url}"
        );
        assert_eq!(api.asked().len(), 0, "{url}");
    }
    let (api, till) = asking(&[charge], "").await;
    let mut none = wanted.clone();
    none["related_object"] = Value::Null;
    assert!(till.take(&none).await.starts_with("held: the event does not name what"));
    let ping = json!({
        "id": "evt_test_Ping", "object": "v2.core.event", "type": "v2.core.event_destination.ping",
        "created": "2025-10-09T08:53:20.000Z", "livemode": true, "context": null,
        "related_object": {"id": "ed_Made", "type": "v2.core.event_destination", "url": "/v2/core/event_destinations/ed_Made"},
    });
    assert_eq!(till.take(&ping).await, "ignored: event type v2.core.event_destination.ping is not needed");
    assert_eq!(api.asked().len(), 0);
}
