//! What daybridge needs on the broker, declared on every new connection and before every consumer, so that
//! a queue somebody deleted comes back. Where the broker's administrator makes it instead, it is only looked for.
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
    Channel, Connection, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::{
    explain::{explain, not_declared},
    names::{DEAD, EVENTS, EVENTS_KEY, EXCHANGE, PROBE_KEY, PROBE_QUEUE, UNROUTABLE},
};
use crate::queue::{Lane, QueueError};

/// Tries of one message in the dead queue. RabbitMQ 4 drops after 20 where no limit is given, and nothing
/// stands behind the dead queue; 3.10 knows no "never", so: a number nobody reaches.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// Reply codes of the broker.
const NOT_FOUND: u16 = 404;
const ACCESS_REFUSED: u16 = 403;

/// The queue of a lane. The dead and the unroutable one have the name of their exchange.
pub(super) fn queue(lane: Lane) -> &'static str {
    match lane {
        Lane::Events => EVENTS,
        Lane::Dead => DEAD,
        Lane::Unroutable => UNROUTABLE,
    }
}

/// An exchange or a queue.
pub(super) struct Object {
    kind: Kind,
    pub(super) name: &'static str,
    arguments: FieldTable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Direct,
    Fanout,
    Queue,
}

impl Object {
    /// What it is, in a word.
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Direct | Kind::Fanout => "exchange",
            Kind::Queue => "queue",
        }
    }
}

/// Queue, exchange and key.
const BINDINGS: [(&str, &str, &str); 4] = [
    (DEAD, DEAD, ""),
    (EVENTS, EXCHANGE, EVENTS_KEY),
    (UNROUTABLE, UNROUTABLE, ""),
    (PROBE_QUEUE, EXCHANGE, PROBE_KEY),
];

/// All of them, in the order in which they are made. Targets before sources: at-least-once dead-lettering that finds
/// no target waits three minutes before it looks again. `delivery_limit`: tries of one message before it is dead.
pub(super) fn objects(delivery_limit: u16) -> [Object; 7] {
    let exchange = |kind, name, arguments| Object { kind, name, arguments };
    // The alternate exchange stores what no binding takes; the confirm then means it is stored there.
    // Without it the broker drops such a message and confirms it.
    let alternate = table([("alternate-exchange", AMQPValue::LongString(UNROUTABLE.into()))]);
    [
        exchange(Kind::Fanout, DEAD, FieldTable::default()),
        quorum(DEAD, table([("x-delivery-limit", AMQPValue::LongLongInt(DEAD_DELIVERY_LIMIT))])),
        exchange(Kind::Fanout, UNROUTABLE, FieldTable::default()),
        exchange(Kind::Direct, EXCHANGE, alternate),
        quorum(EVENTS, dead_lettering(delivery_limit)),
        // Nearly last, on purpose. RabbitMQ 3.10 writes the name of a new quorum queue to disk some seconds late, or
        // when the next one is created: killed in between, it comes back with that queue empty, confirmed
        // messages and all (seen with `kill -9` 0.1 s after the declare). This one can bear it: nothing is
        // unroutable so early.
        quorum(UNROUTABLE, dead_lettering(delivery_limit)),
        quorum(PROBE_QUEUE, FieldTable::default()),
    ]
}

fn quorum(name: &'static str, mut arguments: FieldTable) -> Object {
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    Object { kind: Kind::Queue, name, arguments }
}

/// Arguments of a queue whose failing messages must reach the dead queue.
fn dead_lettering(delivery_limit: u16) -> FieldTable {
    table([
        // Explicit: 3.10 has no limit by itself, 4.x has 20.
        ("x-delivery-limit", AMQPValue::LongLongInt(delivery_limit.into())),
        ("x-dead-letter-exchange", AMQPValue::LongString(DEAD.into())),
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

/// Makes what is missing, and refuses what is there with other settings.
pub(super) async fn declare(channel: &Channel, delivery_limit: u16) -> Result<(), QueueError> {
    for object in objects(delivery_limit) {
        one(channel, &object, false)
            .await
            .map_err(|error| not_declared(object.what(), object.name, &error))?;
        // A queue is bound as soon as it is there; its exchange stands before it.
        for (queue, exchange, key) in BINDINGS {
            if object.kind == Kind::Queue && queue == object.name {
                bind(channel, queue, exchange, key).await?;
            }
        }
    }
    Ok(())
}

/// Those that are not on the broker; nothing is made.
pub(super) async fn missing(connection: &Connection, delivery_limit: u16) -> Result<Vec<Object>, QueueError> {
    let mut missing = Vec::new();
    for object in objects(delivery_limit) {
        // A channel for each: what is not there closes it.
        let channel = connection.create_channel().await.map_err(|error| QueueError(explain(&error)))?;
        match one(&channel, &object, true).await {
            Ok(()) => close(&channel).await,
            Err(error) if code(&error) == Some(NOT_FOUND) => missing.push(object),
            Err(error) => {
                return Err(QueueError(format!("{} {}: {}", object.what(), object.name, explain(&error))));
            }
        }
    }
    Ok(missing)
}

/// Whether those that are there have our settings, and whether this user may make the others. Nothing is made: what is
/// there is declared as it should be, and for what is missing an argument that no broker takes is declared, which it
/// refuses only after it has looked at the user's rights.
pub(super) async fn could_declare(
    connection: &Connection,
    delivery_limit: u16,
    missing: &[Object],
) -> Result<(), QueueError> {
    for mut object in objects(delivery_limit) {
        let channel = connection.create_channel().await.map_err(|error| QueueError(explain(&error)))?;
        let is_missing = missing.iter().any(|other| other.name == object.name && other.kind == object.kind);
        if is_missing {
            let argument = match object.kind {
                Kind::Queue => "x-dead-letter-exchange",
                Kind::Direct | Kind::Fanout => "alternate-exchange",
            };
            object.arguments = table([(argument, AMQPValue::Boolean(true))]);
        }
        match one(&channel, &object, false).await {
            Ok(()) => close(&channel).await,
            Err(error) if is_missing && code(&error) != Some(ACCESS_REFUSED) => {}
            Err(error) => return Err(not_declared(object.what(), object.name, &error)),
        }
    }
    Ok(())
}

/// Names for a text.
pub(super) fn names(objects: &[Object]) -> String {
    let names: Vec<String> =
        objects.iter().map(|object| format!("{} {}", object.what(), object.name)).collect();
    names.join(", ")
}

/// What the administrator has to do about what is missing.
pub(super) fn lacking(missing: &[Object], vhost: &str) -> QueueError {
    QueueError(format!(
        "the vhost {vhost} lacks {}, and [queue] topology = \"verify\" makes nothing: as an administrator `rabbitmqctl \
         import_definitions deploy/rabbitmq/topology.json` (it names the vhost daybridge; another: change it there)",
        names(missing)
    ))
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(amqp) => Some(amqp.get_id()),
        _ => None,
    }
}

async fn close(channel: &Channel) {
    // The broker forgets the channel with the connection; a refused close changes nothing.
    let _ = channel.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into()).await;
}

/// Declares it, or only asks whether it is there.
async fn one(channel: &Channel, object: &Object, passive: bool) -> Result<(), lapin::Error> {
    let arguments = object.arguments.clone();
    let kind = match object.kind {
        Kind::Direct => ExchangeKind::Direct,
        Kind::Fanout => ExchangeKind::Fanout,
        Kind::Queue => {
            let options = QueueDeclareOptions {
                passive,
                durable: true,      // a quorum queue is never transient
                exclusive: false,   // receiver and worker are two connections
                auto_delete: false, // it survives the last consumer
                nowait: false,      // a difference must be heard of
            };
            return channel.queue_declare(object.name.into(), options, arguments).await.map(drop);
        }
    };
    let options = ExchangeDeclareOptions {
        passive,
        durable: true,      // it survives a restart of the broker
        auto_delete: false, // it survives the last binding
        internal: false,    // an operator may publish to it
        nowait: false,      // a difference must be heard of
    };
    channel.exchange_declare(object.name.into(), kind, options, arguments).await
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
        .map_err(|error| not_declared("binding of queue", queue, &error))
}
