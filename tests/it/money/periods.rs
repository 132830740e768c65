//! A subscription's days are bought by its periods, and a payer chooses no days.

use serde_json::{Value, json};

use super::{causes, shop};
use crate::stripe::till::{Till, event, kind};

/// An invoice in a shape of the API, billed for a reason.
fn invoice(shape: &str, reason: Value, more: &[(&str, Value)]) -> Value {
    let mut edits = vec![("/billing_reason", reason)];
    edits.extend(more.iter().cloned());
    event(&format!("invoice.paid.{shape}"), &edits)
}

/// The subscription's metadata on its lines only, as before 2023-06-29.
fn on_lines(shape: &str) -> Vec<(&'static str, Value)> {
    let words = json!({"channel_id": "DEMOCH-AB12C", "days": "30"});
    if shape == "acacia" {
        vec![
            ("/subscription_details", Value::Null),
            (
                "/lines/data",
                json!([{"metadata": words, "type": "subscription", "subscription": "sub_1Made",
                "proration": false, "quantity": 1, "price": {"id": "price_1Month"}}]),
            ),
        ]
    } else {
        vec![
            ("/parent", Value::Null),
            (
                "/lines/data",
                json!([{"metadata": words, "quantity": 1,
                "parent": {"type": "subscription_item_details",
                    "subscription_item_details": {"proration": false, "subscription": "sub_1Made"}}}]),
            ),
        ]
    }
}

#[tokio::test]
async fn only_known_periods_buy_the_periods_days() {
    for shape in ["acacia", "basil"] {
        for (reason, periods) in [
            (json!("subscription_create"), true),
            (json!("subscription_cycle"), true),
            (json!("manual"), false),
            (json!("subscription_threshold"), false),
            (json!("subscription_update"), false),
            (json!("quote_accept"), false),
            (json!("something_new"), false),
            (Value::Null, false),
        ] {
            for more in [vec![], on_lines(shape)] {
                let till = Till::open("money_in = \"invoices\"").await;
                let told = till.take(&invoice(shape, reason.clone(), &more)).await;
                let granted = till.granted().await;
                assert_eq!(granted.len(), usize::from(periods), "{shape} {reason} {told}");
                if !periods {
                    assert_eq!(causes(&till).await, ["payment not_a_period 0"], "{shape} {reason} {told}");
                    // A person finishes it.
                    let key = till.kit.held(9, 0).await.unwrap().remove(0).key;
                    let held = till.kit.payments(9).await.unwrap().remove(0);
                    assert_eq!((held.amount, &*held.key), (Some(900), &*key));
                }
            }
        }
    }
}

/// Nor do they where the operator points at the subscription's words himself.
#[tokio::test]
async fn a_pointer_at_the_subscriptions_words_buys_no_days_either() {
    for (shape, days) in [
        ("acacia", "/subscription_details/metadata/days"),
        ("basil", "/parent/subscription_details/metadata/days"),
    ] {
        for (reason, granted) in [("manual", 0), ("subscription_cycle", 1)] {
            let till = Till::open(&format!("money_in = \"invoices\"\ndays = [{days:?}]")).await;
            till.take(&invoice(shape, json!(reason), &[])).await;
            assert_eq!(till.granted().await.len(), granted, "{shape} {reason}");
        }
    }
}

/// The price table does not make a period of it, nor does an amount per day.
#[tokio::test]
async fn neither_price_nor_amount_makes_it_a_period() {
    for keys in [
        "days = []\n[[sources.stripe.prices]]\nprice = \"price_1Month\"\ndays = 30",
        "days = []\n[sources.stripe.per_day]\ncurrency = \"usd\"\namount = 30",
    ] {
        let till = Till::open(&format!("money_in = \"invoices\"\n{keys}")).await;
        till.take(&invoice("basil", json!("subscription_threshold"), &[])).await;
        assert_eq!(causes(&till).await, ["payment not_a_period 0"], "{keys}");
    }
}

/// Whichever family grants borrows the invoice's words, not its days.
#[tokio::test]
async fn in_every_family() {
    let bare = ("/metadata", json!({}));
    for shape in ["acacia", "basil"] {
        let charge = event(&format!("charge.succeeded.{shape}"), std::slice::from_ref(&bare));
        let intent = event(&format!("payment_intent.succeeded.{shape}"), std::slice::from_ref(&bare));
        let link = event("invoice_payment.paid", &[]);
        let by_hand = invoice(shape, json!("manual"), &[]);
        for (family, money) in [("charges", &charge), ("payment_intents", &intent)] {
            for order in [[money, &link, &by_hand], [&by_hand, &link, money], [money, &by_hand, &link]] {
                let till = Till::open(&format!("money_in = {family:?}")).await;
                for event in order {
                    till.take(event).await;
                }
                let what = format!("{shape} {family}");
                assert_eq!(till.granted().await, [""; 0], "{what}");
                assert_eq!(causes(&till).await, ["payment not_a_period 0"], "{what}");
            }
        }
    }
}

/// What somebody wrote on that very invoice was meant for it.
#[tokio::test]
async fn days_of_the_invoice_itself_are_bought_by_it() {
    let own = ("/metadata", json!({"channel_id": "DEMOCH-AB12C", "days": "7"}));
    for shape in ["acacia", "basil"] {
        let till = Till::open("money_in = \"invoices\"").await;
        till.take(&invoice(shape, json!("manual"), std::slice::from_ref(&own))).await;
        assert_eq!(till.granted().await.len(), 1, "{shape}");
        assert!(till.granted().await[0].contains(" 7d "), "{:?}", till.granted().await);
    }
    // And an invoice of no subscription is a sale like any other.
    let sold = [own, ("/subscription", Value::Null), ("/subscription_details", json!({"metadata": null}))];
    let mut sold = invoice("acacia", json!("manual"), &sold);
    sold["data"]["object"]["lines"]["data"] = json!([{"metadata": {}, "type": "invoiceitem", "quantity": 1,
        "subscription": null, "price": {"id": "price_1Week"}}]);
    let keys = "money_in = \"invoices\"\n[[sources.stripe.prices]]\nprice = \"price_1Week\"\ndays = 7";
    let till = Till::open(keys).await;
    till.take(&sold).await;
    assert!(till.granted().await[0].contains(" 7d "), "{:?}", causes(&till).await);
}

/// The same at the others that tell why they bill.
#[tokio::test]
async fn at_other_providers() {
    let paddle = |origin: &str| {
        json!({"event_id": "evt_01made", "event_type": "transaction.completed", "occurred_at": "2025-10-09T08:53:20Z",
            "data": {"id": "txn_01made", "status": "completed", "origin": origin, "currency_code": "USD",
                "custom_data": {"channel_id": "DEMOCH-AB12C", "days": "30"}, "items": [],
                "details": {"totals": {"grand_total": "100", "credit": "0"}}}})
    };
    let polar = |reason: &str| {
        json!({"type": "order.paid", "timestamp": "2025-10-09T08:53:20Z",
            "data": {"id": "or_made", "paid": true, "net_amount": 100, "currency": "usd", "billing_reason": reason,
                "metadata": {"channel_id": "DEMOCH-AB12C", "days": "30"}}})
    };
    let lemon = |reason: &str| {
        json!({"meta": {"event_name": "subscription_payment_success", "test_mode": false,
                "custom_data": {"channel_id": "DEMOCH-AB12C", "days": "30"}},
            "data": {"id": "77", "attributes": {"status": "paid", "total": 100, "currency": "USD",
                "billing_reason": reason, "updated_at": "2025-10-09T08:53:20Z"}}})
    };
    for (provider, event, buys) in [
        ("paddle", paddle("web"), true),
        ("paddle", paddle("api"), true),
        ("paddle", paddle("subscription_recurring"), true),
        ("paddle", paddle("subscription_update"), false),
        ("paddle", paddle("subscription_charge"), false),
        ("paddle", paddle("subscription_something_new"), false),
        ("polar", polar("purchase"), true),
        ("polar", polar("subscription_create"), true),
        ("polar", polar("subscription_cycle"), true),
        ("polar", polar("subscription_update"), false),
        ("polar", polar("subscription_something_new"), false),
        ("lemonsqueezy", lemon("renewal"), true),
        ("lemonsqueezy", lemon("updated"), false),
        ("lemonsqueezy", lemon("something_new"), false),
    ] {
        let till = shop(provider, "").await;
        let told = till.take_at("shop", &event).await;
        assert_eq!(till.granted().await.len(), usize::from(buys), "{provider} {event} {told}");
        if !buys {
            assert_eq!(causes(&till).await, ["payment not_a_period 0"], "{provider} {told}");
        }
    }
}

/// Custom data of a link is the payer's: 365 days for the price of one.
#[tokio::test]
async fn a_payer_does_not_choose_the_days() {
    let order = |days: &str, total: i64| {
        json!({"meta": {"event_name": "order_created", "test_mode": false,
                "custom_data": {"channel_id": "DEMOCH-AB12C", "days": days}},
            "data": {"id": "77", "attributes": {"status": "paid", "total": total, "currency": "USD",
                "identifier": "made", "updated_at": "2025-10-09T08:53:20Z",
                "first_order_item": {"product_id": 1, "variant_id": 5, "price_id": 9, "quantity": 1}}}})
    };
    let amount = "[sources.shop.per_day]\ncurrency = \"usd\"\namount = 30";
    let price = "[[sources.shop.prices]]\nprice = \"5\"\ndays = 30";
    for (keys, days, total, want) in [
        (amount, "365", 50, "held"),
        (amount, "365", 60, "held"),
        (amount, "30", 900, "DEMOCH-AB12C 30d shop/order:77#1"),
        (price, "365", 50, "held"),
        (price, "30", 50, "DEMOCH-AB12C 30d shop/order:77#1"),
        ("", "365", 50, "DEMOCH-AB12C 365d shop/order:77#1"),
    ] {
        let till = shop("lemonsqueezy", keys).await;
        till.take_at("shop", &order(days, total)).await;
        if want == "held" {
            assert_eq!(till.granted().await, [""; 0], "{keys}");
            assert_eq!(causes(&till).await, ["payment days_and_money 0"], "{keys}");
            assert!(till.held().await[0].contains("365"), "{:?}", till.held().await);
        } else {
            let key = want.replace("order:77", "order%3A77");
            let granted = till.granted().await;
            assert!(granted == [want] || granted == [key], "{keys} {granted:?}");
        }
    }
    // Stripe too: what the session says, and what the invoice bills.
    let keys = "money_in = \"invoices\"\n[[sources.stripe.prices]]\nprice = \"price_1Month\"\ndays = 30";
    let till = Till::open(keys).await;
    till.take(&event("invoice.paid.basil", &[kind("invoice.paid")])).await;
    assert_eq!(causes(&till).await, ["payment days_and_money 0"], "30 in words, 2 × 30 by price");
    assert!(till.held().await[0].contains("30") && till.held().await[0].contains("60"));
}
