//! What every call out of this process has in common, whoever is called: where it may go, what its client never
//! does by itself, and what may be said of its failure. Who may be called how often is the caller's business.

use std::{error::Error as _, time::Duration};

use anyhow::Context as _;
use reqwest::{Client, ClientBuilder, Url, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Where others may be.
pub mod address;

/// What is wrong with a certificate, and what to do.
pub mod certificates;

/// The way out.
pub mod proxy;

/// The words of others, made safe to keep.
pub mod redact;

/// Longest time to connect, TLS included; never more than half of the call's own.
pub const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// How a private CA is made known to this machine.
const SYSTEM_CA: &str = "add its CA to the system's (update-ca-certificates)";

/// A client that makes one attempt per call: no redirect, no retry in any layer, no proxy of the environment,
/// HTTP/1.1, certificates checked by the platform's verifier. [`finish`] makes it.
pub fn builder(base: &Url, timeout: Duration) -> ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
    let builder = Client::builder()
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

/// The client, with the way out that the settings name.
pub fn finish(builder: ClientBuilder, proxy: Option<&Secret>) -> anyhow::Result<Client> {
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy::of(proxy)?),
        None => builder,
    };
    builder.build().map_err(|error| {
        let why = innermost(&error);
        anyhow::anyhow!(
            "no HTTP client can be made: {}",
            certificates::advice(&why, SYSTEM_CA, "").unwrap_or(why)
        )
    })
}

/// The text of the cause that no other cause explains.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
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
    let cause = if error.source().is_some() { innermost(&error) } else { String::new() };
    let to_do = tunnel(&error).map(str::to_owned).or_else(|| certificates::advice(&cause, SYSTEM_CA, ""));
    let text = match to_do {
        Some(to_do) => format!("{what}: {cause}; {to_do}"),
        None => format!("{what}: {cause}"),
    };
    redact::redact(&text, token)
}

/// What to do about the proxy, where it is what failed.
fn tunnel(error: &reqwest::Error) -> Option<&'static str> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(advice) = proxy::advice(&inner.to_string()) {
            return Some(advice);
        }
        cause = inner.source();
    }
    None
}
