//! One GET, tried again where that may help: a read may be repeated. Bounded in time, bytes and tries; its errors
//! never hold the key, and Stripe's own words only where the key was taken.
//!
//! | try | waits before it |
//! |---|---|
//! | 2 | 0.5 s |
//! | 3 | 1 s |
//! | 4, the last | 2 s |
//!
//! each with up to half as much again by chance; longer where `Retry-After` says so, up to [`RETRY_AFTER_MAX`].

use std::time::Duration;

use governor::DefaultDirectRateLimiter;
use reqwest::{
    Response, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::{
    backoff::Backoff,
    config::Secret,
    outbound::{self, redact::redact},
    provider::history::HistoryError,
};

/// Version in which lists are answered; the oldest in which an invoice names its payments.
const API_VERSION: HeaderValue = HeaderValue::from_static("2025-03-31.basil");

/// Longest time for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest page read, in bytes; a longer one is asked for in shorter ones.
pub(super) const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Tries of one request.
pub(super) const TRIES_MAX: u32 = 4;

/// Before the second try, and so on; up to half as long again, at random.
const WAIT: Backoff = Backoff { first: Duration::from_millis(500), most: Duration::from_secs(128) };

/// Longest `Retry-After` waited for; one that asks for more ends the request.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Missed {
    /// Longer than [`PAGE_BYTES_MAX`].
    TooLong,
    /// Anything else.
    Error(HistoryError),
}

impl From<Missed> for HistoryError {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::TooLong => {
                HistoryError::Unreadable(format!("one object is longer than {PAGE_BYTES_MAX} bytes"))
            }
            Missed::Error(error) => error,
        }
    }
}

/// How one try ended badly.
enum Failed {
    /// Another one may do; `Retry-After`, if there was one.
    Again(String, Option<Duration>),
    /// None will.
    For(Missed),
}

/// The client. Not `Debug`: it holds the key.
pub(super) struct Get {
    http: reqwest::Client,
    key: SecretString,
}

impl Get {
    pub(super) fn new(base: &Url, key: SecretString, proxy: Option<&Secret>) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, outbound::bearer(&key, "api_key")?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("stripe-version"), API_VERSION);
        let builder = outbound::builder(base, REQUEST_TIMEOUT).default_headers(headers);
        Ok(Self { http: outbound::finish(builder, proxy)?, key })
    }

    /// The answer's body; `needs` is what the key must be allowed to read, for the error.
    pub(super) async fn get(
        &self,
        pace: &DefaultDirectRateLimiter,
        url: Url,
        needs: &str,
    ) -> Result<Vec<u8>, Missed> {
        let mut tries = 1;
        loop {
            pace.until_ready().await;
            let (why, asked) = match self.once(url.clone(), needs).await {
                Ok(body) => return Ok(body),
                Err(Failed::For(missed)) => return Err(missed),
                Err(Failed::Again(why, asked)) => (why, asked.unwrap_or_default()),
            };
            if tries >= TRIES_MAX || asked > RETRY_AFTER_MAX {
                return Err(Missed::Error(HistoryError::Away(format!("{why}, at try {tries}"))));
            }
            tokio::time::sleep(wait(tries).max(asked)).await;
            tries = tries.saturating_add(1);
        }
    }

    async fn once(&self, url: Url, needs: &str) -> Result<Vec<u8>, Failed> {
        let tell =
            |error| Failed::Again(outbound::tell(error, REQUEST_TIMEOUT, self.key.expose_secret()), None);
        let response = self.http.get(url).send().await.map_err(tell)?;
        let status = response.status().as_u16();
        let asked = retry_after(&response);
        match status {
            200 => body(response, tell).await,
            429 | 500..=599 => Err(Failed::Again(format!("HTTP {status}"), asked)),
            401 => refused("HTTP 401: it does not take the key; renew api_key"),
            403 => refused(&format!(
                "HTTP 403: the restricted key lacks a permission; give it Read on {needs}, in the Dashboard under API keys"
            )),
            _ => {
                let body = body(response, tell).await.unwrap_or_default();
                let words = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error.message);
                let words = redact(&words.unwrap_or_default(), self.key.expose_secret());
                refused(&format!("HTTP {status}: {words}; check api_base"))
            }
        }
    }
}

/// Stripe's error body.
#[derive(Deserialize)]
struct Refusal {
    error: RefusalWords,
}

#[derive(Deserialize)]
struct RefusalWords {
    #[serde(default)]
    message: String,
}

fn refused(what: &str) -> Result<Vec<u8>, Failed> {
    Err(Failed::For(Missed::Error(HistoryError::Refused(what.to_owned()))))
}

/// Seconds; Stripe gives no date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn wait(tries: u32) -> Duration {
    WAIT.part(tries.saturating_sub(1), 1.0, 1.5)
}

async fn body(mut response: Response, tell: impl Fn(reqwest::Error) -> Failed) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(&tell)? {
        if body.len().saturating_add(part.len()) > PAGE_BYTES_MAX {
            return Err(Failed::For(Missed::TooLong));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
