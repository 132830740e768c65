//! `[sources.NAME.fetch]`: what the worker asks of the provider's API before it believes an event.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{pointer::Pointer, test::Test};

/// How the API is asked, and for what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// How `api_key` is shown.
    pub auth: Auth,
    /// Path of the token, with `oauth2`.
    pub token_url: Option<String>,
    /// Further fixed headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whose data is asked for, where one key reads several accounts.
    pub context: Option<Context>,
    /// First one that fits.
    pub from: Vec<From>,
}

/// How `api_key` is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// `Authorization: Bearer KEY`
    Bearer,
    /// `Authorization: Basic …`, of `user:password`; a key without a colon is a user without a password.
    Basic,
    /// `client_id:client_secret` buys a bearer token at `token_url`.
    OAuth2,
    /// A header of its own.
    Header(String),
}

/// Whose data is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// A path of accounts in the event; its last part is the event's account.
    pub at: Pointer,
    /// The header that sends it back.
    pub header: String,
}

/// One thing to ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// Event types; empty: all.
    #[serde(default)]
    pub types: Vec<String>,
    /// Must hold for the event.
    #[serde(default)]
    pub when: Vec<Test>,
    /// Path below `api_base`; `{/pointer}` is a value of the event, one part of the path.
    pub url: String,
    /// Where the answer holds what the event is about.
    #[serde(default)]
    pub object: Pointer,
    /// Where that tells its own id: it must be the first value that stands in `url`. Not set: not looked at.
    pub names: Option<Pointer>,
}
