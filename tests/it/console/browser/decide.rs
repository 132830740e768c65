//! What only a person can decide.

use super::stage::{CHANNELS, extensions, post};
use crate::support::{browser::Browser, daybridge::House};

/// The call ended in a 502 and the days did not move: Billing History does not name it, so it is extended anew.
pub(super) async fn settle(house: &House, browser: &Browser) {
    let before = extensions(house).await;
    browser.follow("Held").await;
    browser.follow("unmoved").await;
    assert_eq!(browser.all("held").await.len(), 1, "{}", browser.text().await);
    browser.unfold("Decide").await;
    assert!(!browser.text().await.contains("Try again"), "an open outcome is not tried again");
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

/// A payment for the paused channel waits while that of another, which came later, is credited.
pub(super) async fn pause_and_resume(house: &House, browser: &Browser) {
    let scope = format!("channel:main/{}", CHANNELS[1]);
    browser.follow("Channels").await;
    browser.send("Search", &[("Channel", CHANNELS[1])]).await;
    assert_eq!(browser.all("channel").await.len(), 1);
    browser.unfold("Pause").await;
    browser.send("Pause", &[("Reason", "a look at the channel")]).await;
    browser.says("Paused: no new extension is called there").await;
    let before = extensions(house).await;
    post(house, "pi_waits", CHANNELS[1], "7", "900").await;
    post(house, "pi_goes", CHANNELS[0], "7", "900").await;
    house.payment_is("stripe/pi_goes", "credited").await;
    browser.go("/payments/show?key=stripe%2Fpi_waits").await;
    assert_eq!(browser.all("state").await, ["planned"]);
    assert_eq!(extensions(house).await, before + 1, "only the other channel's");
    browser.follow("Overview").await;
    let pauses = browser.all("pause").await;
    assert!(pauses.len() == 1 && pauses[0].contains(&scope), "{pauses:?}");
    browser.send("Resume", &[("Reason", "the channel is fine")]).await;
    browser.says("Resumed: the worker goes on").await;
    house.payment_is("stripe/pi_waits", "credited").await;
    assert_eq!(extensions(house).await, before + 2);
}
