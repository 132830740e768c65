//! The reverse proxy's word: it has authenticated the user and names them in a header. Whether the peer may be believed
//! at all is decided before.

use std::collections::BTreeSet;

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::config::{
    ConsoleSettings,
    console::{Role, is_user},
};

/// The header, and who of its users may act.
pub(super) struct Proxy {
    header: HeaderName,
    operators: BTreeSet<String>,
}

impl Proxy {
    pub(super) fn new(console: &ConsoleSettings) -> anyhow::Result<Option<Self>> {
        let Some(name) = &console.proxy_user_header else { return Ok(None) };
        let header = HeaderName::try_from(name.as_str())?;
        Ok(Some(Self { header, operators: console.proxy_operators.iter().cloned().collect() }))
    }

    /// The user; a header that came twice may have been smuggled in by the caller, and names nobody.
    pub(super) fn user(&self, headers: &HeaderMap) -> Option<(String, Role)> {
        let mut values = headers.get_all(&self.header);
        let name = values.next()?.to_str().ok()?.trim();
        if values.next().is_some() || !is_user(name) {
            return None;
        }
        let role = if self.operators.contains(name) { Role::Operator } else { Role::ReadOnly };
        Some((name.to_owned(), role))
    }
}
