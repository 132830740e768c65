//! The configured sources, resolved for whoever reads what they sent: with API keys, and without signing secrets.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use super::{
    event::{
        items::BATCH,
        read::{Beside, read, wanted},
        split,
        unreadable::Unreadable,
        words,
    },
    fetch::Api,
    wire::Wire,
};
use crate::{
    config::{self, Config},
    domain::facts::{Facts, Unread},
    envelope::Envelope,
};

/// What is wrong with a source, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[sources.{source_name}] {problem}")]
pub struct SourceError {
    /// Name of the source.
    pub source_name: String,
    /// In words for the operator; never holds a secret.
    pub problem: String,
}

/// One source, as the worker needs it.
struct Reader {
    source: config::Source,
    api: Option<Api>,
}

/// Event id and type of a line, or why it is no event.
pub type Named = Result<(String, String), &'static str>;

/// Reads bodies of every source. Cheap to clone.
#[derive(Clone)]
pub struct Readers(Arc<HashMap<String, Reader>>);

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Readers {
    /// Asks for no signing secret, but for the key of what is fetched.
    pub fn new(config: &Config) -> Result<Self, SourceError> {
        Self::by(config, |_| None)
    }

    /// The same, where `wire` has another door than the network to a source's API.
    pub fn by(config: &Config, wire: impl Fn(&str) -> Option<Arc<dyn Wire>>) -> Result<Self, SourceError> {
        let reader = |(name, source): (&String, &config::Source)| {
            let error =
                |why: anyhow::Error| SourceError { source_name: name.clone(), problem: format!("{why:#}") };
            let api = Api::open(source, config.worker.fetch_again, wire(name)).map_err(error)?;
            Ok((name.clone(), Reader { source: source.clone(), api }))
        };
        config.sources.iter().map(reader).collect::<Result<_, _>>().map(|all| Self(Arc::new(all)))
    }

    /// Tells event id and type of a line that is one event of a source, or why it is none; `None`: the source is not in
    /// the settings.
    pub fn namer(&self, source_name: &str) -> Option<impl Fn(&[u8]) -> Named + Send + use<>> {
        let map = self.0.get(source_name)?.source.events.clone();
        Some(move |body: &[u8]| match words::peek(&map, &|_| None, body) {
            Some(own) if own.event_type == BATCH => {
                Err("it brings several events: put each of them on a line of its own")
            }
            Some(own) => Ok((own.event_id.unwrap_or_else(|| crate::envelope::digest(body)), own.event_type)),
            None => Err("no event of this source: it has no id or type"),
        })
    }

    /// A message for each event of one that brings several; else the message itself.
    pub fn split(&self, envelope: &Envelope) -> Vec<Envelope> {
        match self.0.get(&envelope.source) {
            Some(reader) => split::split(&reader.source.events, envelope),
            None => vec![envelope.clone()],
        }
    }

    /// Whether the provider's API is asked before an event is believed.
    pub fn asks(&self, envelope: &Envelope) -> bool {
        let Some(reader) = self.0.get(&envelope.source).filter(|reader| reader.api.is_some()) else {
            return false;
        };
        let beside = Beside { event_type: &envelope.event_type, received_at: envelope.received_at_ms };
        matches!(wanted(&reader.source, &envelope.body, beside), Ok(Some(_)))
    }

    /// Whether the API of a source that fetches is there, in words; `None`: nothing is asked of one.
    pub async fn reach(&self, source_name: &str) -> Option<Result<&'static str, String>> {
        let api = self.0.get(source_name)?.api.as_ref()?;
        Some(api.health().await)
    }

    /// What the event says, by the settings of the source it came in by, and by the provider's API where these say so.
    /// `patience`: the longest time for the API's answer.
    pub async fn read(&self, envelope: &Envelope, patience: Duration) -> Result<Facts, Unread> {
        let unreadable = |Unreadable(why)| Unread::Unreadable(why);
        let Some(reader) = self.0.get(&envelope.source) else {
            return Err(Unread::Unreadable(
                "its source is not in the settings any more; configure a source of that name again".into(),
            ));
        };
        let beside = Beside { event_type: &envelope.event_type, received_at: envelope.received_at_ms };
        let wanted = wanted(&reader.source, &envelope.body, beside).map_err(unreadable)?;
        let answer = match (wanted, &reader.api) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(Unread::Unreadable(
                    "what it is about must be asked for at the provider's API: set api_key of its source and restart the worker, which reads it again".into(),
                ));
            }
            (Some((from, event)), Some(api)) => Some(api.get(from, &event, patience).await?),
        };
        read(&reader.source, &envelope.body, beside, answer.as_ref()).map_err(unreadable)
    }
}
