//! What Stripe's own list tells of the events that it made, whether they were delivered or not.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use daybridge::{
    ops::backfill::Asked,
    provider::history::{EventRange, History, HistoryError, Listed, Paid, Walk, Which},
};

use super::{
    payment::{Event, Way},
    world::World,
};

/// How often it is asked.
const EVERY_MS: i64 = 60_000;

/// How far the first turn looks back.
const SWEEP_MS: i64 = 3_600_000;

/// See the module.
pub struct Stripes(pub Arc<World>);

impl From<Stripes> for Asked {
    fn from(stripes: Stripes) -> Self {
        let source = "stripe".to_owned();
        Self {
            realm_sources: vec![source.clone()],
            source,
            every_ms: EVERY_MS,
            sweep_ms: SWEEP_MS,
            history: Arc::new(stripes),
        }
    }
}

#[async_trait]
impl History for Stripes {
    async fn events(
        &self,
        range: EventRange,
        which: Which,
        walk: &mut Walk,
    ) -> Result<Vec<Listed>, HistoryError> {
        self.0.little_while(200).await;
        if self.0.reads_fail() {
            return Err(HistoryError::Away("HTTP 503".to_owned()));
        }
        walk.turn(None, false)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let created_at = |event: &Event| event.body["created"].as_i64().map(|at_s| at_s * 1000);
        let wanted = |event: &Event| {
            let there = created_at(event).is_some_and(|at| range.from <= at && at < range.until);
            there && (which == Which::All || event.is_untold())
        };
        let listed = self.0.made_at("stripe", wanted).into_iter().map(|(event, body)| Listed {
            event_id: text(&event.body["id"]),
            event_type: text(&event.body["type"]),
            created_at: created_at(&event).unwrap_or_default(),
            body: Bytes::from(body),
        });
        Ok(listed.collect())
    }

    async fn payments(&self, range: EventRange, walk: &mut Walk) -> Result<Vec<Paid>, HistoryError> {
        walk.turn(None, false)?;
        let payments = self.0.payments();
        let paid = payments.values().filter(|payment| payment.way.source() == "stripe").map(|payment| {
            let (intent, charge) = (format!("pi_{}", payment.name), format!("ch_{}", payment.name));
            let own = payment.way == Way::Direct;
            Paid {
                id: intent,
                aliases: vec![charge],
                account: None,
                amount: payment.amount,
                refunded: payment.refunded(),
                currency: "usd".to_owned(),
                at_ms: payment.paid_s * 1_000,
                livemode: true,
                channel: own.then(|| payment.pointer.clone()),
                days: own.then_some(payment.days),
            }
        });
        Ok(paid.filter(|paid| range.from <= paid.at_ms && paid.at_ms < range.until).collect())
    }

    async fn health(&self) -> Result<(), HistoryError> {
        Ok(())
    }
}
