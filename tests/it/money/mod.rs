//! How much money really came in, how much went out again, and how many days that buys: bodies as providers send them
//! into a real ledger.

/// Captures that fail, parts that are let go, currencies that differ.
mod reversals;

/// Which invoices buy a period, and who may say how many days.
mod periods;

/// Tables of amounts, and billed periods.
mod amounts;

/// Captures in parts, and cut quantities.
mod parts;

/// Other providers' other shapes.
mod shapes;

use serde_json::{Value, json};

use crate::stripe::till::Till;

/// A source `shop` of a provider, with more of its keys.
async fn shop(provider: &str, keys: &str) -> Till {
    Till::of(&format!("[sources.shop]\nprovider = {provider:?}\nsecrets = [\"0102\"]\n{keys}")).await
}

/// The causes of all that is held, with what is told of days.
async fn causes(till: &Till) -> Vec<String> {
    use daybridge::ledger::query::HeldQuery;
    let held = till.kit.ledger.held(&HeldQuery::default(), 1000, crate::ledger::kit::NOW).await.unwrap();
    held.into_iter().map(|one| format!("{} {} {}", one.kind, one.cause, one.days.unwrap_or(0))).collect()
}

/// A day for 30 smallest units.
fn per_day(currency: &str) -> String {
    format!("days = []\n[sources.shop.per_day]\ncurrency = {currency:?}\namount = 30")
}

/// An item of Adyen.
fn adyen(code: &str, reference: &str, value: i64, at_s: i64) -> Value {
    let time = format!("2025-10-09T08:53:{at_s:02}+02:00");
    json!({
        "pspReference": reference, "originalReference": if code == "AUTHORISATION" { "" } else { "PSPMADE1" },
        "merchantAccountCode": "Shop", "merchantReference": "DEMOCH-AB12C", "eventCode": code, "success": "true",
        "eventDate": time, "amount": {"value": value, "currency": "USD"},
        "additionalData": {"hmacSignature": "x"},
    })
}
