//! Every page, as everybody sees it: nothing grave by axe-core, nothing wider than a phone.

use super::stage::{self, OPERATOR, PASSWORD, READER};
use crate::support::{
    browser::{Browser, Shots},
    daybridge::House,
};

pub(super) async fn visit(browser: &Browser, shots: &Shots, name: &str) {
    browser.is_accessible().await;
    browser.fits_a_phone().await;
    shots.take(browser, name).await;
}

async fn log_in(browser: &Browser, name: &str) {
    browser.go("/").await;
    browser.send("Log in", &[("Name", name), ("Password", PASSWORD)]).await;
    browser.says("Overview").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_for_everybody() {
    let house = stage::build().await;
    let browser = Browser::open(&house.site(), true).await;
    let shots = Shots::wanted();
    browser.go("/login").await;
    visit(&browser, &shots, "login").await;
    browser.send("Log in", &[("Name", OPERATOR), ("Password", "wrong")]).await;
    browser.says("wrong").await;
    visit(&browser, &shots, "login-wrong").await;
    log_in(&browser, OPERATOR).await;
    for (name, path) in [
        ("overview", "/"),
        ("payments", "/payments"),
        ("payments-none", "/payments?q=nothing-fits"),
        ("payment", "/payments/show?key=stripe%2Fpi_found"),
        ("payment-held", "/payments/show?key=stripe%2Fpi_doubtful"),
        ("held", "/held"),
        ("held-cause", "/held?cause=unmoved"),
        ("replay-none", "/replay"),
        ("channels", "/channels"),
        ("audit", "/audit"),
        ("settings", "/settings"),
        ("missing", "/payments/show?key=stripe%2Fpi_missing"),
    ] {
        browser.go(path).await;
        visit(&browser, &shots, name).await;
    }
    forms(&house, &browser, &shots).await;

    let reader = Browser::open(&house.site(), true).await;
    log_in(&reader, READER).await;
    for (name, path) in [("reader-held", "/held?cause=unmoved"), ("reader-channels", "/channels")] {
        reader.go(path).await;
        visit(&reader, &shots, name).await;
        let text = reader.text().await;
        assert!(!text.contains("Decide") && !text.contains("Reason"), "one who may only look: {text}");
    }
}

/// What appears while an operator acts.
async fn forms(house: &House, browser: &Browser, shots: &Shots) {
    browser.go("/held?cause=unmoved").await;
    browser.unfold("Decide").await;
    visit(browser, shots, "held-decide").await;
    browser.tick("Tick stripe/pi_doubtful#1").await;
    browser.send("Count and ask", &[("Decision", "cancel"), ("Reason", "paid back by hand")]).await;
    browser.says("Change nothing").await;
    visit(browser, shots, "held-bulk").await;
    browser.go("/replay").await;
    browser.send("Make the plan", &[("Source", "stripe")]).await;
    browser.says("The plan is frozen").await;
    visit(browser, shots, "replay-plan").await;
    browser.send("Apply exactly this", &[("Events a second", "1"), ("Reason", "resent by hand")]).await;
    browser.says("being applied by this process").await;
    visit(browser, shots, "replay-running").await;
    browser.send("Abort for ever", &[("Reason", "the wrong ones")]).await;
    browser.says("given up for ever").await;
    visit(browser, shots, "replay-aborted").await;
    browser.go("/replay").await;
    visit(browser, shots, "replay").await;
    browser.go("/channels").await;
    browser.send("Pause", &[("Where", "everywhere"), ("Reason", "a look at the balance")]).await;
    browser.says("Paused: no new extension").await;
    visit(browser, shots, "channels-paused").await;
    browser.go("/").await;
    visit(browser, shots, "overview-paused").await;
    assert!(house.json(&["replay", "list", "--json"]).as_array().unwrap().len() == 1);
}
