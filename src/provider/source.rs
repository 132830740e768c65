//! The configured webhook endpoints, resolved in two ways: with secrets for the receiver, without for the
//! worker. A receiver that cannot read one secret of one source does not start.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use super::{
    PRESETS, Preset,
    read::{Unreadable, read},
    signature::Keys,
    words,
};
use crate::{
    config::{self, Config},
    domain::facts::Facts,
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

/// One endpoint, as the receiver needs it.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) preset: &'static Preset,
    pub(super) keys: Keys,
    pub(super) tolerance: Duration,
}

/// Every endpoint of the receiver, by name.
#[derive(Debug)]
pub struct Sources(pub(super) HashMap<String, Endpoint>);

impl Sources {
    /// Resolves every secret.
    pub fn with_secrets(config: &Config) -> Result<Self, SourceError> {
        let endpoint = |(name, source): (&String, &config::Source)| {
            let error = |problem| SourceError { source_name: name.clone(), problem };
            let preset = preset(name, source)?;
            let secrets = source.secrets.iter().map(config::Secret::resolve).collect::<Result<Vec<_>, _>>();
            let secrets = secrets.map_err(|problem| error(format!("secrets: {problem}")))?;
            let keys = Keys::new(&secrets).ok_or_else(|| {
                error(
                    "has no secret; set secrets = [{ env = \"…\" }] to the signing secret of the endpoint"
                        .into(),
                )
            })?;
            Ok((name.clone(), Endpoint { preset, keys, tolerance: source.tolerance }))
        };
        config.sources.iter().map(endpoint).collect::<Result<_, _>>().map(Self)
    }

    /// The same sources for reading bodies; asks for no secret.
    pub fn readers(config: &Config) -> Result<Readers, SourceError> {
        let reader = |(name, source): (&String, &config::Source)| {
            Ok((name.clone(), (preset(name, source)?, source.clone())))
        };
        config.sources.iter().map(reader).collect::<Result<_, _>>().map(|all| Readers(Arc::new(all)))
    }
}

/// The preset a source names.
pub fn preset(name: &str, source: &config::Source) -> Result<&'static Preset, SourceError> {
    PRESETS.iter().find(|preset| preset.name == source.provider).copied().ok_or_else(|| {
        let known: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        SourceError {
            source_name: name.to_owned(),
            problem: format!("provider = {:?} is not known; known: {}", source.provider, known.join(", ")),
        }
    })
}

/// Reads bodies of every source. Cheap to clone.
#[derive(Clone)]
pub struct Readers(Arc<HashMap<String, (&'static Preset, config::Source)>>);

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Readers {
    /// Tells event id and type of bodies of a source; `None`: it is not in the settings.
    pub fn namer(
        &self,
        source_name: &str,
    ) -> Option<impl Fn(&[u8]) -> Option<(String, String)> + Send + use<>> {
        let (preset, _) = self.0.get(source_name)?;
        let map = &preset.events;
        Some(move |body: &[u8]| words::peek(map, body).map(|words| (words.event_id, words.event_type)))
    }

    /// What the event says, by the settings of the source it came in by.
    pub fn read(&self, source_name: &str, body: &[u8]) -> Result<Facts, Unreadable> {
        match self.0.get(source_name) {
            Some((preset, source)) => read(&preset.events, source, body),
            None => Err(Unreadable(
                "its source is not in the settings any more; configure a source of that name again".into(),
            )),
        }
    }
}
