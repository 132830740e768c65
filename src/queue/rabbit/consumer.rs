//! One consumer on one channel of the consuming connection.
//!
//! Answers: `ack` forgets; `dead` is `basic.reject` without requeue, which the at-least-once dead-lettering
//! of the queue turns into a message in `daybridge.dead`; dropped is `basic.reject` with requeue. Reject and
//! not nack: RabbitMQ 4.3 does not count a nack towards the delivery limit, so a poison message would come
//! for ever.
//!
//! The dead lane has nothing behind it: `dead` there gives the message back.
//!
//! Nothing here waits for ever: where a connection breaks at the wrong moment, lapin may neither send an answer nor
//! say so, nor end the deliveries. A lane that hung on that would record nothing more, and nobody would be told.
//!
//! A lane on which nothing came for [`IDLE_MS_MAX`] opens its channel anew where nothing is in hand. Seen on RabbitMQ
//! 3.10 after a partition: a queue counted 64 messages as delivered that no channel had, which was the whole prefetch, so
//! nothing came any more, and no depth told of them; a closed channel gives them back. RabbitMQ itself does so after 30
//! minutes (`consumer_timeout`).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use lapin::{
    Acker, Channel, Connection,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{codec, explain::explain, topology};
use crate::queue::{Answer, Consumer, Delivery, Lane, QueueError};

/// Longest time for an answer to leave; the broker sends nothing back for it.
const ANSWER_MS_MAX: Duration = Duration::from_secs(10);

/// Longest wait for a delivery before the channel is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Longest time without a delivery before the channel is opened anew.
const IDLE_MS_MAX: Duration = Duration::from_secs(60);

/// Longest time for that.
const OPEN_MS_MAX: Duration = Duration::from_secs(8);

/// Reads one lane.
pub(super) struct LaneConsumer {
    connection: Arc<Connection>,
    lane: Lane,
    prefetch: u16,
    channel: Channel,
    deliveries: lapin::Consumer,
    give_back: mpsc::UnboundedSender<Acker>,
    /// Dropped with the consumer: closes the channel, and the broker gives every unanswered message back.
    _open: DropGuard,
}

impl LaneConsumer {
    /// Opens a channel and starts to consume.
    pub(super) async fn open(
        connection: Arc<Connection>,
        lane: Lane,
        prefetch: u16,
    ) -> Result<Self, QueueError> {
        let failed =
            |error: lapin::Error| QueueError(format!("{}: {}", topology::queue(lane), explain(&error)));
        let channel = connection.create_channel().await.map_err(failed)?;
        // Per consumer: the channel-wide kind is on its way out of RabbitMQ. 0 would mean no limit.
        let qos = BasicQosOptions { global: false };
        channel.basic_qos(prefetch.max(1), qos).await.map_err(failed)?;
        let options = BasicConsumeOptions {
            no_local: false,  // RabbitMQ ignores it
            no_ack: false,    // forgotten only after the work is committed
            exclusive: false, // several workers share a queue
            nowait: false,    // a refusal must be heard of
        };
        let deliveries = channel
            .basic_consume(topology::queue(lane).into(), "".into(), options, FieldTable::default())
            .await
            .map_err(failed)?;
        let open = CancellationToken::new();
        // Bounded by the prefetch: an acker is given back at most once.
        let (give_back, given_back) = mpsc::unbounded_channel();
        tokio::spawn(keep(channel.clone(), given_back, open.clone()));
        Ok(Self { connection, lane, prefetch, channel, deliveries, give_back, _open: open.drop_guard() })
    }

    /// Each delivery that is not answered yet has one more sender.
    fn has_nothing_in_hand(&self) -> bool {
        self.give_back.strong_count() == 1
    }
}

/// Gives dropped deliveries back while the consumer lives, then closes its channel.
async fn keep(channel: Channel, mut given_back: mpsc::UnboundedReceiver<Acker>, open: CancellationToken) {
    loop {
        let acker = tokio::select! {
            () = open.cancelled() => break,
            acker = given_back.recv() => acker,
        };
        let Some(acker) = acker else { break };
        // Where it fails the channel is over, and the broker gives the message back by itself.
        let _ = acker.reject(BasicRejectOptions { requeue: true }).await;
    }
    // The same: a channel that cannot be closed is closed.
    let _ = channel.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into()).await;
}

#[async_trait]
impl Consumer for LaneConsumer {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        let name = topology::queue(self.lane);
        let mut idle_since = Instant::now();
        let next = loop {
            match timeout(LOOK_EVERY, self.deliveries.next()).await {
                Ok(Some(Ok(message))) if codec::is_probe(&message.properties) => {
                    // Where it fails the channel is over: the next look says so.
                    let ack = message.acker.ack(BasicAckOptions { multiple: false });
                    let _ = timeout(ANSWER_MS_MAX, ack).await;
                }
                Ok(next) => break next,
                Err(_) if !self.channel.status().connected() => {
                    return Err(QueueError(format!("{name}: the connection is gone")));
                }
                Err(_) if idle_since.elapsed() >= IDLE_MS_MAX && self.has_nothing_in_hand() => {
                    let anew = Self::open(self.connection.clone(), self.lane, self.prefetch);
                    let late = |_| QueueError(format!("{name}: no new channel within {OPEN_MS_MAX:?}"));
                    *self = timeout(OPEN_MS_MAX, anew).await.map_err(late)??;
                    idle_since = Instant::now();
                }
                Err(_) => {}
            }
        };
        match next {
            Some(Ok(message)) => {
                let content = codec::decode(message.data, &message.properties);
                let answer = OneAnswer {
                    lane: self.lane,
                    acker: Some(message.acker),
                    give_back: self.give_back.clone(),
                };
                Ok(Delivery::new(content, Box::new(answer)))
            }
            Some(Err(error)) => Err(QueueError(format!("{name}: {}", explain(&error)))),
            None => Err(QueueError(format!(
                "{name}: the broker cancelled the consumer (queue deleted, or the broker stops)"
            ))),
        }
    }
}

struct OneAnswer {
    lane: Lane,
    acker: Option<Acker>,
    give_back: mpsc::UnboundedSender<Acker>,
}

impl OneAnswer {
    async fn answered(
        &self,
        answer: impl Future<Output = Result<bool, lapin::Error>>,
    ) -> Result<(), QueueError> {
        let name = topology::queue(self.lane);
        let Ok(result) = timeout(ANSWER_MS_MAX, answer).await else {
            let why = format!("no answer could be sent within {ANSWER_MS_MAX:?}; the message comes again");
            return Err(QueueError(format!("{name}: {why}")));
        };
        match result {
            Ok(true) => Ok(()),
            // lapin did not send it: the channel is over.
            Ok(false) => Err(QueueError(format!("{name}: the channel is closed; the message comes again"))),
            Err(error) => Err(QueueError(format!("{name}: {}", explain(&error)))),
        }
    }
}

impl Drop for OneAnswer {
    fn drop(&mut self) {
        if let Some(acker) = self.acker.take() {
            // A consumer that is gone has closed the channel: the message is back already.
            let _ = self.give_back.send(acker);
        }
    }
}

#[async_trait]
impl Answer for OneAnswer {
    async fn ack(mut self: Box<Self>) -> Result<(), QueueError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        self.answered(acker.ack(BasicAckOptions { multiple: false })).await
    }

    async fn dead(mut self: Box<Self>) -> Result<(), QueueError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        let requeue = self.lane == Lane::Dead;
        self.answered(acker.reject(BasicRejectOptions { requeue })).await
    }
}
