//! Money that never came in is not money out, and two currencies are not one.

use serde_json::{Value, json};

use super::{adyen, causes, per_day, shop};
use crate::{
    stripe::till::{Till, event, kind},
    support::api::{Answer, Api},
};

const BEFORE: (&str, &str) = ("//api_version", "2024-06-20");
const SINCE: (&str, &str) = ("//api_version", "2025-03-31.basil");

/// 600 of 1000 was captured; `refunded` as the API's version tells it.
fn charge(name: &str, version: (&str, &str), captured: i64, refunded: i64) -> Value {
    event(
        "charge.succeeded.acacia",
        &[
            kind(name),
            (version.0, json!(version.1)),
            ("/amount", json!(1000)),
            ("/amount_captured", json!(captured)),
            ("/amount_refunded", json!(refunded)),
            ("/invoice", Value::Null),
        ],
    )
}

fn refund(version: (&str, &str), id: &str, amount: i64) -> Value {
    event("refund.created", &[(version.0, json!(version.1)), ("/id", json!(id)), ("/amount", json!(amount))])
}

/// Every order of some events.
fn orders(events: &[Value]) -> Vec<Vec<Value>> {
    match events {
        [] => vec![vec![]],
        _ => (0..events.len())
            .flat_map(|first| {
                let mut rest = events.to_vec();
                let one = rest.remove(first);
                orders(&rest).into_iter().map(move |mut order| {
                    order.insert(0, one.clone());
                    order
                })
            })
            .collect(),
    }
}

#[tokio::test]
async fn what_was_never_captured_is_not_refunded() {
    for policy in ["report", "cancel_unspent"] {
        let events = [
            charge("charge.captured", BEFORE, 600, 400),
            charge("charge.refunded", BEFORE, 600, 400),
            refund(BEFORE, "re_Release", 400),
        ];
        for order in orders(&events) {
            let till = Till::open(&format!("on_refund = {policy:?}")).await;
            for event in &order {
                till.take(event).await;
            }
            let kinds: Vec<_> = order.iter().map(|event| event["type"].to_string()).collect();
            assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"], "{policy} {kinds:?}");
            assert_eq!(causes(&till).await, [""; 0], "{policy} {kinds:?}");
        }
    }
    // The other families are told of the release by the charge and its refund.
    let till = Till::open("money_in = \"payment_intents\"\non_refund = \"cancel_unspent\"").await;
    let intent = event(
        "payment_intent.succeeded.acacia",
        &[("/amount", json!(1000)), ("/amount_received", json!(600)), ("/invoice", Value::Null)],
    );
    for event in [refund(BEFORE, "re_Release", 400), intent, charge("charge.refunded", BEFORE, 600, 400)] {
        till.take(&event).await;
    }
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"]);
    assert_eq!(causes(&till).await, [""; 0]);
}

/// What is refunded beside it still counts: 300 of the 600.
#[tokio::test]
async fn what_was_captured_and_refunded_is() {
    for (events, want) in [
        (
            vec![
                charge("charge.captured", BEFORE, 600, 400),
                refund(BEFORE, "re_Release", 400),
                charge("charge.refunded", BEFORE, 600, 700),
                refund(BEFORE, "re_Made", 300),
            ],
            "15d",
        ),
        // Only refunds are told.
        (
            vec![
                charge("charge.captured", BEFORE, 600, 400),
                refund(BEFORE, "re_Release", 400),
                refund(BEFORE, "re_Made", 300),
            ],
            "15d",
        ),
        // The refund is as large as what was let go.
        (
            vec![
                charge("charge.captured", BEFORE, 600, 400),
                refund(BEFORE, "re_Release", 400),
                refund(BEFORE, "re_Made", 400),
            ],
            "10d",
        ),
        // Since basil the same numbers are a refund.
        (vec![charge("charge.succeeded", SINCE, 600, 400)], "10d"),
        (vec![charge("charge.captured", SINCE, 600, 0), charge("charge.refunded", SINCE, 600, 300)], "15d"),
        (vec![charge("charge.captured", SINCE, 600, 0), refund(SINCE, "re_Made", 400)], "10d"),
    ] {
        for order in orders(&events) {
            let till = Till::open("on_refund = \"cancel_unspent\"").await;
            for event in &order {
                till.take(event).await;
            }
            let granted = till.granted().await;
            assert_eq!(granted, [format!("DEMOCH-AB12C {want} stripe/pi_3Made#1")], "{order:#?}");
        }
    }
}

/// An authorisation that was let go altogether brought nothing and took nothing.
#[tokio::test]
async fn an_authorisation_that_was_cancelled_is_nothing() {
    let till = Till::open("").await;
    for (name, refunded) in [("charge.succeeded", 0), ("charge.refunded", 1000)] {
        let mut event = charge(name, BEFORE, 0, refunded);
        event["data"]["object"]["captured"] = json!(false);
        till.take(&event).await;
    }
    assert_eq!((till.granted().await, causes(&till).await), (vec![], vec![]));
}

fn gocardless(action: &str, at_s: i64) -> Value {
    json!({"events": [], "id": format!("EV{action}{at_s}"), "created_at": format!("2025-10-09T08:53:{at_s:02}.000Z"),
        "resource_type": "payments", "action": action, "links": {"payment": "PM0001"},
        "details": {"origin": "bank", "will_attempt_retry": false}})
}

/// `failed` under an id, then `confirmed` under the same: the money is in. The other way round it is not.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_after_a_failure_is_in() {
    let api = Api::start(|_| async {
        let payment = json!({"payments": {"id": "PM0001", "status": "confirmed", "amount": 900, "currency": "GBP",
            "created_at": "2025-10-06T10:00:00.000Z", "metadata": {"channel_id": "DEMOCH-AB12C", "days": "30"}}});
        Answer::of(200, payment.to_string())
    })
    .await;
    let one = |action: &str, at: i64| {
        let mut event = gocardless(action, at);
        event.as_object_mut().unwrap().remove("events");
        event
    };
    for (events, granted, held) in [
        (vec![one("failed", 1), one("confirmed", 2)], 1, 0),
        (vec![one("confirmed", 1), one("failed", 2)], 1, 1),
        (vec![one("confirmed", 1), one("failed", 2), one("confirmed", 3)], 1, 0),
        (vec![one("failed", 1), one("confirmed", 2), one("failed", 3)], 1, 1),
        (vec![one("failed", 1), one("confirmed", 2), one("charged_back", 3)], 1, 1),
        (vec![one("failed", 1)], 0, 0),
    ] {
        for order in orders(&events) {
            let keys = format!("api_key = \"k\"\napi_base = {:?}", api.base);
            let till = shop("gocardless", &keys).await;
            for event in &order {
                till.take_at("shop", event).await;
            }
            let told: Vec<_> = order.iter().map(|event| event["id"].to_string()).collect();
            let found = (till.granted().await, causes(&till).await);
            // A transfer that was planned and is held, or a payment that was never granted: one thing for a person.
            assert_eq!(found.1.len(), held, "{told:?} {found:?}");
            let last_failed = held == 1 && found.0.is_empty();
            assert!(found.0.len() == granted || last_failed, "{told:?} {found:?}");
        }
    }
}

#[tokio::test]
async fn a_capture_that_fails_takes_only_what_it_had_brought() {
    let captures = format!("money_in = \"captures\"\non_refund = \"cancel_unspent\"\n{}", per_day("usd"));
    for (what, events, want) in [
        ("in one", vec![adyen("CAPTURE", "CAP1", 900, 2)], "30d"),
        ("in parts", vec![adyen("CAPTURE", "CAP1", 300, 2), adyen("CAPTURE", "CAP2", 600, 3)], "30d"),
        (
            "what is left is cancelled, or runs out",
            vec![
                adyen("CAPTURE", "CAP1", 600, 2),
                adyen("CANCELLATION", "CAN1", 900, 3),
                adyen("EXPIRE", "EXP1", 300, 4),
            ],
            "20d",
        ),
        (
            "a part failed",
            vec![
                adyen("CAPTURE", "CAP1", 300, 2),
                adyen("CAPTURE", "CAP2", 600, 3),
                adyen("CAPTURE_FAILED", "CAP1", 300, 4),
            ],
            "20d",
        ),
        (
            "and was captured again",
            vec![
                adyen("CAPTURE", "CAP1", 900, 2),
                adyen("CAPTURE_FAILED", "CAP1", 900, 3),
                adyen("CAPTURE", "CAP2", 900, 4),
            ],
            "30d",
        ),
        (
            "one failed that had brought nothing",
            vec![adyen("CAPTURE_FAILED", "CAP0", 900, 1), adyen("CAPTURE", "CAP1", 900, 2)],
            "30d",
        ),
    ] {
        for mut order in orders(&events) {
            order.insert(0, adyen("AUTHORISATION", "PSPMADE1", 900, 1));
            let till = shop("adyen", &captures).await;
            for event in &order {
                till.take_at("shop", event).await;
            }
            let told: Vec<_> = order.iter().map(|event| event["pspReference"].to_string()).collect();
            let granted = till.granted().await;
            assert_eq!(granted, [format!("DEMOCH-AB12C {want} shop/PSPMADE1#1")], "{what} {told:?}");
            assert_eq!(causes(&till).await, [""; 0], "{what} {told:?}");
        }
    }
    // Where the authorisation counts as money, a capture that fails takes it back, and another one brings it.
    let authorised = format!("on_refund = \"cancel_unspent\"\n{}", per_day("usd"));
    for (more, want) in [
        (vec![adyen("CAPTURE", "CAP1", 900, 2), adyen("CAPTURE_FAILED", "CAP1", 900, 3)], "cancelled"),
        (vec![adyen("CANCELLATION", "CAN1", 900, 3)], "cancelled"),
        (
            vec![
                adyen("CAPTURE", "CAP1", 900, 2),
                adyen("CAPTURE_FAILED", "CAP1", 900, 3),
                adyen("CAPTURE", "CAP2", 900, 4),
            ],
            "planned",
        ),
    ] {
        let till = shop("adyen", &authorised).await;
        till.take_at("shop", &adyen("AUTHORISATION", "PSPMADE1", 900, 1)).await;
        for event in &more {
            till.take_at("shop", event).await;
        }
        let state = till.kit.transfers(9).await.unwrap().remove(0).state;
        assert_eq!(state.as_str(), want, "{more:?}");
    }
}

/// 90000 jpy came in, 600 usd cents are disputed.
#[tokio::test]
async fn two_currencies_are_not_compared() {
    for policy in ["report", "cancel_unspent"] {
        let keys = format!("on_refund = {policy:?}\non_dispute = {policy:?}");
        let paid = event(
            "charge.succeeded.basil",
            &[("/currency", json!("jpy")), ("/amount", json!(90000)), ("/amount_captured", json!(90000))],
        );
        let dispute = |name: &str, status: &str| {
            let more = [kind(name), ("/amount", json!(600)), ("/status", json!(status))];
            event("charge.dispute.created", &more)
        };
        let open = dispute("charge.dispute.created", "needs_response");
        for order in [[&paid, &open], [&open, &paid]] {
            let till = Till::open(&keys).await;
            till.take(order[0]).await;
            till.take(order[1]).await;
            let held = till.held().await;
            assert_eq!(held.len(), 1, "{policy} {held:?}");
            assert!(held[0].contains("6.00 USD") && held[0].contains("90000 JPY"), "{policy} {held:?}");
            // Won: it goes on.
            till.take(&dispute("charge.dispute.closed", "won")).await;
            assert_eq!(causes(&till).await, [""; 0], "{policy}");
            assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d stripe/pi_3Made#1"], "{policy}");
        }
    }
    // In one currency a part is a part.
    let till = Till::open("on_dispute = \"cancel_unspent\"").await;
    till.take(&event("charge.succeeded.basil", &[])).await;
    till.take(&event("charge.dispute.created", &[("/amount", json!(300))])).await;
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 20d stripe/pi_3Made#1"]);
}
