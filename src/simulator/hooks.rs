//! The `days` webhook: sent when the balance crosses `days_limit` downwards. Its body, retries and signature
//! are unknown, so shape, copies, delay and loss are switches; it is never retried.

use std::time::Duration;

use actix_web::web;
use serde_json::{Value, json};

use super::{Shared, spoil, switches::HookShape};

/// Longest time one webhook may take.
const HOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Most copies of one webhook.
const COPIES_MAX: u32 = 10;

/// Most addresses it goes to.
pub(super) const URLS_MAX: usize = 10;

pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(HOOK_TIMEOUT)
        .build()
}

/// Sends what the books have to tell, in the background.
pub(super) fn fire(shared: &web::Data<Shared>) {
    loop {
        let mut world = shared.control.world();
        let Some(days) = world.book.take_crossed() else { return };
        let switches = world.switches.clone();
        let (urls, limit) = (world.hooks.urls.clone(), world.book.days_limit);
        drop(world);
        if switches.days_webhook_lost {
            continue;
        }
        let body = body(switches.days_webhook_shape, days, limit).to_string();
        let http = shared.http.clone();
        actix_web::rt::spawn(async move {
            spoil::silence(switches.days_webhook_delay_ms).await;
            for url in &urls {
                for _ in 0..switches.days_webhook_copies.min(COPIES_MAX) {
                    let post = http.post(url).header("Content-Type", "application/json").body(body.clone());
                    if let Err(error) = post.send().await {
                        tracing::info!(error = %error.without_url(), "days webhook not delivered");
                    }
                }
            }
        });
    }
}

fn body(shape: HookShape, days: i64, limit: Option<i64>) -> Value {
    match shape {
        HookShape::Event => {
            json!({ "event": { "type": "days", "event": "post" }, "days": days, "days_limit": limit })
        }
        HookShape::Flat => json!({ "days": days }),
        HookShape::Nested => json!({ "type": "days", "data": { "balance": days } }),
        HookShape::Number => json!(days),
    }
}
