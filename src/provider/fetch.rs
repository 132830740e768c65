//! Asking the provider's API what an event is about, where the event itself proves nothing or tells too little. For the
//! worker; the receiver makes no call.
//!
//! One try for one reading, and only as long as the caller has patience: what cannot be asked now is held and read again
//! by the worker, so a provider's bad hour holds up nobody else's payments. What the API does not know is held too, not
//! dropped: a key of another account or mode would make every payment unknown.

use std::{
    fmt::Write as _,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{
    RequestBuilder, Response, Url,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{json, path, rest::Rest};
use crate::{
    config::{
        Source,
        preset::{
            Fetch,
            fetch::{Auth, From},
        },
    },
    domain::facts::Unread,
    outbound::{self, address::base_url},
};

/// Longest time for one answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Requests per second to one provider, per source and process.
const REQUESTS_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// A bought token is renewed so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// One source's API. Not `Debug`: it holds the key.
pub(super) struct Api {
    http: reqwest::Client,
    base: Url,
    fetch: Fetch,
    key: SecretString,
    pace: DefaultDirectRateLimiter,
    rest: Rest,
    token: Mutex<Option<(SecretString, Instant)>>,
}

#[derive(Deserialize)]
struct Bought {
    access_token: SecretString,
    expires_in: u64,
}

/// Why there is no answer.
pub(super) enum Trouble {
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

fn away(why: &str) -> Trouble {
    Trouble::Away(why.to_owned())
}

fn refused(why: &str) -> Trouble {
    Trouble::Refused(why.to_owned())
}

impl Api {
    /// The API of a source that fetches; `None`: it does not, or has no key. `rest`: how long it is left alone when it
    /// has failed.
    pub(super) fn open(source: &Source, rest: Duration) -> anyhow::Result<Option<Self>> {
        let (Some(fetch), Some(key)) = (&source.fetch, &source.api_key) else { return Ok(None) };
        let key = key.resolve().map_err(|why| anyhow::anyhow!("api_key: {why}"))?;
        let base = base_url(&source.api_base, "api_base")?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &fetch.headers {
            let name: HeaderName =
                name.parse().with_context(|| format!("fetch.headers: {name:?} is no name"))?;
            headers.insert(name, value.parse().context("fetch.headers: a value cannot stand in a header")?);
        }
        let builder = outbound::builder(&base, ANSWER_TIMEOUT).default_headers(headers);
        Ok(Some(Self {
            http: outbound::finish(builder, source.proxy.as_ref())?,
            base,
            fetch: fetch.clone(),
            key,
            pace: RateLimiter::direct(Quota::per_second(REQUESTS_PER_SECOND_MAX)),
            rest: Rest::new(rest),
            token: Mutex::default(),
        }))
    }

    /// The answer that tells what the event is about, as it is now. `patience`: the longest time for it; with none, the
    /// API is not asked now.
    pub(super) async fn get(&self, from: &From, event: &Value, patience: Duration) -> Result<Value, Unread> {
        let url = url(&self.base, &from.url, event).ok_or_else(|| {
            refused("the event does not name what is to be asked for at the provider's API")
        })?;
        if patience.is_zero() {
            return Err(Unread::Unfetched(
                "it came in one request with many others: the provider's API is asked for it later".into(),
            ));
        }
        self.rest.may_ask(patience, Instant::now()).map_err(Unread::Unfetched)?;
        self.pace.until_ready().await;
        let asked = tokio::time::timeout(patience, self.ask(url, event)).await;
        let late = || format!("no whole answer within {}", humantime::format_duration(patience));
        let told = asked.unwrap_or_else(|_| Err(Trouble::Away(late()))).map_err(Unread::from);
        let failed = match &told {
            Err(Unread::Unfetched(why)) => Some(why.as_str()),
            Ok(_) | Err(Unread::Unreadable(_)) => None,
        };
        self.rest.heard(failed, Instant::now());
        told
    }

    /// Whether there is somebody at its address; where a token is bought, whether the key buys one. In words.
    pub(super) async fn health(&self) -> Result<&'static str, String> {
        let words = |trouble| match trouble {
            Trouble::Away(why) | Trouble::Refused(why) => why,
        };
        if self.fetch.auth == Auth::OAuth2 {
            return self.bought().await.map(|_| "takes the key").map_err(words);
        }
        let tell = |error| outbound::tell(error, ANSWER_TIMEOUT, self.key.expose_secret());
        self.http.get(self.base.clone()).send().await.map_err(tell)?;
        Ok("is reached; whether it takes the key shows with the first event")
    }

    async fn ask(&self, url: Url, event: &Value) -> Result<Value, Trouble> {
        let mut request = self.authorized(self.http.get(url)).await?;
        if let Some(context) = &self.fetch.context
            && let Some(value) = event.pointer(&context.at).and_then(Value::as_str)
        {
            request = request.header(&*context.header, value);
        }
        let answer = self.answer(request).await?;
        let told = json::tree(&answer).map_err(|_| away("its answer is no JSON; is api_base right?"))?;
        Ok(told.value)
    }

    async fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, Trouble> {
        let key = self.key.expose_secret();
        Ok(match &self.fetch.auth {
            Auth::Bearer => request.bearer_auth(key),
            Auth::Basic => {
                let (user, password) = key.split_once(':').unwrap_or((key, ""));
                request.basic_auth(user, Some(password))
            }
            Auth::Header(name) => {
                let mut value = HeaderValue::from_str(key)
                    .map_err(|_| refused("api_key holds characters that cannot stand in a header"))?;
                value.set_sensitive(true);
                request.header(name, value)
            }
            Auth::OAuth2 => request.bearer_auth(self.bought().await?.expose_secret()),
        })
    }

    /// A token that still holds; a new one where none does.
    async fn bought(&self) -> Result<SecretString, Trouble> {
        let mut held = self.token.lock().await;
        if let Some((token, until)) = &*held
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let url = url(&self.base, self.fetch.token_url.as_deref().unwrap_or_default(), &Value::Null)
            .ok_or_else(|| refused("fetch.token_url is no path"))?;
        let (user, password) = self.key.expose_secret().split_once(':').unwrap_or_default();
        let request = self
            .http
            .post(url)
            .basic_auth(user, Some(password))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = self.answer(request).await?;
        let bought: Bought =
            serde_json::from_slice(&answer).map_err(|_| away("it sells no token; is api_base right?"))?;
        let lasts = Duration::from_secs(bought.expires_in).saturating_sub(TOKEN_MARGIN);
        *held = Instant::now().checked_add(lasts).map(|until| (bought.access_token.clone(), until));
        Ok(bought.access_token)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Vec<u8>, Trouble> {
        let tell = |error| Trouble::Away(outbound::tell(error, ANSWER_TIMEOUT, self.key.expose_secret()));
        let response = request.send().await.map_err(tell)?;
        match response.status().as_u16() {
            200 | 201 => body(response, tell).await,
            401 | 403 => {
                // A token that was taken back is not tried again.
                if self.fetch.auth == Auth::OAuth2 {
                    self.token.try_lock().map(|mut held| *held = None).unwrap_or_default();
                }
                Err(away("it does not take the key; renew api_key and restart the worker"))
            }
            404 | 410 => Err(refused(
                "the provider's API does not know it: it was made up, or api_key is of another account or mode; correct api_key and restart the worker, which reads it again",
            )),
            status @ (408 | 429 | 500..=599) => Err(Trouble::Away(format!("HTTP {status}"))),
            status => Err(Trouble::Refused(format!(
                "the provider's API refuses to tell of it: HTTP {status}; when that is mended, restart the worker, which reads it again"
            ))),
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

/// A template below the base. `{/pointer}` is one part of the path, whatever it holds; a template that is nothing else
/// may name a whole path. `None`: a value is missing, or would lead elsewhere.
fn url(base: &Url, template: &str, event: &Value) -> Option<Url> {
    let value = |at: &str| event.pointer(at).and_then(path::id).filter(|text| !text.is_empty());
    let whole =
        template.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).filter(|at| !at.contains('{'));
    let filled = match whole {
        Some(at) => value(at).filter(|path| path.starts_with('/') && !path.contains(['?', '#']))?,
        None => fill(template, value)?,
    };
    let (path, query) = filled.split_once('?').unwrap_or((&filled, ""));
    // The library takes these out, and then the path names something else.
    if path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return None;
    }
    let mut url = base.clone();
    let below = base.path().trim_end_matches('/');
    let path = format!("{below}{path}");
    url.set_path(&path);
    // The library reads some texts as dots or slashes, too, and takes others out.
    if url.path() != path {
        return None;
    }
    url.set_query((!query.is_empty()).then_some(query));
    Some(url)
}

/// Whether the answer tells of what was asked for. One that tells of another payment would grant that one, and this one
/// would be a duplicate of it.
pub(super) fn is_asked(from: &From, event: &Value, object: &Value) -> bool {
    let Some(names) = from.names.as_ref().filter(|_| object.is_object()) else { return true };
    let first = from.url.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let asked = first.and_then(|(at, _)| event.pointer(at)).and_then(path::id);
    asked.is_some() && asked == object.pointer(names).and_then(path::id)
}

fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('{') {
        let (at, after) = after.split_once('}')?;
        out.push_str(before);
        for byte in value(at)?.bytes() {
            match byte {
                b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
                _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
                _ => {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_part_of_the_path_and_leads_nowhere_else() {
        let base = Url::parse("https://api.example.org/v9/").unwrap();
        for (template, id, want) in [
            ("/payments/{/id}", "tr_1", Some("https://api.example.org/v9/payments/tr_1")),
            (
                "/payments/{/id}/verify?full=1",
                "1",
                Some("https://api.example.org/v9/payments/1/verify?full=1"),
            ),
            (
                "/payments/{/id}",
                "a/../b c?x#y",
                Some("https://api.example.org/v9/payments/a%2F..%2Fb%20c%3Fx%23y"),
            ),
            ("/payments/{/id}", "..", None),
            ("/payments/{/id}", "", None),
            ("/payments/{/gone}", "tr_1", None),
            ("{/id}", "/v1/charges/ch_1", Some("https://api.example.org/v9/v1/charges/ch_1")),
            ("{/id}", "//evil.example/x", None),
            ("{/id}", "https://evil.example/x", None),
            ("{/id}", "/v1/../../x", None),
            ("{/id}", "/v1/charges?x=1", None),
            ("{/id}", "/v1\\..\\..\\x", None),
            ("{/id}", "/v1/%2e%2E/x", None),
            ("{/id}", "/v1/.\t./x", None),
        ] {
            let event = serde_json::json!({ "id": id });
            assert_eq!(url(&base, template, &event).as_ref().map(Url::as_str), want, "{template} {id}");
        }
    }
}
