//! The configured webhook endpoints, resolved. A receiver that cannot read one secret of one source does not start.

use std::{collections::HashMap, sync::Arc};

use actix_http::StatusCode;

use super::{refused::Refused, signature::Keys};
use crate::{
    config::{self, Config},
    provider::readers::SourceError,
};

/// One endpoint, as the receiver needs it.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) source: config::Source,
    pub(super) keys: Keys,
    /// What a bad signature is answered with.
    pub(super) bad_signature: StatusCode,
}

/// Every endpoint of the receiver, by name.
#[derive(Debug)]
pub struct Sources {
    pub(super) endpoints: HashMap<String, Endpoint>,
    pub(super) refused: Arc<Refused>,
}

impl Sources {
    /// Resolves every secret.
    pub fn with_secrets(config: &Config) -> Result<Self, SourceError> {
        let endpoint = |(name, source): (&String, &config::Source)| {
            let error = |problem| SourceError { source_name: name.clone(), problem };
            let secrets = source.secrets.iter().map(config::Secret::resolve).collect::<Result<Vec<_>, _>>();
            let secrets = secrets.map_err(|problem| error(format!("secrets: {problem}")))?;
            let keys = Keys::new(&source.signature, &secrets).map_err(|problem| error(problem.to_owned()))?;
            Ok((
                name.clone(),
                Endpoint {
                    source: source.clone(),
                    keys,
                    bad_signature: StatusCode::from_u16(source.signature.status)
                        .unwrap_or(StatusCode::BAD_REQUEST),
                },
            ))
        };
        let endpoints = config.sources.iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Self { endpoints, refused: Arc::new(Refused::of(config.sources.keys())) })
    }

    /// What the receiver of these sources refuses.
    pub fn refused(&self) -> Arc<Refused> {
        self.refused.clone()
    }
}
