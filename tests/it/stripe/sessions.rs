//! A checkout session that is completed is not always paid; one that is set up never is.

use serde_json::{Value, json};

use super::till::{Till, event, kind};

const DONE: &str = "checkout.session.completed";
const BOUGHT: [&str; 1] = ["DEMOCH-AB12C 30d stripe/pi_3Made#1"];

async fn checkout() -> Till {
    Till::open("money_in = \"checkout\"").await
}

#[tokio::test]
async fn paid_later_by_bank_debit() {
    let till = checkout().await;
    let unpaid = event(DONE, &[("/payment_status", json!("unpaid"))]);
    assert_eq!(till.take(&unpaid).await, "link stripe/pi_3Made");
    assert_eq!(till.granted().await, [""; 0]);
    let failed =
        event(DONE, &[kind("checkout.session.async_payment_failed"), ("/payment_status", json!("unpaid"))]);
    assert!(till.take(&failed).await.starts_with("ignored: "), "the customer may try again");
    let paid = event(DONE, &[kind("checkout.session.async_payment_succeeded")]);
    assert_eq!(till.take(&paid).await, "granted stripe/pi_3Made");
    assert_eq!(till.take(&event(DONE, &[])).await, "duplicate stripe/pi_3Made");
    assert_eq!(till.granted().await, BOUGHT);
}

#[tokio::test]
async fn a_session_that_only_sets_up_is_no_payment() {
    let till = checkout().await;
    let setup = event(
        DONE,
        &[
            ("/mode", json!("setup")),
            ("/payment_status", json!("no_payment_required")),
            ("/payment_intent", Value::Null),
            ("/setup_intent", json!("seti_Made")),
            ("/amount_total", Value::Null),
            ("/currency", Value::Null),
        ],
    );
    assert_eq!(
        till.take(&setup).await,
        "ignored: a session that only sets up a payment method takes no money"
    );
    assert_eq!((till.granted().await, till.held().await), (vec![], vec![]));
}

/// A trial asks for nothing: some are `no_payment_required`, some are `paid` with an amount of 0. Its subscription's
/// renewals are invoices, which another family grants.
#[tokio::test]
async fn a_trial_buys_nothing() {
    let trial = |status: &str| {
        event(
            DONE,
            &[
                ("/mode", json!("subscription")),
                ("/payment_status", json!(status)),
                ("/payment_intent", Value::Null),
                ("/invoice", json!("in_1Made")),
                ("/amount_total", json!(0)),
            ],
        )
    };
    let till = checkout().await;
    assert_eq!(till.take(&trial("no_payment_required")).await, "link stripe/in_1Made");
    assert_eq!(till.take(&trial("paid")).await, "ignored: the amount is 0");
    assert_eq!((till.granted().await, till.held().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_subscriptions_session_grants_in_one_family_only() {
    let first = event(
        DONE,
        &[
            ("/mode", json!("subscription")),
            ("/payment_intent", Value::Null),
            ("/invoice", json!("in_1Made")),
        ],
    );
    let invoice = event("invoice.paid.basil", &[]);
    let renewal = event("invoice.paid.basil", &[("/id", json!("in_2Made"))]);
    for (family, want) in [
        ("checkout", vec!["DEMOCH-AB12C 30d stripe/in_1Made#1"]),
        ("invoices", vec!["DEMOCH-AB12C 30d stripe/in_1Made#1", "DEMOCH-AB12C 30d stripe/in_2Made#1"]),
        ("charges", vec![]),
    ] {
        let till = Till::open(&format!("money_in = {family:?}")).await;
        for event in [&first, &invoice, &renewal, &first] {
            till.take(event).await;
        }
        assert_eq!(till.granted().await, want, "{family}");
    }
}
