//! What daybridge needs on the broker, declared on every new connection and before every consumer, so that
//! a queue somebody deleted comes back.
//!
//! ```text
//! daybridge (direct) ── events ──▶ daybridge.events ──dead letters──▶ daybridge.dead (fanout) ──▶ daybridge.dead
//!     └─ not routable ──▶ daybridge.unroutable (fanout) ──▶ daybridge.unroutable ──dead letters──▶ (the same)
//! ```
//!
//! Beside them `daybridge.probe`, a quorum queue that nobody reads: an empty message that is confirmed there shows
//! that the broker stores. Not in `daybridge.events`: without a worker they would pile up there and be dead letters.
//!
//! The same on RabbitMQ 3.10 and 4.x: every default that changed between them is written out. All are
//! quorum queues, because on a current RabbitMQ only those sync to disk before they confirm.
//!
//! Rejected: `mandatory` instead of the alternate exchange: it refuses what the alternate exchange stores. It stands
//! beside it, for a broker whose queues were all deleted; see `confirms` for how a return is taken. A queue length limit (the
//! operator may set one by policy; a full queue then refuses and the provider retries).

use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::link::explain;
use crate::queue::{Lane, QueueError};

/// Where every publish goes.
pub(super) const EXCHANGE: &str = "daybridge";

/// Routing key of accepted deliveries.
pub(super) const EVENTS_KEY: &str = "events";

/// Routing key of probes.
pub(super) const PROBE_KEY: &str = "probe";

/// The queue of probes. Bound to [`EXCHANGE`], for which every role has its permissions.
const PROBE_QUEUE: &str = "daybridge.probe";

/// Tries of one message in the dead queue. RabbitMQ 4 drops after 20 where no limit is given, and nothing
/// stands behind the dead queue; 3.10 knows no "never", so: a number nobody reaches.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// Reply code of a declare that differs from what exists.
const PRECONDITION_FAILED: u16 = 406;

/// The queue of a lane. The dead and the unroutable one have the name of their exchange.
pub(super) fn queue(lane: Lane) -> &'static str {
    match lane {
        Lane::Events => "daybridge.events",
        Lane::Dead => "daybridge.dead",
        Lane::Unroutable => "daybridge.unroutable",
    }
}

/// Declares everything. `delivery_limit`: tries of one message before it is dead.
pub(super) async fn declare(channel: &Channel, delivery_limit: u16) -> Result<(), QueueError> {
    let dead = queue(Lane::Dead);
    let unroutable = queue(Lane::Unroutable);
    let events = queue(Lane::Events);

    // Targets before sources: at-least-once dead-lettering that finds no target waits three minutes before
    // it looks again.
    exchange(channel, dead, ExchangeKind::Fanout, FieldTable::default()).await?;
    quorum(channel, dead, table([("x-delivery-limit", AMQPValue::LongLongInt(DEAD_DELIVERY_LIMIT))])).await?;
    bind(channel, dead, dead, "").await?;

    // The alternate exchange stores what no binding takes; the confirm then means it is stored there.
    // Without it the broker drops such a message and confirms it.
    exchange(channel, unroutable, ExchangeKind::Fanout, FieldTable::default()).await?;
    let alternate = table([("alternate-exchange", AMQPValue::LongString(unroutable.into()))]);
    exchange(channel, EXCHANGE, ExchangeKind::Direct, alternate).await?;
    quorum(channel, events, dead_lettering(delivery_limit)).await?;
    bind(channel, events, EXCHANGE, EVENTS_KEY).await?;

    // Nearly last, on purpose. RabbitMQ 3.10 writes the name of a new quorum queue to disk some seconds late, or
    // when the next one is created: killed in between, it comes back with that queue empty, confirmed
    // messages and all (seen with `kill -9` 0.1 s after the declare). This one can bear it: nothing is
    // unroutable so early.
    quorum(channel, unroutable, dead_lettering(delivery_limit)).await?;
    bind(channel, unroutable, unroutable, "").await?;
    quorum(channel, PROBE_QUEUE, FieldTable::default()).await?;
    bind(channel, PROBE_QUEUE, EXCHANGE, PROBE_KEY).await
}

/// Arguments of a queue whose failing messages must reach the dead queue.
fn dead_lettering(delivery_limit: u16) -> FieldTable {
    table([
        // Explicit: 3.10 has no limit by itself, 4.x has 20.
        ("x-delivery-limit", AMQPValue::LongLongInt(delivery_limit.into())),
        ("x-dead-letter-exchange", AMQPValue::LongString(queue(Lane::Dead).into())),
        // The default, at-most-once, loses the message when the target is missing, full or down.
        ("x-dead-letter-strategy", AMQPValue::LongString("at-least-once".into())),
        // At-least-once needs it. It also makes a full queue refuse: the default drops the oldest message.
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ])
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

async fn exchange(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    arguments: FieldTable,
) -> Result<(), QueueError> {
    let options = ExchangeDeclareOptions {
        passive: false,     // create it where it is missing
        durable: true,      // it survives a restart of the broker
        auto_delete: false, // it survives the last binding
        internal: false,    // an operator may publish to it
        nowait: false,      // a difference must be heard of
    };
    channel
        .exchange_declare(name.into(), kind, options, arguments)
        .await
        .map_err(|error| failed("exchange", name, &error))
}

async fn quorum(channel: &Channel, name: &str, mut arguments: FieldTable) -> Result<(), QueueError> {
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions {
        passive: false,     // create it where it is missing
        durable: true,      // a quorum queue is never transient
        exclusive: false,   // receiver and worker are two connections
        auto_delete: false, // it survives the last consumer
        nowait: false,      // a difference must be heard of
    };
    channel
        .queue_declare(name.into(), options, arguments)
        .await
        .map(drop)
        .map_err(|error| failed("queue", name, &error))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), QueueError> {
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions { nowait: false },
            FieldTable::default(),
        )
        .await
        .map_err(|error| failed("binding of queue", queue, &error))
}

fn failed(what: &str, name: &str, error: &lapin::Error) -> QueueError {
    if let ErrorKind::ProtocolError(amqp) = error.kind()
        && amqp.get_id() == PRECONDITION_FAILED
    {
        return QueueError(format!(
            "{what} {name} is on the broker with other settings than daybridge needs ({}). Give [queue] \
             delivery_limit the value it was created with, or drain the {what} and delete it: daybridge \
             creates it again",
            amqp.get_message()
        ));
    }
    QueueError(format!("{what} {name} cannot be declared: {}", explain(error)))
}
