//! The provider's record over its API, a window of time after the other, so that no list grows too long.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Pages, Paid};
use crate::{
    domain::{DAY_MS, Ms},
    provider::history::{EventRange, History, HistoryError, Walk},
};

/// Shortest window, in ms: providers count whole seconds.
const WINDOW_MS_MIN: i64 = 1_000;

/// Asks for what was paid in a range.
pub struct PaymentListing {
    history: Arc<dyn History>,
    at: Ms,
    until: Ms,
    window_ms: i64,
    walk: Walk,
}

impl PaymentListing {
    /// From `from` until just before `until`.
    pub fn new(history: Arc<dyn History>, from: Ms, until: Ms) -> Self {
        Self { history, at: from, until, window_ms: DAY_MS, walk: Walk::default() }
    }
}

#[async_trait]
impl Pages for PaymentListing {
    /// A window that holds too much is begun again, shorter; what was listed before is known by its id.
    async fn next(&mut self) -> Result<Vec<Paid>, String> {
        while self.at < self.until {
            let end = self.at.saturating_add(self.window_ms).min(self.until);
            if !self.walk.more() {
                (self.at, self.walk) = (end, Walk::default());
                continue;
            }
            match self.history.payments(EventRange { from: self.at, until: end }, &mut self.walk).await {
                Ok(page) if page.is_empty() => {}
                Ok(page) => return Ok(page),
                Err(HistoryError::TooMany) if self.window_ms > WINDOW_MS_MIN => {
                    self.window_ms = (self.window_ms / 2).max(WINDOW_MS_MIN);
                    self.walk = Walk::default();
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(Vec::new())
    }
}
