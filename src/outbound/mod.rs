//! What every call out of this process has in common, whoever is called: where it may go, what its client never
//! does by itself, and what may be said of its failure. Who may be called how often is the caller's business.

use std::{error::Error as _, time::Duration};

use anyhow::Context as _;
use reqwest::{ClientBuilder, Url, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Where others may be.
pub mod address;

/// The words of others, made safe to keep.
pub mod words;

/// Longest time to connect, TLS included; never more than half of the call's own.
pub const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// A client that makes one attempt per call: no redirect, no retry in any layer, no proxy of the environment,
/// HTTP/1.1, certificates checked by the platform's verifier.
pub fn builder(base: &Url, timeout: Duration) -> ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
    let builder = reqwest::Client::builder()
        .user_agent(concat!("daybridge/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT_MAX.min(timeout / 2))
        .timeout(timeout);
    match base.scheme() {
        // Nothing to verify on this machine: do not ask it for root certificates it may not have.
        "http" => builder.tls_certs_only([]),
        _ => builder,
    }
}

/// The header that shows a token; `setting` is its key, for the error.
pub fn bearer(token: &SecretString, setting: &str) -> anyhow::Result<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut bearer = HeaderValue::from_str(&text)
        .ok()
        .with_context(|| format!("{setting} holds characters that cannot stand in a header"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// What broke, without the address and the token; the innermost cause says most.
pub fn tell(error: reqwest::Error, timeout: Duration, token: &str) -> String {
    let what = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connecting took too long".to_owned(),
        (true, false) => format!("no whole answer within {}", humantime::format_duration(timeout)),
        (false, true) => "no connection".to_owned(),
        (false, false) => "the connection broke".to_owned(),
    };
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    let cause = cause.map(ToString::to_string).unwrap_or_default();
    words::clean(&format!("{what}: {cause}"), token)
}
