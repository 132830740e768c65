//! Whatever lies on the queue is read or kept with its body; what we put there comes back as it was.

use bytes::Bytes;
use daybridge::{
    envelope::{Envelope, Trigger},
    queue::{Content, rabbit::codec},
};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};

/// The first byte chooses what is missing or of another kind.
pub fn decode(data: &[u8]) {
    let Some((flags, rest)) = data.split_first() else { return };
    let [source, event, kind, content_type, trigger, number, body] = super::lines(rest);
    let flag = |bit: u8| flags & (1 << bit) != 0;
    let mut headers = FieldTable::default();
    let text = |bytes: &[u8]| AMQPValue::LongString(bytes.to_vec().into());
    let version = super::text(number).and_then(|n| n.parse::<i64>().ok());
    headers.insert("x-daybridge-version".into(), version.map_or(text(number), AMQPValue::LongLongInt));
    headers.insert("x-daybridge-source".into(), text(source));
    headers.insert("x-daybridge-received-at".into(), AMQPValue::LongLongInt(i64::from(*flags)));
    headers.insert("x-daybridge-delivery".into(), if flag(5) { AMQPValue::Void } else { text(event) });
    headers.insert("x-daybridge-trigger".into(), text(trigger));
    headers.insert("traceparent".into(), text(kind));
    let mut properties = BasicProperties::default();
    let short = |bytes: &[u8]| super::text(bytes).and_then(|t| lapin::types::ShortString::try_new(t).ok());
    let id = [source, b"/", event].concat();
    if let (true, Some(id)) = (flag(0), short(&id)) {
        properties = properties.with_message_id(id);
    }
    if let (true, Some(kind)) = (flag(1), short(kind)) {
        properties = properties.with_type(kind);
    }
    if let (true, Some(content_type)) = (flag(2), short(content_type)) {
        properties = properties.with_content_type(content_type);
    }
    if flag(3) {
        properties = properties.with_headers(headers);
    }
    match codec::decode(body.to_vec(), &properties) {
        Content::Envelope(envelope) => {
            assert_eq!(&envelope.body[..], body);
            assert_eq!(envelope.message_id().as_bytes(), &id[..]);
        }
        Content::Undecodable { body: kept, reason } => {
            assert_eq!(&kept[..], body, "the body is lost");
            assert!(!reason.is_empty());
        }
    }
    round_trip([source, event, kind, content_type], body, i64::from(*flags));
}

fn round_trip(words: [&[u8]; 4], body: &[u8], at: i64) {
    let [Some(source), Some(event), Some(kind), Some(content_type)] = words.map(super::text) else { return };
    let envelope = Envelope {
        body: Bytes::copy_from_slice(body),
        content_type: content_type.into(),
        source: source.into(),
        event_id: event.into(),
        event_type: kind.into(),
        received_at_ms: at,
        delivery: "delivery".into(),
        trigger: Trigger::Replay,
        traceparent: "00-1-2-01".into(),
    };
    let Ok((sent, properties)) = codec::encode(envelope.clone()) else { return };
    match codec::decode(sent.to_vec(), &properties) {
        Content::Envelope(back) => assert_eq!(back, envelope),
        Content::Undecodable { reason, .. } => panic!("what we sent cannot be read: {reason}"),
    }
}
