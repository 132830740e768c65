//! Between [`Envelope`] and an AMQP message: the body is the bytes as received, the words stand in the
//! basic properties and in `x-daybridge-…` headers.
//!
//! Strict when reading: a message that lacks one word is [`Content::Undecodable`], with its body kept, so
//! that a person sees it. Headers that the broker adds (`x-death`, `x-delivery-count`) are never read: their
//! meaning differs between RabbitMQ 3.10 and 4.x.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::{
    envelope::{self, Envelope, Trigger},
    queue::{Content, NotConfirmed},
};

/// Value of the `app_id` property.
const APP: &str = "daybridge";

const VERSION: &str = "x-daybridge-version";
const SOURCE: &str = "x-daybridge-source";
const RECEIVED_AT: &str = "x-daybridge-received-at";
const DELIVERY: &str = "x-daybridge-delivery";
const TRIGGER: &str = "x-daybridge-trigger";
const TRACEPARENT: &str = "traceparent";

/// Persistent: a quorum queue stores it anyway, but a message keeps its own mode when it is dead-lettered or
/// moved by a shovel into a classic queue.
const PERSISTENT: u8 = 2;

/// The body and the properties of a message. A word longer than an AMQP short string (255 bytes) is refused
/// here: sent, it would close the channel under everybody else's publishes.
pub fn encode(envelope: Envelope) -> Result<(Bytes, BasicProperties), NotConfirmed> {
    let message_id = short(envelope.message_id())?;
    let mut headers = FieldTable::default();
    headers.insert(VERSION.into(), AMQPValue::LongLongInt(envelope::VERSION));
    headers.insert(SOURCE.into(), AMQPValue::LongString(envelope.source.into()));
    headers.insert(RECEIVED_AT.into(), AMQPValue::LongLongInt(envelope.received_at_ms));
    headers.insert(DELIVERY.into(), AMQPValue::LongString(envelope.delivery.into()));
    headers.insert(TRIGGER.into(), AMQPValue::LongString(envelope.trigger.as_str().into()));
    headers.insert(TRACEPARENT.into(), AMQPValue::LongString(envelope.traceparent.into()));
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_app_id(APP.into())
        .with_content_type(short(envelope.content_type)?)
        .with_message_id(message_id)
        .with_type(short(envelope.event_type)?)
        // Whole seconds, for people and tools; `x-daybridge-received-at` has the milliseconds.
        .with_timestamp(u64::try_from(envelope.received_at_ms / 1000).unwrap_or(0))
        .with_headers(headers);
    Ok((envelope.body, properties))
}

fn short(word: String) -> Result<ShortString, NotConfirmed> {
    ShortString::try_new(word).map_err(|_| NotConfirmed::Refused)
}

/// Value of the `type` property of a probe.
const PROBE: &str = "daybridge.probe";

/// Longest life of a probe, in ms as AMQP writes it: nobody consumes them, and they must not pile up.
const PROBE_EXPIRES_MS: &str = "1000";

/// An empty message that only shows whether it is stored.
pub(super) fn probe() -> (Bytes, BasicProperties) {
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_app_id(APP.into())
        .with_type(PROBE.into())
        .with_expiration(PROBE_EXPIRES_MS.into());
    (Bytes::new(), properties)
}

/// Whether it is one: where its queue was deleted, the others get it, and it is no event.
pub(super) fn is_probe(properties: &BasicProperties) -> bool {
    properties.kind().as_ref().is_some_and(|kind| kind.as_str() == PROBE)
        && properties.app_id().as_ref().is_some_and(|app| app.as_str() == APP)
}

/// Reads a message back.
pub fn decode(data: Vec<u8>, properties: &BasicProperties) -> Content {
    let body = Bytes::from(data);
    match words(&body, properties) {
        Ok(envelope) => Content::Envelope(envelope),
        Err(reason) => Content::Undecodable { body, reason },
    }
}

fn words(body: &Bytes, properties: &BasicProperties) -> Result<Envelope, String> {
    let headers = properties.headers().as_ref().ok_or("the message has no headers")?;
    let version = int(headers, VERSION)?;
    if version != envelope::VERSION {
        return Err(format!("{VERSION} is {version}; this daybridge reads {}", envelope::VERSION));
    }
    let source = text(headers, SOURCE)?;
    let message_id = properties.message_id().as_ref().ok_or("message_id is missing")?.as_str();
    let event_id = message_id
        .strip_prefix(source.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or_else(|| format!("message_id does not begin with {SOURCE} and a slash"))?;
    let trigger = text(headers, TRIGGER)?;
    Ok(Envelope {
        body: body.clone(),
        content_type: properties.content_type().as_ref().ok_or("content_type is missing")?.to_string(),
        event_id: event_id.to_owned(),
        event_type: properties.kind().as_ref().ok_or("type is missing")?.to_string(),
        received_at_ms: int(headers, RECEIVED_AT)?,
        delivery: text(headers, DELIVERY)?,
        trigger: Trigger::parse(&trigger).ok_or_else(|| format!("{TRIGGER} is not a known word"))?,
        traceparent: text(headers, TRACEPARENT)?,
        source,
    })
}

fn text(headers: &FieldTable, name: &str) -> Result<String, String> {
    let bytes = match headers.inner().get(name) {
        None => return Err(format!("{name} is missing")),
        Some(AMQPValue::LongString(text)) => text.as_bytes(),
        Some(AMQPValue::ShortString(text)) => text.as_str().as_bytes(),
        Some(_) => return Err(format!("{name} is not text")),
    };
    String::from_utf8(bytes.to_vec()).map_err(|_| format!("{name} is not UTF-8"))
}

fn int(headers: &FieldTable, name: &str) -> Result<i64, String> {
    match headers.inner().get(name) {
        None => Err(format!("{name} is missing")),
        Some(AMQPValue::LongLongInt(number)) => Ok(*number),
        Some(AMQPValue::LongInt(number)) => Ok(i64::from(*number)),
        Some(_) => Err(format!("{name} is not a number")),
    }
}
