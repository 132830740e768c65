//! What some providers send beside what their documentation begins with: no work for a person.

use serde_json::json;

use super::{causes, shop};
use crate::support::api::{Answer, Api};

/// Mollie tries a URL without naming a payment.
#[tokio::test]
async fn a_test_of_the_url_is_nobodys_work() {
    for body in [&b""[..], b"testByMollie=1"] {
        let till = shop("mollie-classic", "api_key = \"k\"").await;
        let told = till.take_body("shop", body).await;
        assert!(told.starts_with("ignored: "), "{told}");
        assert_eq!(causes(&till).await, [""; 0]);
    }
}

/// Flutterwave's older body is flat: the same transaction, and asked for the same way.
#[tokio::test(flavor = "multi_thread")]
async fn flutterwaves_flat_body_is_read() {
    let api = Api::start(|asked| async move {
        assert_eq!(asked.target, "/v3/transactions/285959875/verify");
        let charge = json!({"status": "success", "data": {"id": 285959875, "status": "successful", "amount": 9,
            "currency": "USD", "created_at": "2020-07-06T19:17:04.000Z", "customer": {"id": 2},
            "meta": {"channel_id": "DEMOCH-AB12C", "days": "30"}}});
        Answer::of(200, charge.to_string())
    })
    .await;
    let flat = json!({"id": 285959875, "txRef": "Links-1", "flwRef": "PeterEkene/FLW1", "orderRef": "URF_1",
        "amount": 9, "charged_amount": 9, "status": "successful", "currency": "USD", "event.type": "CARD_TRANSACTION",
        "createdAt": "2020-07-06T19:17:04.000Z", "customer": {"id": 2, "email": "x@example.com"},
        "entity": {"card6": "123456", "card_last4": "7889"}});
    let now = json!({"event": "charge.completed", "data": {"id": 285959875, "tx_ref": "Links-1", "status": "successful"}});
    let keys = format!("api_key = \"k\"\napi_base = {:?}", api.base);
    let till = shop("flutterwave", &keys).await;
    assert!(till.take_at("shop", &flat).await.starts_with("granted "));
    assert!(till.take_at("shop", &now).await.starts_with("duplicate "));
    assert_eq!(till.granted().await.len(), 1);
    // A payout is flat, too.
    let payout = json!({"event.type": "Transfer", "transfer": {"id": 1, "status": "SUCCESSFUL"}});
    assert!(till.take_at("shop", &payout).await.starts_with("ignored: "));
    assert_eq!(causes(&till).await, [""; 0]);
}

/// An order of Mercado Pago tells of its payments.
#[tokio::test(flavor = "multi_thread")]
async fn mercado_pagos_orders_are_read() {
    let refunded = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = refunded.clone();
    let api = Api::start(move |asked| {
        let back = told.load(std::sync::atomic::Ordering::SeqCst);
        async move {
            assert_eq!(asked.target, "/v1/orders/ORD01MADE");
            let refunds = if back {
                json!([{"id": "REF01MADE", "transaction_id": "PAY01MADE", "amount": "3.00", "status": "processed"}])
            } else {
                json!([])
            };
            let order = json!({"id": "ORD01MADE", "type": "online", "status": if back { "refunded" } else { "processed" },
                "status_detail": if back { "partially_refunded" } else { "accredited" }, "external_reference": "DEMOCH-AB12C",
                "total_amount": "9.00", "total_paid_amount": "9.00", "currency": "BRL", "country_code": "BRA",
                "created_date": "2025-10-09T08:53:20.000Z", "last_updated_date": "2025-10-09T08:53:20.000Z",
                "transactions": {"refunds": refunds, "payments": [{"id": "PAY01MADE", "amount": "9.00", "paid_amount": "9.00",
                    "status": "processed", "status_detail": "accredited"}]}});
            Answer::of(200, order.to_string())
        }
    })
    .await;
    let keys = format!(
        "api_key = \"k\"\napi_base = {:?}\nchannel = [\"/external_reference\"]\ndays = []\non_refund = \"cancel_unspent\"\n\
         [sources.shop.per_day]\ncurrency = \"brl\"\namount = 30",
        api.base
    );
    let order = |action: &str, id: &str| {
        json!({"id": id, "action": action, "type": "order", "live_mode": true, "date_created": "2025-10-09T08:53:20Z",
            "data": {"id": "ORD01MADE", "status": "processed"}})
    };
    let till = shop("mercadopago", &keys).await;
    assert!(till.take_at("shop", &order("order.processed", "1")).await.starts_with("granted "));
    assert!(till.granted().await[0].starts_with("DEMOCH-AB12C 30d "), "{:?}", till.granted().await);
    refunded.store(true, std::sync::atomic::Ordering::SeqCst);
    till.take_at("shop", &order("order.refunded", "2")).await;
    assert!(till.granted().await[0].starts_with("DEMOCH-AB12C 20d "), "{:?}", till.granted().await);
    assert_eq!(causes(&till).await, [""; 0]);
}
