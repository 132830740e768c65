//! The door to a provider's API, and the network behind it.

use std::{num::NonZeroU32, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{
    Request, Response, Url,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    config::{Source, preset::Fetch},
    domain::facts::Unread,
    outbound,
};

/// Longest time for one answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Requests per second to one provider, per source and process.
const REQUESTS_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// The door to one source's API: sends a request, with the key in it, and no other.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Waits until one more request may be sent.
    async fn turn(&self);

    /// The status, and what was answered with 200 or 201; of others, nothing.
    async fn send(&self, request: Request) -> Result<(u16, Vec<u8>), Trouble>;
}

/// Why there is no answer, in words without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Another time there may be one.
    Away(String),
    /// Asking again does not help by itself.
    Refused(String),
}

impl std::convert::From<Trouble> for Unread {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away(why) => {
                Unread::Unfetched(format!("the provider's API is away: {why}; it is asked again"))
            }
            Trouble::Refused(why) => Unread::Unreadable(why),
        }
    }
}

pub(super) fn away(why: &str) -> Trouble {
    Trouble::Away(why.to_owned())
}

pub(super) fn refused(why: &str) -> Trouble {
    Trouble::Refused(why.to_owned())
}

/// The network. Not `Debug`: it holds the key, which no error may tell.
pub(super) struct Http {
    client: reqwest::Client,
    pace: DefaultDirectRateLimiter,
    key: SecretString,
}

impl Http {
    pub(super) fn open(
        source: &Source,
        fetch: &Fetch,
        base: &Url,
        key: SecretString,
    ) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &fetch.headers {
            let name: HeaderName =
                name.parse().with_context(|| format!("fetch.headers: {name:?} is no name"))?;
            headers.insert(name, value.parse().context("fetch.headers: a value cannot stand in a header")?);
        }
        let builder = outbound::builder(base, ANSWER_TIMEOUT).default_headers(headers);
        let client = outbound::finish(builder, source.proxy.as_ref())?;
        Ok(Self { client, pace: RateLimiter::direct(Quota::per_second(REQUESTS_PER_SECOND_MAX)), key })
    }
}

#[async_trait]
impl Wire for Http {
    async fn turn(&self) {
        self.pace.until_ready().await;
    }

    async fn send(&self, request: Request) -> Result<(u16, Vec<u8>), Trouble> {
        let tell = |error| Trouble::Away(outbound::tell(error, ANSWER_TIMEOUT, self.key.expose_secret()));
        let response = self.client.execute(request).await.map_err(tell)?;
        match response.status().as_u16() {
            status @ (200 | 201) => Ok((status, body(response, tell).await?)),
            status => Ok((status, Vec::new())),
        }
    }
}

async fn body(mut response: Response, tell: impl Fn(reqwest::Error) -> Trouble) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(&tell)? {
        if body.len().saturating_add(part.len()) > ANSWER_BYTES_MAX {
            return Err(Trouble::Refused(format!(
                "the answer of the provider's API is longer than {ANSWER_BYTES_MAX} bytes"
            )));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
