//! Bodies in, grants out: the reader, the rules and a real ledger in one process, without queue and partner.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use daybridge::{
    clock,
    config::{Config, check::contradictions, load},
    envelope::{Envelope, Trigger, new_delivery, new_traceparent},
    ledger::{
        Act,
        query::{HeldQuery, Page, TransferQuery},
    },
    provider::Readers,
    provider::event::words::words,
    worker::Interpreter,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::kit::{Kit, sqlite},
    provider::bench::fixture,
};

/// Settings, a ledger, and what reads for it.
pub(crate) struct Till {
    config: Config,
    interpreter: Interpreter,
    pub(crate) kit: Kit,
}

impl Till {
    /// One source `stripe`, with more of its keys.
    pub(crate) async fn open(keys: &str) -> Self {
        Self::of(&format!("[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"s\"]\n{keys}")).await
    }

    /// All sources as they stand in a settings file; nothing in it may contradict.
    pub(crate) async fn of(settings: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = load::parse(settings, Vec::new()).unwrap_or_else(|why| panic!("{settings}\n{why}"));
        assert_eq!(contradictions(&config), Vec::<String>::new());
        let kit = sqlite().await;
        let readers = Arc::new(Readers::new(&config).unwrap());
        let act = Act { who: "ada", reason: "the samples are old" };
        kit.ledger.adopt(0, &act, clock::now_ms()).await.unwrap();
        let stop = CancellationToken::new();
        let interpreter =
            Interpreter::noting(&config, &kit.ledger, readers, &clock::Machine, &stop).await.unwrap();
        Self { config, interpreter, kit }
    }

    /// Records a delivery of an event; how it ended: `granted stripe/pi_3Made`, `held: the sentence` …
    pub(crate) async fn take(&self, event: &Value) -> String {
        self.take_at("stripe", event).await
    }

    /// The same, by a source of that name.
    pub(crate) async fn take_at(&self, source: &str, event: &Value) -> String {
        self.take_body(source, &serde_json::to_vec(event).unwrap()).await
    }

    /// The same, whatever the body is.
    pub(crate) async fn take_body(&self, source: &str, body: &[u8]) -> String {
        let body = Bytes::copy_from_slice(body);
        let words = words(&self.config.sources[source].events, &|_| None, &body);
        let envelope = Envelope {
            body,
            content_type: "application/json".into(),
            source: source.into(),
            event_id: words.event_id,
            event_type: words.event_type,
            received_at_ms: clock::now_ms(),
            delivery: new_delivery(),
            trigger: Trigger::Webhook,
            traceparent: new_traceparent(),
        };
        let facts = self.interpreter.read(&envelope, std::time::Duration::from_secs(20)).await;
        let entry = self.interpreter.entry(&envelope, &facts, false);
        let recorded = self.kit.ledger.record(&entry, clock::now_ms()).await.unwrap();
        let outcome = recorded.outcome.as_str();
        match (&recorded.reason, &recorded.payment) {
            (Some(reason), _) if outcome != "duplicate" => format!("{outcome}: {reason}"),
            (_, Some(payment)) => format!("{outcome} {payment}"),
            (reason, None) => format!("{outcome}: {reason:?}"),
        }
    }

    /// What was granted: channel, days, and the key of the transfer.
    pub(crate) async fn granted(&self) -> Vec<String> {
        let all = self.kit.ledger.transfers(&TransferQuery::default(), &Page::first(1000)).await.unwrap();
        let mut granted: Vec<String> =
            all.iter().map(|one| format!("{} {}d {}", one.channel, one.days, one.key)).collect();
        granted.sort();
        granted
    }

    /// The sentences of all that is held.
    pub(crate) async fn held(&self) -> Vec<String> {
        let held = self.kit.ledger.held(&HeldQuery::default(), 1000, clock::now_ms()).await.unwrap();
        held.into_iter().map(|one| one.reason).collect()
    }
}

/// An event of the fixtures with some of its values changed; `/x` is in the object, `//x` in the event.
pub(crate) fn event(name: &str, edits: &[(&str, Value)]) -> Value {
    let mut event: Value = serde_json::from_slice(&fixture(name)).unwrap();
    for (at, value) in edits {
        let at = at
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('/'))
            .map_or_else(|| format!("/data/object{at}"), str::to_owned);
        let (parent, key) = at.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap_or_else(|| panic!("{name} has no {parent}"))[key] = value.clone();
    }
    // A body of its own is an event of its own.
    let digest = daybridge::envelope::digest(event.to_string().as_bytes());
    if !edits.iter().any(|(at, _)| *at == "//id") {
        event["id"] = format!("evt_{}", &digest[..16]).into();
    }
    event
}

/// `//type`
pub(crate) fn kind(kind: &str) -> (&'static str, Value) {
    ("//type", kind.into())
}

/// What a test tells of several things by name.
pub(crate) type Named<T> = BTreeMap<&'static str, T>;
