//! The HTTP client: one attempt per call, bounded in time and bytes.
//!
//! Nothing below may send a call twice, for extend is not idempotent: no redirect is followed, reqwest's retry
//! (on by default for protocol nacks) is off, and a call has a connection of its own, so hyper never meets a stale one that
//! it would silently replace. Reads keep theirs; one that fails there is asked once more on a new one. HTTP/1.1 only; a proxy by `[outbound]` alone, never by the environment. Certificates are checked
//! by the platform's verifier. Pace (`calls_per_second_max`) and back-off are the worker's business.
//!
//! Only a failure to connect is `Reply::NotSent`; it has its own, shorter time limit so that a slow connect
//! does not end as a doubtful call. Errors never show the token, and no body is ever logged.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{
    Partner,
    answer::{self, HttpAnswer},
    deletion, listing,
};
use crate::config::CALL_TIMEOUT_MAX;
use crate::{
    config,
    domain::{
        Ms,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ReadError, Reading, Reply},
    },
    outbound,
};

/// Longest answer read, in bytes; a longer one cannot be used.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Longest list of channels read, in bytes; a channel takes about 400.
pub const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long an idle connection for reads is kept: most servers keep theirs for a minute or more.
const READS_IDLE_MAX: Duration = Duration::from_secs(45);

/// Idle connections that are kept.
const READS_IDLE_COUNT_MAX: usize = 16;

/// The partner over HTTP. Not `Debug`: it holds the token.
pub struct Client {
    /// Keeps no connection.
    calls: reqwest::Client,
    /// Keeps them.
    reads: reqwest::Client,
    base: Url,
    token: SecretString,
    call_timeout: Duration,
}

/// One answer, read whole.
struct Received {
    status: u16,
    content_type: Option<String>,
    retry_after: Option<String>,
    date: Option<String>,
    body: Vec<u8>,
}

/// Why there is no whole answer.
enum Broken {
    /// The connection was never made.
    NotSent(String),
    /// Anything after that; with the status, if one was seen.
    Unclear(Option<u16>, String),
}

impl Broken {
    fn into_text(self) -> String {
        match self {
            Broken::NotSent(text) | Broken::Unclear(None, text) => text,
            Broken::Unclear(Some(status), text) => format!("HTTP {status}, then {text}"),
        }
    }
}

impl Received {
    fn answer(&self) -> HttpAnswer<'_> {
        HttpAnswer {
            status: self.status,
            content_type: self.content_type.as_deref(),
            retry_after: self.retry_after.as_deref(),
            body: &self.body,
        }
    }
}

impl Client {
    /// Resolves the token and checks the address: https, or http on this machine; no user, query or fragment.
    pub fn new(settings: &config::PartnerSettings) -> anyhow::Result<Self> {
        let base = outbound::address::base_url(&settings.base_url, "partner.base_url")?;
        let timeout = settings.call_timeout;
        ensure!(
            !timeout.is_zero() && timeout <= CALL_TIMEOUT_MAX,
            "partner.call_timeout must lie between 1ms and {}",
            humantime::format_duration(CALL_TIMEOUT_MAX)
        );
        let secret = settings.token.as_ref().context("partner.token is not set")?;
        let token = secret.resolve().map_err(|why| anyhow::anyhow!("partner.token: {why}"))?;

        let mut headers = HeaderMap::new();
        let bearer = outbound::bearer(&token, "partner.token")?;
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let builder = outbound::builder(&base, timeout)
            .default_headers(headers.clone())
            .pool_idle_timeout(READS_IDLE_MAX)
            .pool_max_idle_per_host(READS_IDLE_COUNT_MAX);
        let reads = outbound::finish(builder, settings.proxy.as_ref())?;
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        // No connection is kept, so that none is stale.
        let builder = outbound::builder(&base, timeout).default_headers(headers).pool_max_idle_per_host(0);
        let calls = outbound::finish(builder, settings.proxy.as_ref())?;
        Ok(Self { calls, reads, base, token, call_timeout: timeout })
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends what may change something, once.
    async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<serde_json::Value>,
    ) -> Result<Received, Broken> {
        let mut request = self.calls.request(method, url);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.receive(request.send().await, ANSWER_BYTES_MAX).await
    }

    /// Reads. A server may close a kept connection just when it is used again, which says nothing of the server.
    async fn read_at(&self, url: Url, bytes_max: usize) -> Result<Received, ReadError> {
        let begun = Instant::now();
        let answer = match self.reads.get(url.clone()).send().await {
            Err(error) if !error.is_connect() && !error.is_timeout() => {
                let left = self.call_timeout.saturating_sub(begun.elapsed());
                self.calls.get(url).timeout(left).send().await
            }
            answer => answer,
        };
        self.receive(answer, bytes_max).await.map_err(|broken| ReadError::Failed(broken.into_text()))
    }

    async fn receive(
        &self,
        answer: Result<reqwest::Response, reqwest::Error>,
        bytes_max: usize,
    ) -> Result<Received, Broken> {
        let mut response = answer.map_err(|error| {
            let not_sent = error.is_connect() || error.is_builder();
            let text = self.tell(error);
            if not_sent { Broken::NotSent(text) } else { Broken::Unclear(None, text) }
        })?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (content_type, retry_after, date) = (header(CONTENT_TYPE), header(RETRY_AFTER), header(DATE));
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(Received { status, content_type, retry_after, date, body }),
                Ok(Some(part)) if body.len().saturating_add(part.len()) <= bytes_max => {
                    body.extend_from_slice(&part);
                }
                Ok(Some(_)) => {
                    let text = format!("an answer longer than {bytes_max} bytes");
                    return Err(Broken::Unclear(Some(status), text));
                }
                Err(error) => return Err(Broken::Unclear(Some(status), self.tell(error))),
            }
        }
    }

    fn tell(&self, error: reqwest::Error) -> String {
        outbound::tell(error, self.call_timeout, self.token.expose_secret())
    }

    async fn one_channel(&self) -> Result<Received, ReadError> {
        let mut url = self.url(&["channels", "list"]);
        url.set_query(Some("count=1"));
        self.read_at(url, ANSWER_BYTES_MAX).await
    }
}

#[async_trait]
impl Partner for Client {
    async fn read(&self, channel: &ChannelId) -> Result<Reading, ReadError> {
        let received = self.read_at(self.url(&["channels", channel.as_str()]), ANSWER_BYTES_MAX).await?;
        answer::reading(&received.answer(), channel, self.token.expose_secret())
    }

    async fn extend(&self, channel: &ChannelId, days: u32, comment: &str, trace_id: &str) -> Reply {
        let url = self.url(&["channels", channel.as_str(), "extend"]);
        let body = json!({ "days": days, "comment": comment });
        let begun = Instant::now();
        let received = self.call(Method::POST, url, Some(body)).await;
        let status = match &received {
            Ok(received) => Some(received.status),
            Err(Broken::Unclear(status, _)) => *status,
            Err(Broken::NotSent(_)) => None,
        };
        let reply = match received {
            Ok(received) => answer::reply(&received.answer(), channel, now(), self.token.expose_secret()),
            Err(Broken::NotSent(text)) => Reply::NotSent(text),
            Err(broken @ Broken::Unclear(..)) => Reply::Unclear(broken.into_text()),
        };
        tell_extend(&reply, trace_id, channel, days, status, begun.elapsed());
        reply
    }

    async fn make_live(&self, channel: &ChannelId) -> Result<(), ReadError> {
        let url = self.url(&["channels", channel.as_str(), "mode"]);
        let received = self.call(Method::PATCH, url, Some(json!({ "mode": "live" }))).await;
        let received = received.map_err(|broken| ReadError::Failed(broken.into_text()))?;
        answer::mode_set(&received.answer(), self.token.expose_secret())
    }

    async fn delete(&self, channel: &ChannelId) -> Deletion {
        let url = self.url(&["channels", channel.as_str()]);
        match self.call(Method::DELETE, url, None).await {
            Ok(received) => deletion::deletion(&received.answer(), channel, self.token.expose_secret()),
            Err(Broken::NotSent(text)) => Deletion::NotSent(text),
            Err(broken @ Broken::Unclear(..)) => Deletion::Unclear(broken.into_text()),
        }
    }

    async fn list(&self, offset: u32, count: u32) -> Result<ChannelPage, ReadError> {
        let mut url = self.url(&["channels", "list"]);
        url.set_query(Some(&format!("count={count}&offset={offset}")));
        let received = self.read_at(url, LIST_BYTES_MAX).await?;
        listing::page(&received.answer(), self.token.expose_secret())
    }

    async fn clock(&self) -> Option<Ms> {
        let received = self.one_channel().await.ok()?;
        let date = jiff::fmt::rfc2822::parse(&received.date?).ok()?;
        Some(date.timestamp().as_millisecond())
    }

    async fn health(&self) -> Result<(), ReadError> {
        let received = self.one_channel().await?;
        answer::list_seen(&received.answer(), self.token.expose_secret())
    }
}

/// The line of an answer. What is accepted has one of its own when it is settled.
fn tell_extend(
    reply: &Reply,
    trace: &str,
    channel: &ChannelId,
    days: u32,
    status: Option<u16>,
    elapsed: Duration,
) {
    let outcome = match reply {
        Reply::Accepted { .. } => "accepted",
        Reply::Refused { .. } => "refused",
        Reply::Throttled { .. } => "throttled",
        Reply::NotSent(_) => "not sent",
        Reply::Unclear(_) => "unclear",
    };
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if matches!(reply, Reply::Accepted { .. }) {
        tracing::debug!(trace, %channel, days, status, outcome, elapsed_ms, "partner answered extend");
    } else {
        tracing::info!(trace, %channel, days, status, outcome, elapsed_ms, "partner answered extend");
    }
}

fn now() -> Ms {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_needs_a_token_and_a_timeout() {
        let local =
            || config::PartnerSettings { base_url: "http://127.0.0.1:9/base/".into(), ..Default::default() };
        assert!(Client::new(&local()).is_err());
        let with =
            |token: &str| config::PartnerSettings { token: Some(config::Secret::plain(token)), ..local() };
        let client = Client::new(&with("t")).unwrap();
        assert_eq!(client.url(&["channels", "X-1"]).as_str(), "http://127.0.0.1:9/base/channels/X-1");
        assert!(Client::new(&with("")).is_err());
        let error = Client::new(&with("a\nsecret")).err().unwrap();
        assert!(!format!("{error:?}").contains("secret"));
        for timeout in [Duration::ZERO, CALL_TIMEOUT_MAX + Duration::from_millis(1)] {
            assert!(Client::new(&config::PartnerSettings { call_timeout: timeout, ..with("t") }).is_err());
        }
    }
}
