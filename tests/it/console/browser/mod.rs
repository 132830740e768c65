//! An operator's day in a real browser, with JavaScript and without: every job must be doable both ways.
//!
//! `SCREENSHOTS=/tmp/shots cargo test --test it console::browser` keeps a picture of every page in light, dark and as
//! wide as a phone.

use crate::support::browser::Browser;

/// Days in slices, channels, customers, the balance.
mod days;
/// Pausing and resuming, deciding what is held.
mod decide;
/// Logging in, searching, opening a timeline.
mod find;
/// Every page: accessible, wide enough, photographed.
mod pages;
/// Planning, applying and aborting replays.
mod replay;
/// The partner, payments of every kind, and the users.
mod stage;

async fn an_operators_day(scripts: bool) {
    let house = stage::build().await;
    let browser = Browser::open(&house.site(), scripts).await;
    find::log_in(&browser).await;
    assert_eq!(browser.runs_scripts().await, scripts);
    find::search(&browser).await;
    find::timeline(&browser).await;
    decide::settle(&house, &browser).await;
    decide::pause_and_resume(&house, &browser).await;
    replay::apply(&house, &browser).await;
    replay::abort(&house, &browser, scripts).await;
    find::audit(&browser).await;
    find::log_out(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_day_with_javascript() {
    an_operators_day(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_day_without_javascript() {
    an_operators_day(false).await;
}
