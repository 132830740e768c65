//! Days by a table of amounts, and by the period that was billed: providers' bodies into a real ledger.

use serde_json::{Value, json};

use super::{causes, shop};
use crate::{
    provider::presets::data,
    stripe::till::{Till, event},
};

const MADE: i64 = 1_760_000_000;
const DAY_S: i64 = 86_400;

const PERIOD: &str = "money_in = \"invoices\"\ndays = \"period\"";

/// A line of a subscription in a shape of the API, billed for so long.
fn line(shape: &str, from: i64, to: i64, proration: bool) -> Value {
    let period = json!({"start": from, "end": to});
    if shape == "acacia" {
        return json!({"type": "subscription", "subscription": "sub_1Made", "proration": proration, "quantity": 1,
            "price": {"id": "price_1Month"}, "period": period});
    }
    json!({"quantity": 1, "period": period, "parent": {"type": "subscription_item_details",
        "subscription_item_details": {"proration": proration, "subscription": "sub_1Made"}}})
}

#[tokio::test]
async fn an_invoice_buys_the_days_of_its_period() {
    for shape in ["acacia", "basil"] {
        let month = |days: i64| line(shape, MADE, MADE + days * DAY_S, false);
        let item = json!({"quantity": 1, "type": "invoiceitem", "period": {"start": MADE, "end": MADE},
            "parent": {"type": "invoice_item_details", "invoice_item_details": {"proration": false}}});
        for (lines, want) in [
            (json!([month(31)]), Ok(31)),
            (json!([month(28), item.clone()]), Ok(28)),
            (json!([month(30), month(30)]), Ok(30)),
            (json!([line(shape, MADE, MADE + 9 * DAY_S, true), month(30)]), Ok(30)),
            (json!([month(30), month(31)]), Err("payment days_contradictory 0")),
            (json!([line(shape, MADE, MADE + 31 * DAY_S - 3_600, false)]), Err("payment days_malformed 0")),
            (json!([item]), Err("payment days_missing 0")),
        ] {
            let till = Till::open(PERIOD).await;
            let told = till.take(&event(&format!("invoice.paid.{shape}"), &[("/lines/data", lines)])).await;
            let granted = till.granted().await;
            match want {
                Ok(days) => {
                    assert!(granted[0].starts_with(&format!("DEMOCH-AB12C {days}d ")), "{shape} {told}");
                }
                Err(cause) => {
                    assert_eq!((granted.len(), causes(&till).await), (0, vec![cause.to_owned()]), "{told}");
                }
            }
        }
        let more = [("/lines/has_more", json!(true)), ("/lines/data", json!([month(30)]))];
        let till = Till::open(PERIOD).await;
        till.take(&event(&format!("invoice.paid.{shape}"), &more)).await;
        assert_eq!(causes(&till).await, ["payment unclear 0"], "{shape}");
    }
}

fn body(provider: &str, name: &str) -> Value {
    let path = data().join(provider).join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn other_providers_tell_their_periods() {
    let mut paddle = body("paddle", "renewal.json");
    paddle["data"]["billing_period"] =
        json!({"starts_at": "2025-10-09T08:53:20.123456Z", "ends_at": "2025-11-09T08:53:20.123456Z"});
    let mut once = body("paddle", "completed.json");
    once["data"]["billing_period"] = Value::Null;
    let creem = body("creem", "subscription_paid.json");
    let (charged, captured) =
        (body("razorpay", "subscription_charged.json"), body("razorpay", "captured.json"));
    for (provider, bodies, want) in [
        ("paddle", vec![paddle], Some(31)),
        ("paddle", vec![once], None),
        ("creem", vec![creem], Some(31)),
        ("razorpay", vec![captured.clone(), charged.clone()], Some(31)),
        ("razorpay", vec![charged, captured.clone()], Some(31)),
        ("razorpay", vec![captured], None),
    ] {
        let till = shop(provider, "days = \"period\"").await;
        for body in &bodies {
            till.take_at("shop", body).await;
        }
        let granted = till.granted().await;
        match want {
            Some(days) => assert!(granted[0].contains(&format!(" {days}d ")), "{provider} {granted:?}"),
            None => {
                assert_eq!(causes(&till).await, ["payment days_missing 0"], "{provider} {granted:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_table_of_amounts_grants_its_tiers_alone() {
    let keys = "amounts = [{ amount = 900, currency = \"usd\", days = 30 }, { amount = 2500, currency = \"usd\", days = 95 }]";
    for (amount, days, want) in [
        (900, Value::Null, Ok(30)),
        (2500, Value::Null, Ok(95)),
        (2400, Value::Null, Err("payment amount 0")),
        (2500, json!("95"), Ok(95)),
        // Whoever pays may have set them.
        (900, json!("95"), Err("payment days_and_money 0")),
    ] {
        let till = Till::open(keys).await;
        let edits =
            [("/amount", json!(amount)), ("/amount_captured", json!(amount)), ("/metadata/days", days)];
        let told = till.take(&event("charge.succeeded.basil", &edits)).await;
        let granted = till.granted().await;
        match want {
            Ok(days) => assert!(granted[0].contains(&format!(" {days}d ")), "{amount} {told}"),
            Err(cause) => {
                assert_eq!((granted.len(), causes(&till).await), (0, vec![cause.to_owned()]), "{told}");
            }
        }
        if amount == 2400 {
            assert!(told.contains("the nearest: 900 usd (30 days) and 2500 usd (95 days)"), "{told}");
        }
    }
}
