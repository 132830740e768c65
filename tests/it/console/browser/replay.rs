//! Replays, planned, applied and aborted by hand.

use super::stage::{CHANNELS, CREDITED, extensions};
use crate::support::{browser::Browser, daybridge::House, wait::until};

async fn plan(browser: &Browser, fields: &[(&str, &str)]) -> String {
    browser.follow("Replay").await;
    if !browser.text().await.contains("Make the plan") {
        browser.unfold("New plan").await;
    }
    browser.send("Make the plan", fields).await;
    browser.says("The plan is frozen").await;
    browser.all("hash").await.remove(0)
}

/// The whole of one channel: all of it is credited, all of it is skipped, and each payment says so.
pub(super) async fn apply(house: &House, browser: &Browser) {
    let payments = CREDITED / 2 + 1; // pi_waits is on it too
    let before = extensions(house).await;
    plan(browser, &[("Channel", CHANNELS[1])]).await;
    browser
        .says(&format!("{payments} payments: {payments} skip, 0 extend (0 days), 0 held, 0 conflict"))
        .await;
    assert_eq!(browser.all("planned").await.len(), payments);
    browser.send("Apply exactly this", &[("Reason", "resent by hand")]).await;
    browser.says_when_reloaded(&format!("{payments} of {payments} events")).await;
    assert_eq!(browser.all("state").await, ["applied"]);
    until("every replayed delivery is recorded as skipped", || async {
        let events = house.json(&["events", "list", "--trigger", "replay", "--json"]);
        let events = events.as_array().unwrap();
        let skipped =
            |e: &&serde_json::Value| e["reason"].as_str().is_some_and(|why| why.contains("skipped"));
        (events.iter().filter(skipped).count() == payments).then_some(())
    })
    .await;
    browser.follow("stripe/pi_1").await;
    let moments = browser.all("moment").await;
    assert!(moments.iter().any(|m| m.contains("replay") && m.contains("skipped")), "{moments:#?}");
    assert_eq!(extensions(house).await, before, "nothing is extended twice");
}

/// Given up after its first event, it never goes on: not by itself, and not by hand.
pub(super) async fn abort(house: &House, browser: &Browser, scripts: bool) {
    let hash = plan(browser, &[("Source", "stripe"), ("Came by", "webhook")]).await;
    browser.send("Apply exactly this", &[("Events a second", "1"), ("Reason", "resent by hand")]).await;
    browser.says("being applied by this process").await;
    assert_eq!(browser.all("state").await, ["running"]);
    if scripts {
        let first = browser.all("published").await;
        until("the page counts on by itself", || async {
            let now = browser.all("published").await;
            (now != first && !now.is_empty()).then_some(())
        })
        .await;
    }
    browser.send("Abort for ever", &[("Reason", "the wrong ones")]).await;
    browser.says("The plan is given up for ever").await;
    let ended = until("the replay has stopped", || async {
        browser.go(&format!("/replay/show?hash={hash}")).await;
        let text = browser.text().await;
        (!text.contains("stops within a second")).then_some(text)
    })
    .await;
    assert!(!ended.contains("Apply exactly this") && !ended.contains("Go on"), "{ended}");
    let published = browser.all("published").await;
    let count: usize = published[0].parse().unwrap();
    assert!((1..CREDITED).contains(&count), "{count} were published");
    let again = house.command(&["replay", "apply", &hash]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    // Another one, from its plan to its end, is time enough for this one to go on, if it did.
    apply_another(browser).await;
    browser.go(&format!("/replay/show?hash={hash}")).await;
    assert_eq!(browser.all("state").await, ["aborted"]);
    assert_eq!(browser.all("published").await, published);
}

async fn apply_another(browser: &Browser) {
    plan(browser, &[("Payment", "stripe/pi_found")]).await;
    browser.send("Apply exactly this", &[("Events a second", "1"), ("Reason", "resent by hand")]).await;
    browser.says_when_reloaded("1 of 1 events").await;
}
