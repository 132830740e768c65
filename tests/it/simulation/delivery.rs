//! What providers send: an event as it is told, once more, or under another id.

use bytes::Bytes;
use daybridge::{
    envelope::{Envelope, Trigger, new_traceparent},
    provider::event::words::words,
};

use super::{
    payment::{Event, PAYER, text},
    world::{Told, World},
};

/// Half of a surrogate pair, which some write where they cut an emoji, and a NUL: a text that nobody needs may hold them.
const ODD_TEXT: &str = r"Anna \ud83d\u0000 Example";

impl World {
    /// A body with what payers write.
    fn written(&self, body: String) -> String {
        match self.inner().settings.get("texts") {
            "odd" => body.replace(PAYER, ODD_TEXT),
            _ => body,
        }
    }

    /// What a source's provider made of what is wanted, with the bodies of its list.
    pub fn made_at(&self, source: &str, wanted: impl Fn(&Event) -> bool) -> Vec<(Event, String)> {
        let events: Vec<Event> = {
            let payments = self.payments();
            let there = payments.values().filter(|payment| payment.way.source() == source);
            there.flat_map(|payment| payment.events.values().filter(|event| wanted(event)).cloned()).collect()
        };
        let written = |event: Event| {
            let body = self.written(text(&event.body));
            (event, body)
        };
        events.into_iter().map(written).collect()
    }

    pub(super) fn deliver(&self, name: &str, word: &str, as_new: bool) {
        let (body, source, told) = {
            let mut payments = self.payments();
            let Some(payment) = payments.get_mut(name) else {
                return;
            };
            let source = payment.way.source();
            let Some(event) = payment.events.get_mut(word) else {
                return;
            };
            event.told += 1;
            let body = if as_new { event.anew() } else { event.body.clone() };
            (text(&body), source, event.told)
        };
        let body = Bytes::from(self.written(body));
        let config = self.config();
        // Some name their events in a header.
        let id = match as_new {
            true => format!("msg_{name}_{word}_n{told}"),
            false => format!("msg_{name}_{word}"),
        };
        let words = words(&config.sources[source].events, &|_| Some(id.clone()), &body);
        let envelope = Envelope {
            body,
            content_type: "application/json".into(),
            source: source.into(),
            event_id: words.event_id,
            event_type: words.event_type,
            received_at_ms: self.now(),
            delivery: format!("{}-{told}", delivery(name, word)),
            trigger: Trigger::Webhook,
            traceparent: new_traceparent(),
        };
        let confirmed = self.broker.publish(envelope.clone());
        if confirmed {
            self.inner().told.push(Told { payment: name.to_owned(), envelope });
        }
        // Without a 2xx its provider tells it again, at the end at the latest.
        let mut payments = self.payments();
        let event = payments.get_mut(name).and_then(|payment| payment.events.get_mut(word));
        event.into_iter().for_each(|event| event.unheard = !confirmed);
    }
}

/// How deliveries of an event begin. A dot begins the number of one event of several.
pub(super) fn delivery(payment: &str, word: &str) -> String {
    format!("{payment}-{}", word.replace('.', "_"))
}
