//! A part is not the whole: captures that follow, and quantities that are cut.

use serde_json::{Value, json};

use super::{adyen, causes, per_day, shop};

use crate::{
    ledger::kit::{NOW, intended, settled},
    stripe::till::{Till, event, kind},
    support::api::{Answer, Api},
};

const PER_DAY: &str = "days = []\n[sources.stripe.per_day]\ncurrency = \"usd\"\namount = 30";

fn captured(amount: i64) -> Value {
    let more = [kind("charge.captured"), ("/amount", json!(900)), ("/amount_captured", json!(amount))];
    event("charge.succeeded.basil", &more)
}

/// 300, then 900 of one charge: 30 days, in whatever order they are told.
#[tokio::test]
async fn the_second_of_two_captures_buys_the_rest() {
    for order in [[300, 900], [900, 300]] {
        let till = Till::open(PER_DAY).await;
        for amount in order {
            till.take(&captured(amount)).await;
            till.take(&captured(amount)).await;
        }
        assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"], "{order:?}");
        assert_eq!(causes(&till).await, [""; 0], "{order:?}");
    }
}

/// Moved already: the rest is listed for a person, with an adjustment that says so.
#[tokio::test]
async fn what_is_paid_after_the_days_moved_is_listed() {
    let till = Till::open(PER_DAY).await;
    till.take(&captured(300)).await;
    let claim = till.kit.claim_one(NOW * 2).await;
    let planned = till.kit.turn(&claim, NOW * 2).await.unwrap().transfer.unwrap();
    let called = intended(claim.epoch);
    assert!(till.kit.put(&claim, &planned.key, &planned.state, called.clone(), NOW).await);
    assert!(till.kit.put(&claim, &planned.key, &called, settled(), NOW).await);
    till.take(&captured(900)).await;
    till.take(&captured(900)).await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 10d stripe/pi_3Made#1"]);
    assert_eq!(causes(&till).await, ["payment days_owed 20"]);
    let held = till.held().await.remove(0);
    assert!(held.contains("20 more days were paid for"), "{held}");
    let whole = till.kit.payment("pi_3Made").await.unwrap().unwrap();
    let told: Vec<_> = whole.adjustments.iter().map(|a| (a.kind.as_str(), a.amount, a.days)).collect();
    assert_eq!(told, [("money_in", 600, Some(20))]);
    assert_eq!((whole.payment.amount, whole.payment.days), (Some(900), Some(30)));
    // A third of it goes back: 20 of 30 days are paid for, 10 moved.
    till.take(&event("refund.created", &[("/amount", json!(300))])).await;
    assert_eq!(causes(&till).await, ["payment days_owed 10"]);
}

#[tokio::test]
async fn parts_with_an_id_each_add_up() {
    let adyen_keys = format!("money_in = \"captures\"\n{}", per_day("usd"));
    let parts = [adyen("CAPTURE", "CAP1", 300, 2), adyen("CAPTURE", "CAP2", 600, 3)];
    let checkout = |action: &str, amount: i64| {
        json!({"id": format!("evt_{action}"), "type": "payment_captured", "created_on": "2025-10-09T08:53:20Z",
            "data": {"id": "pay_made", "action_id": action, "amount": amount, "currency": "USD",
                "metadata": {"channel_id": "DEMOCH-AB12C"}}})
    };
    let others = [checkout("act_1", 300), checkout("act_2", 600)];
    for (provider, keys, parts) in
        [("adyen", adyen_keys.as_str(), &parts), ("checkout", &per_day("usd"), &others)]
    {
        for order in [[0, 1, 0], [1, 0, 1]] {
            let till = shop(provider, keys).await;
            for part in order {
                till.take_at("shop", &parts[part]).await;
            }
            let granted = till.granted().await;
            assert!(
                granted.len() == 1 && granted[0].starts_with("DEMOCH-AB12C 30d "),
                "{provider} {granted:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mollie_is_paid_what_was_captured() {
    let captured = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(9));
    let told = captured.clone();
    let api = Api::start(move |_| {
        let value = format!("{}.00", told.load(std::sync::atomic::Ordering::SeqCst));
        async move {
            let payment = json!({"id": "tr_1", "status": "paid", "createdAt": "2025-10-09T08:53:20Z",
                "amount": {"value": "27.00", "currency": "EUR"}, "amountCaptured": {"value": value, "currency": "EUR"},
                "metadata": {"channel_id": "DEMOCH-AB12C"}});
            Answer::of(200, payment.to_string())
        }
    })
    .await;
    let keys = format!("api_key = \"k\"\napi_base = {:?}\n{}", api.base, per_day("eur"));
    let till = shop("mollie-classic", &keys).await;
    till.take_body("shop", b"id=tr_1").await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d shop/tr_1#1"]);
    captured.store(27, std::sync::atomic::Ordering::SeqCst);
    till.take_body("shop", b"id=tr_1").await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 90d shop/tr_1#1"]);
}

/// One and a half of a price is not one.
#[tokio::test]
async fn a_cut_quantity_is_not_granted() {
    let keys =
        "money_in = \"invoices\"\ndays = []\n[[sources.stripe.prices]]\nprice = \"price_1Month\"\ndays = 30";
    for (quantity, decimal, want) in [
        (json!(1), json!("1.5"), None),
        (Value::Null, json!("1.5"), None),
        (json!(1), json!("0.5"), None),
        (json!(1.5), Value::Null, None),
        (json!(-1), Value::Null, None),
        (json!(1), json!("1"), Some("30d")),
        (Value::Null, json!("2"), Some("60d")),
        (Value::Null, json!("2.000"), Some("60d")),
        (json!(3), Value::Null, Some("90d")),
        (Value::Null, Value::Null, Some("30d")),
    ] {
        let line = json!([{"metadata": {}, "quantity": quantity, "quantity_decimal": decimal,
            "pricing": {"price_details": {"price": "price_1Month"}}}]);
        let till = Till::open(keys).await;
        till.take(&event("invoice.paid.basil", &[("/lines/data", line)])).await;
        match want {
            Some(days) => assert!(till.granted().await[0].contains(days), "{quantity} {decimal}"),
            None => {
                assert_eq!(till.granted().await, [""; 0], "{quantity} {decimal}");
                assert_eq!(causes(&till).await, ["payment quantity 0"], "{quantity} {decimal}");
            }
        }
    }
}
