//! What every object of a list says of itself.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{domain::Ms, provider::history::HistoryError};

#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) created: i64,
    pub(super) livemode: bool,
}

impl Head<'_> {
    pub(super) fn created_at(&self) -> Ms {
        self.created.saturating_mul(1000)
    }
}

pub(super) fn head(object: &[u8]) -> Result<Head<'_>, HistoryError> {
    serde_json::from_slice(object).map_err(|error| unreadable("an object without id, time or mode", &error))
}

/// Where it broke, without quoting it.
pub(super) fn unreadable(what: &str, error: &serde_json::Error) -> HistoryError {
    HistoryError::Unreadable(format!("{what} (line {}, column {})", error.line(), error.column()))
}
