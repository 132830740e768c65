//! An invoice is paid by money, by a balance, by hand or by nobody; its lines are periods, prorations and corrections.

use serde_json::{Value, json};

use super::till::{Till, event, kind};

const NONE: Value = Value::Null;
const PAID: &str = "invoice.paid.basil";
const BOUGHT: [&str; 1] = ["DEMOCH-AB12C 30d stripe/in_1Made#1"];

async fn invoices(keys: &str) -> Till {
    Till::open(&format!("money_in = \"invoices\"\n{keys}")).await
}

/// A month is 30 days, a week 7; no days in metadata.
const PRICED: &str = r#"
days = []
[[sources.stripe.prices]]
price = "price_1Month"
days = 30
[[sources.stripe.prices]]
price = "price_1Week"
days = 7
"#;

/// A line since basil.
fn line(price: &str, quantity: i64, amount: i64, proration: bool) -> Value {
    json!({
        "id": "il_Made", "object": "line_item", "amount": amount, "currency": "usd", "metadata": {},
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": NONE,
            "subscription_item_details": {"proration": proration, "subscription": "sub_1Made"},
        },
        "pricing": {"type": "price_details", "price_details": {"price": price, "product": "prod_Made"}},
        "quantity": quantity,
    })
}

/// The same before.
fn old_line(price: &str, quantity: i64, amount: i64, proration: bool) -> Value {
    json!({
        "id": "il_Made", "object": "line_item", "amount": amount, "currency": "usd", "metadata": {},
        "plan": {"id": price, "object": "plan"}, "price": {"id": price, "object": "price"},
        "proration": proration, "quantity": quantity, "type": "subscription",
    })
}

/// What somebody wrote by hand: since basil it has no price of the catalogue.
fn by_hand(amount: i64) -> Value {
    json!({
        "id": "il_Hand", "object": "line_item", "amount": amount, "currency": "usd", "description": "goodwill",
        "metadata": {},
        "parent": {
            "type": "invoice_item_details", "subscription_item_details": NONE,
            "invoice_item_details": {"invoice_item": "ii_Made", "proration": false},
        },
        "pricing": NONE, "quantity": 1,
    })
}

#[tokio::test]
async fn both_events_of_one_invoice_grant_once() {
    for shape in ["acacia", "basil"] {
        let till = invoices("").await;
        let name = format!("invoice.paid.{shape}");
        let key = if shape == "acacia" { "stripe/pi_3Made" } else { "stripe/in_1Made" };
        assert_eq!(till.take(&event(&name, &[])).await, format!("granted {key}"));
        let twin = event(&name, &[kind("invoice.payment_succeeded")]);
        assert_eq!(till.take(&twin).await, format!("duplicate {key}"));
        assert_eq!(till.granted().await, [format!("DEMOCH-AB12C 30d {key}#1")]);
    }
}

#[tokio::test]
async fn lines_are_counted_by_their_prices() {
    for (lines, want) in [
        (vec![line("price_1Month", 1, 450, false)], "30d"),
        (vec![line("price_1Month", 3, 1350, false)], "90d"),
        (vec![line("price_1Month", 2, 900, false), line("price_1Week", 4, 500, false)], "88d"),
        (vec![old_line("price_1Month", 2, 900, false), old_line("price_1Week", 1, 120, false)], "67d"),
        // From a week's plan to a month's.
        (vec![line("price_1Week", 1, -60, true), line("price_1Month", 1, 450, false)], "30d"),
        (vec![old_line("price_1Week", 1, -60, true), old_line("price_1Month", 1, 450, false)], "30d"),
        (
            vec![line("price_1Week", 1, -60, true), line("price_1Month", 1, 200, true)],
            "held: it bills only a part of a period, after a change of plan; how many days that buys is not told",
        ),
        (
            vec![old_line("price_1Month", 1, 200, true)],
            "held: it bills only a part of a period, after a change of plan; how many days that buys is not told",
        ),
        (
            vec![line("price_1Month", 1, 450, false), by_hand(-50)],
            "held: the price \"\" is not in the price table",
        ),
        (
            vec![line("price_1Year", 1, 5000, false)],
            "held: the price \"price_1Year\" is not in the price table",
        ),
        // Usage that was none.
        (vec![line("price_1Month", 0, 0, false), line("price_1Week", 1, 120, false)], "7d"),
        (vec![line("price_1Month", 0, 0, false)], "held: the price lines come to 0 days, not to 1 to 3650"),
    ] {
        let till = invoices(PRICED).await;
        let told = till.take(&event(PAID, &[("/lines/data", json!(lines))])).await;
        let granted = till.granted().await;
        match want.strip_suffix('d').filter(|days| days.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(days) => {
                assert_eq!(granted, [format!("DEMOCH-AB12C {days}d stripe/in_1Made#1")], "{lines:#?} {told}");
            }
            None => assert_eq!((told.as_str(), granted), (want, vec![]), "{lines:#?}"),
        }
    }
}

/// The subscription's metadata says 30 days, but they were bought with its first invoice: a change of plan in between
/// bills the difference only.
#[tokio::test]
async fn a_change_of_plan_does_not_buy_the_days_again() {
    let change = [
        ("/id", json!("in_2Made")),
        ("/billing_reason", json!("subscription_update")),
        ("/amount_paid", json!(140)),
        ("/lines/data", json!([line("price_1Week", 1, -60, true), line("price_1Month", 1, 200, true)])),
    ];
    for keys in ["", "[sources.stripe.per_day]\ncurrency = \"usd\"\namount = 30"] {
        let till = invoices(keys).await;
        assert_eq!(till.take(&event(PAID, &[])).await, "granted stripe/in_1Made");
        let told = till.take(&event(PAID, &change)).await;
        assert!(told.starts_with("held: it bills only a part of a period"), "{told}");
        assert_eq!(till.granted().await, BOUGHT);
    }
    // Told by the charge, whose link comes later: the invoice still says what it was for.
    let till = Till::open("money_in = \"charges\"").await;
    till.take(&event("charge.succeeded.basil", &[("/metadata", json!({}))])).await;
    till.take(&event("invoice_payment.paid", &[("/invoice", json!("in_2Made"))])).await;
    till.take(&event(PAID, &change)).await;
    assert_eq!(till.granted().await, [""; 0]);
    assert!(till.held().await[0].starts_with("it bills only a part"), "{:?}", till.held().await);
}

#[tokio::test]
async fn a_subscriptions_metadata_in_every_shape() {
    let words = json!({"channel_id": "DEMOCH-AB12C", "days": "30"});
    let no_words = ("/metadata", json!({}));
    let details = json!({"metadata": words, "subscription": "sub_1Made"});
    let since =
        json!({"type": "subscription_details", "subscription_details": details, "quote_details": NONE});
    let mut on_line = line("price_1Month", 1, 900, false);
    on_line["metadata"] = words.clone();
    let bare = ("/lines/data", json!([line("price_1Month", 1, 900, false)]));
    for (name, edits) in [
        ("since basil", vec![no_words.clone(), bare.clone(), ("/parent", since)]),
        (
            "before",
            vec![
                no_words.clone(),
                bare.clone(),
                ("/parent", NONE),
                ("/subscription_details", json!({"metadata": words})),
            ],
        ),
        (
            "before 2023-06-29, on its lines",
            vec![no_words, ("/parent", NONE), ("/lines/data", json!([on_line]))],
        ),
        ("on the invoice itself", vec![("/metadata", words), bare, ("/parent", NONE)]),
    ] {
        let till = invoices("").await;
        till.take(&event(PAID, &edits)).await;
        assert_eq!(till.granted().await, BOUGHT, "{name}");
    }
}

/// What was not paid with money at Stripe buys nothing by itself, and is told.
#[tokio::test]
async fn zero_balance_and_out_of_band() {
    let zero = |reason: &str| {
        vec![("/amount_paid", json!(0)), ("/amount_due", json!(0)), ("/billing_reason", json!(reason))]
    };
    let mut trial = zero("subscription_create");
    trial.push(("/lines/data", json!([line("price_1Month", 11, 0, false)])));
    // Money was taken when the balance was filled; the invoice took 900 out of it.
    let mut by_balance = zero("subscription_cycle");
    by_balance.extend([
        ("/total", json!(900)),
        ("/starting_balance", json!(-900)),
        ("/ending_balance", json!(0)),
    ]);
    let off = |amount: i64, paid: i64| {
        vec![("/amount_paid_off_stripe", json!(amount)), ("/amount_paid", json!(paid))]
    };
    for (name, shape, edits, want) in [
        ("a trial", "basil", trial, "ignored: the amount is 0"),
        ("paid out of the balance", "basil", by_balance, "ignored: the amount is 0"),
        (
            "out of band",
            "acacia",
            vec![("/paid_out_of_band", json!(true)), ("/charge", NONE), ("/payment_intent", NONE)],
            "ignored: paid out of band: no money moved at the provider",
        ),
        ("out of band, since basil", "basil", off(900, 0), "ignored: the amount is 0"),
        (
            "out of band, since basil, and counted as paid",
            "basil",
            off(900, 900),
            "held: paid out of band, in whole or in part: see at the provider what was paid, and for what",
        ),
        ("nothing out of band", "basil", off(0, 900), "granted stripe/in_1Made"),
    ] {
        let till = invoices("").await;
        let told = till.take(&event(&format!("invoice.paid.{shape}"), &edits)).await;
        assert_eq!(told, want, "{name}");
        assert_eq!(till.granted().await.len(), usize::from(want.starts_with("granted")), "{name}");
    }
    // Where charges grant, nobody must look at invoices.
    let till = Till::open("money_in = \"charges\"").await;
    assert_eq!(till.take(&event(PAID, &off(900, 900))).await, "link stripe/in_1Made");
}

#[tokio::test]
async fn amounts_per_day_in_a_currency_without_cents() {
    for (currency, amount, want) in [
        ("jpy", 300, "DEMOCH-AB12C 30d stripe/in_1Made#1"),
        ("jpy", 305, "held: the amount 305 is not a whole number of days at 10 a day, from 1 to 3650 days"),
        ("jpy", 3, "held: the amount 3 is not a whole number of days at 10 a day, from 1 to 3650 days"),
        ("krw", 300, "held: the currency krw is not the one of per_day (jpy)"),
    ] {
        let till = invoices("days = []\n[sources.stripe.per_day]\ncurrency = \"jpy\"\namount = 10").await;
        let told =
            till.take(&event(PAID, &[("/currency", json!(currency)), ("/amount_paid", json!(amount))])).await;
        match want.starts_with("held") {
            true => assert_eq!(told, want),
            false => assert_eq!(till.granted().await, [want], "{told}"),
        }
    }
}
