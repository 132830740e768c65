//! In, to a payment, and out.

use super::stage::{AMOUNT, CHANNELS, CREDITED, OPERATOR, PASSWORD};
use crate::support::browser::Browser;

pub(super) async fn log_in(browser: &Browser) {
    browser.go("/payments?q=stripe%2Fpi_found").await;
    assert!(browser.path().await.starts_with("/login"), "{}", browser.path().await);
    assert!(!browser.text().await.contains("pi_found"));
    browser.send("Log in", &[("Name", OPERATOR), ("Password", "correct horse batterie")]).await;
    browser.says("Name or password is wrong").await;
    browser.go("/").await;
    assert!(browser.path().await.starts_with("/login"), "a wrong password lets nobody in");
    browser.go("/payments?q=stripe%2Fpi_found").await;
    browser.send("Log in", &[("Name", OPERATOR), ("Password", PASSWORD)]).await;
    browser.says("stripe/pi_found").await;
    assert_eq!(browser.path().await, "/payments?q=stripe%2Fpi_found", "back to where one wanted to go");
}

/// By its key, a provider's id, its channel and its amount.
pub(super) async fn search(browser: &Browser) {
    for (words, state, hits) in [
        ("stripe/pi_found", "", 1),
        ("pi_found", "", 1),
        (AMOUNT, "", 1),
        (CHANNELS[1], "", CREDITED / 2),
        (CHANNELS[2], "held", 1),
        ("pi_missing", "", 0),
    ] {
        browser.follow("Payments").await;
        browser.send("Search", &[("Payment, channel, customer", words), ("State", state)]).await;
        let found = browser.all("payment").await;
        assert_eq!(found.len(), hits, "{words} {state}: {found:#?}");
    }
    browser.says("No payment fits").await;
}

pub(super) async fn timeline(browser: &Browser) {
    browser.go("/payments").await;
    browser.send("Search", &[("Payment, channel, customer", AMOUNT)]).await;
    browser.follow("stripe/pi_found").await;
    assert_eq!(browser.all("state").await, ["credited"]);
    let moments = browser.all("moment").await;
    for step in ["evt_pi_found", "planned", "intended", "settled"] {
        assert!(moments.iter().any(|moment| moment.contains(step)), "{step} is not in {moments:#?}");
    }
}

/// All that was done this day, by whom and why.
pub(super) async fn audit(browser: &Browser) {
    browser.follow("Audit").await;
    let acts = browser.all("act").await;
    for (what, why) in [
        ("login failed", ""),
        ("settle", "not in Billing History"),
        ("settle pause", "a look at the channel"),
        ("settle resume", "the channel is fine"),
        ("replay apply", "resent by hand"),
        ("replay abort", "the wrong ones"),
    ] {
        let told = acts.iter().any(|act| act.contains(what) && act.contains(why) && act.contains(OPERATOR));
        assert!(told, "{what} ({why}) by {OPERATOR} is not in {acts:#?}");
    }
}

pub(super) async fn log_out(browser: &Browser) {
    browser.send("Log out", &[]).await;
    browser.go("/payments").await;
    assert!(browser.path().await.starts_with("/login"));
}
