//! Both queues behind their door.

/// What both must do alike.
mod conformance;

/// What only the file can do wrong.
mod embedded;

/// What only RabbitMQ, or lapin, can do wrong.
mod rabbit;

/// Certificates, and ports that speak another protocol.
mod tls;

/// Users who may not do everything.
mod rights;

use std::{path::PathBuf, sync::Arc};

use daybridge::{
    config::{self, QueueUrl},
    envelope::{Envelope, Trigger, new_delivery, new_traceparent},
    queue::{self, Consumer, Content, Delivery, Queue},
};

use crate::support::wait::soon;

/// Delivery limit in these tests.
const LIMIT: u16 = 2;

/// A place for a queue.
pub(crate) enum Place {
    File(tempfile::TempDir),
    Vhost(String),
}

impl Place {
    fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::File(dir) => dir.path().join("queue.db"),
            Self::Vhost(_) => panic!("no file"),
        }
    }

    fn settings(&self) -> config::QueueSettings {
        let url = match self {
            Self::File(_) => QueueUrl::Embedded(Some(self.path())),
            Self::Vhost(url) => QueueUrl::Amqp(vec![url.clone().into()]),
        };
        config::QueueSettings { url, delivery_limit: LIMIT, ..config::QueueSettings::default() }
    }

    /// Opens the queue and waits until it publishes.
    async fn open(&self) -> Arc<dyn Queue> {
        self.open_with(self.settings()).await
    }

    async fn open_with(&self, settings: config::QueueSettings) -> Arc<dyn Queue> {
        let queue = queue::open(&settings).await.unwrap();
        crate::support::wait::until("health", || async { queue.health().await.ok() }).await;
        queue
    }

    /// Puts a message on the events lane that is none of ours.
    async fn plant_garbage(&self) {
        match self {
            Self::File(_) => embedded::plant_garbage(&self.path()).await,
            Self::Vhost(url) => rabbit::plant_garbage(url).await,
        }
    }
}

/// A message with a body that is no UTF-8, and all words set.
pub(crate) fn envelope(event_id: &str) -> Envelope {
    Envelope {
        body: bytes::Bytes::from(vec![0, 159, 146, 150, b'{', 255, 0]),
        content_type: "application/json; charset=utf-8".into(),
        source: "stripe".into(),
        event_id: event_id.into(),
        event_type: "charge.succeeded".into(),
        received_at_ms: 1_763_900_000_123,
        delivery: new_delivery(),
        trigger: Trigger::Webhook,
        traceparent: new_traceparent(),
    }
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    soon("a message", consumer.next()).await.unwrap()
}

fn id(delivery: &Delivery) -> String {
    match &delivery.content {
        Content::Envelope(envelope) => envelope.event_id.clone(),
        Content::Undecodable { reason, .. } => panic!("{reason}"),
    }
}

/// Takes and acks messages until `count` different ones came; gives their ids.
async fn drain(consumer: &mut Box<dyn Consumer>, count: usize) -> std::collections::BTreeSet<String> {
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < count {
        let delivery = next(consumer).await;
        seen.insert(id(&delivery));
        delivery.ack().await.unwrap();
    }
    seen
}
