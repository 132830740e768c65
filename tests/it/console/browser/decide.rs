//! What only a person can decide.

use super::stage::{CHANNELS, extensions, post};
use crate::support::{browser::Browser, daybridge::House, wait::until};

/// The call ended in a 502 and the days did not move: Billing History does not name it, so it is extended anew.
pub(super) async fn settle(house: &House, browser: &Browser) {
    let before = extensions(house).await;
    browser.follow("Held").await;
    browser.follow("unmoved").await;
    assert_eq!(browser.all("held").await.len(), 1, "{}", browser.text().await);
    browser.unfold("Decide").await;
    browser.says("stripe/pi_doubtful#1").await;
    let said = [("not applied", ""), ("Reason", "not in Billing History")];
    browser.send("Settle", &said).await;
    browser.says("settled by your word").await;
    house.payment_is("stripe/pi_doubtful", "credited").await;
    assert_eq!(extensions(house).await, before + 1);
    browser.go("/payments/show?key=stripe%2Fpi_doubtful").await;
    assert_eq!(browser.all("state").await, ["credited"]);
    assert!(browser.all("held").await.is_empty());
    browser.says("not in Billing History").await;
}

/// A payment that comes in between waits, and the page says for what.
pub(super) async fn pause_and_resume(house: &House, browser: &Browser) {
    browser.follow("Channels").await;
    browser.send("Pause", &[("Where", "everywhere"), ("Reason", "a look at the balance")]).await;
    browser.says("Paused: no new extension is called there").await;
    let before = extensions(house).await;
    post(house, "pi_waits", CHANNELS[1], "7", "900").await;
    until("the payment waits for the pause", || async {
        let whole = house.command(&["payments", "show", "stripe/pi_waits"]);
        String::from_utf8_lossy(&whole.stdout).contains("pause").then_some(())
    })
    .await;
    browser.follow("Overview").await;
    browser.says("a look at the balance").await;
    browser.go("/payments/show?key=stripe%2Fpi_waits").await;
    assert_eq!(browser.all("state").await, ["planned"]);
    assert_eq!(extensions(house).await, before, "nothing is called while all is paused");
    browser.follow("Overview").await;
    browser.send("Resume", &[("Reason", "the balance is fine")]).await;
    browser.says("Resumed: the worker goes on").await;
    house.payment_is("stripe/pi_waits", "credited").await;
    assert_eq!(extensions(house).await, before + 1);
}
