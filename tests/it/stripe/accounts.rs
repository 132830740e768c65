//! Whose payment it is, and in which world: connected accounts, several endpoints of one account, test clocks.

use serde_json::{Value, json};

use super::till::{Till, event, kind};

/// Two endpoints of one account, with a family each where the second is given one.
fn two(realm: &str) -> String {
    let one =
        |name: &str| format!("[sources.{name}]\nprovider = \"stripe\"\nsecrets = [\"{name}\"]\n{realm}\n");
    one("stripe") + one("again").as_str()
}

#[tokio::test]
async fn two_endpoints_of_one_account_grant_once() {
    let till = Till::of(&two("realm = \"acme\"")).await;
    let charge = event("charge.succeeded.basil", &[]);
    assert_eq!(till.take_at("stripe", &charge).await, "granted acme/pi_3Made");
    assert_eq!(till.take_at("again", &charge).await, "duplicate acme/pi_3Made");
    assert_eq!(till.granted().await, ["DEMOCH-AB12C 30d acme/pi_3Made#1"]);
    // Two realms are two accounts, but no two accounts share such an id: somebody forgot to name the realm.
    let till = Till::of(&two("")).await;
    assert_eq!(till.take_at("stripe", &charge).await, "granted stripe/pi_3Made");
    let again = till.take_at("again", &charge).await;
    assert!(again.starts_with("held") && again.contains("stripe/pi_3Made"), "{again}");
    assert_eq!(till.granted().await.len(), 1);
}

#[tokio::test]
async fn each_connected_account_is_one_of_its_own() {
    let till = Till::open("accounts = [\"acct_1Other\", \"acct_2Other\"]").await;
    let of = |account: Value| event("connected.charge.succeeded", &[("//account", account)]);
    let first = till.take(&of(json!("acct_1Other"))).await;
    assert_eq!(first, "granted stripe/acct_1Other:pi_3Made");
    // The same charge, told once more under another event id; and one of the same ids in another account.
    let again =
        event("connected.charge.succeeded", &[("//account", json!("acct_1Other")), kind("charge.captured")]);
    assert_eq!(till.take(&again).await, "duplicate stripe/acct_1Other:pi_3Made");
    assert_eq!(till.take(&of(json!("acct_2Other"))).await, "granted stripe/acct_2Other:pi_3Made");
    for stranger in [json!("acct_3Other"), Value::Null] {
        assert!(till.take(&of(stranger)).await.starts_with("ignored: event of "));
    }
    assert_eq!(till.granted().await.len(), 2);
}

/// The platform's own account may be named in its own events, or not: it is one payment.
#[tokio::test]
async fn the_own_account_is_no_connected_one() {
    let till = Till::open("own_account = \"acct_1Own\"").await;
    let named = event("connected.charge.succeeded", &[("//account", json!("acct_1Own"))]);
    assert_eq!(till.take(&named).await, "granted stripe/pi_3Made");
    assert_eq!(till.take(&event("charge.succeeded.basil", &[])).await, "duplicate stripe/pi_3Made");
}

/// A test clock's events are of its own time, years away from ours; only the signature's time is checked, and that is
/// a real one.
#[tokio::test]
async fn simulated_times_break_nothing() {
    let clock = ("/test_clock", json!("clock_1Made"));
    let live = Till::open("").await;
    let test = Till::open("livemode = false").await;
    let times = [0, 946_684_800, 4_102_444_800_i64, 253_402_300_800, 9_007_199_254_740_991];
    for (number, at) in times.into_iter().enumerate() {
        let made = event(
            "charge.succeeded.basil",
            &[
                ("//livemode", json!(false)),
                ("//created", json!(at)),
                ("/payment_intent", json!(format!("pi_{number}"))),
                ("/id", json!(format!("ch_{number}"))),
                clock.clone(),
            ],
        );
        assert_eq!(live.take(&made).await, "ignored: test-mode event; this source takes live mode");
        assert_eq!(test.take(&made).await, format!("granted stripe/pi_{number}"), "{at}");
        assert_eq!(test.take(&made).await, format!("duplicate stripe/pi_{number}"));
    }
    assert_eq!((live.granted().await, test.granted().await.len()), (vec![], times.len()));
}
