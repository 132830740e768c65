//! One purchase fires many events; whichever family grants, and whatever the order, its days are granted once.

use daybridge::config::Source;
use serde_json::{Value, json};

use super::till::{Named, Till, event, kind};

/// Orders in which each purchase is told to each family.
const ORDERS: usize = 12;

const NONE: Value = Value::Null;

/// Every event of some purchases, in both shapes of the API.
fn purchases() -> Named<Vec<Value>> {
    let no_words = ("/metadata", json!({}));
    let by_card = |shape: &str| {
        let own = [("/invoice", NONE)];
        let own = if shape == "acacia" { &own[..] } else { &[] };
        vec![
            event(&format!("charge.succeeded.{shape}"), own),
            event(&format!("payment_intent.succeeded.{shape}"), own),
            event("checkout.session.completed", &[]),
        ]
    };
    let subscribed = |shape: &str| {
        let session = [
            ("/mode", json!("subscription")),
            ("/invoice", json!("in_1Made")),
            ("/subscription", json!("sub_1Made")),
            ("/payment_intent", NONE),
        ];
        vec![
            event("customer.created", &[kind("customer.subscription.created")]),
            event(&format!("charge.succeeded.{shape}"), std::slice::from_ref(&no_words)),
            event(&format!("payment_intent.succeeded.{shape}"), std::slice::from_ref(&no_words)),
            event(&format!("invoice.paid.{shape}"), &[]),
            event(&format!("invoice.paid.{shape}"), &[kind("invoice.payment_succeeded")]),
            event("checkout.session.completed", &session),
        ]
    };
    let mut since_basil = subscribed("basil");
    since_basil.push(event("invoice_payment.paid", &[]));
    Named::from([
        ("by card", by_card("acacia")),
        ("by card, since basil", by_card("basil")),
        ("subscribed", subscribed("acacia")),
        ("subscribed, since basil", since_basil),
        (
            "captured later",
            vec![
                event(
                    "charge.succeeded.basil",
                    &[("/captured", json!(false)), ("/amount_captured", json!(0))],
                ),
                event("payment_intent.succeeded.basil", &[kind("payment_intent.amount_capturable_updated")]),
                event("charge.succeeded.basil", &[kind("charge.captured")]),
                event("payment_intent.succeeded.basil", &[]),
            ],
        ),
        (
            "by bank debit, over a payment link",
            vec![
                event(
                    "checkout.session.completed",
                    &[("/payment_status", json!("unpaid")), ("/payment_link", json!("plink_Made"))],
                ),
                event("charge.succeeded.basil", &[kind("charge.pending"), ("/captured", json!(false))]),
                event("payment_intent.succeeded.basil", &[kind("payment_intent.processing")]),
                event("charge.succeeded.basil", &[]),
                event("payment_intent.succeeded.basil", &[]),
                event(
                    "checkout.session.completed",
                    &[
                        kind("checkout.session.async_payment_succeeded"),
                        ("/payment_link", json!("plink_Made")),
                    ],
                ),
            ],
        ),
    ])
}

/// The same purchase by another customer.
fn another(events: &[Value], number: usize) -> Vec<Value> {
    let other = |event: &Value| {
        let text = event
            .to_string()
            .replace("Made", &format!("R{number}"))
            .replace("evt_", &format!("evt_{number}_"));
        serde_json::from_str(&text).unwrap()
    };
    events.iter().map(other).collect()
}

#[tokio::test]
async fn one_family_grants_a_purchase_once_in_any_order() {
    let stripe = Source::of_preset("stripe").unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for family in stripe.events.families() {
        let till = Till::open(&format!("money_in = {family:?}")).await;
        for (number, (name, events)) in purchases().iter().enumerate() {
            let told = |event: &Value| {
                let types = stripe.events.on.iter().filter(|on| on.family() == family);
                let known = types.flat_map(|on| &on.types).any(|kind| *kind == event["type"]);
                known
                    && event["data"]["object"]["payment_status"] != "unpaid"
                    && event["data"]["object"]["captured"] != false
            };
            let sold = events.iter().any(told);
            for order in 0..ORDERS {
                let number = number * ORDERS + order;
                let mut deliveries = another(events, number);
                deliveries.extend(deliveries.clone());
                random.shuffle(&mut deliveries);
                let before = till.granted().await;
                for delivery in &deliveries {
                    till.take(delivery).await;
                }
                let mut granted = till.granted().await;
                granted.retain(|one| !before.contains(one));
                let kinds: Vec<_> = deliveries.iter().map(|event| event["type"].as_str().unwrap()).collect();
                let what = format!("{family}, {name}: {granted:?} {kinds:?}");
                assert_eq!(granted.len(), usize::from(sold), "{what}");
                let right = |one: &String| {
                    one.starts_with("DEMOCH-AB12C 30d stripe/") && one.ends_with(&format!("R{number}#1"))
                };
                assert!(granted.iter().all(right), "{what}");
                assert_eq!(till.held().await, Vec::<String>::new(), "{what}");
            }
        }
    }
}

/// A subscription's charge names no channel; since basil only `invoice_payment.paid` says whose it is.
#[tokio::test]
async fn a_charge_of_a_subscription_waits_for_its_link() {
    let till = Till::open("money_in = \"charges\"").await;
    let charge = event("charge.succeeded.basil", &[("/metadata", json!({}))]);
    assert!(till.take(&charge).await.starts_with("held: no channel"));
    assert_eq!(till.take(&event("invoice.paid.basil", &[])).await, "link stripe/in_1Made");
    assert_eq!(till.granted().await, Vec::<String>::new());
    till.take(&event("invoice_payment.paid", &[])).await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"]);
    assert_eq!(till.held().await, Vec::<String>::new());
}
