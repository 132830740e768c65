//! Asking the provider's API what an event is about, where the event itself proves nothing or tells too little. For the
//! worker; the receiver makes no call.
//!
//! One try for one reading, and only as long as the caller has patience: what cannot be asked now is held and read again
//! by the worker, so a provider's bad hour holds up nobody else's payments. What the API does not know is held too, not
//! dropped: a key of another account or mode would make every payment unknown.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method, Request, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::{
    circuit_breaker::CircuitBreaker,
    event::{json, path},
    wire::{Http, Trouble, Wire, away, refused},
};
use crate::{
    config::{
        Source,
        preset::{
            Fetch,
            fetch::{Auth, From},
        },
    },
    domain::facts::Unread,
    outbound::address::base_url,
};

/// A bought token is renewed so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// One source's API. Not `Debug`: it holds the key.
pub(super) struct Api {
    wire: Arc<dyn Wire>,
    base: Url,
    fetch: Fetch,
    key: SecretString,
    rest: CircuitBreaker,
    token: Mutex<Option<(SecretString, Instant)>>,
}

#[derive(Deserialize)]
struct Bought {
    access_token: SecretString,
    expires_in: u64,
}

impl Api {
    /// The API of a source that fetches; `None`: it does not, or has no key. `rest`: how long it is left alone when it
    /// has failed. `wire`: the door to it; with none, the network.
    pub(super) fn open(
        source: &Source,
        rest: Duration,
        wire: Option<Arc<dyn Wire>>,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(fetch), Some(key)) = (&source.fetch, &source.api_key) else { return Ok(None) };
        let key = key.resolve().map_err(|why| anyhow::anyhow!("api_key: {why}"))?;
        let base = base_url(&source.api_base, "api_base")?;
        let wire = match wire {
            Some(wire) => wire,
            None => Arc::new(Http::open(source, fetch, &base, key.clone())?),
        };
        let (rest, fetch) = (CircuitBreaker::new(rest), fetch.clone());
        Ok(Some(Self { wire, base, fetch, key, rest, token: Mutex::default() }))
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
        self.wire.turn().await;
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
        self.wire.send(Request::new(Method::GET, self.base.clone())).await.map_err(words)?;
        Ok("is reached; whether it takes the key shows with the first event")
    }

    async fn ask(&self, url: Url, event: &Value) -> Result<Value, Trouble> {
        let mut request = Request::new(Method::GET, url);
        self.authorize(request.headers_mut()).await?;
        if let Some(context) = &self.fetch.context
            && let Some(value) = event.pointer(&context.at).and_then(Value::as_str)
        {
            let name = context.header.parse::<HeaderName>();
            let header = name.ok().zip(HeaderValue::from_str(value).ok());
            let (name, value) = header.ok_or_else(|| {
                refused("what the event names as its account cannot stand in a header of a request")
            })?;
            request.headers_mut().insert(name, value);
        }
        let answer = self.answer(request).await?;
        let told = json::tree(&answer).map_err(|_| away("its answer is no JSON; is api_base right?"))?;
        Ok(told.value)
    }

    async fn authorize(&self, headers: &mut HeaderMap) -> Result<(), Trouble> {
        let key = self.key.expose_secret();
        let (name, value) = match &self.fetch.auth {
            Auth::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
            Auth::Basic => (AUTHORIZATION, basic(key)),
            Auth::Header(name) => {
                (name.parse().map_err(|_| refused("fetch.auth: its header's name is none"))?, key.to_owned())
            }
            Auth::OAuth2 => (AUTHORIZATION, format!("Bearer {}", self.bought().await?.expose_secret())),
        };
        headers.insert(name, secret(&value)?);
        Ok(())
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
        let mut request = Request::new(Method::POST, url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, secret(&basic(self.key.expose_secret()))?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        *request.body_mut() = Some("grant_type=client_credentials".into());
        let answer = self.answer(request).await?;
        let bought: Bought =
            serde_json::from_slice(&answer).map_err(|_| away("it sells no token; is api_base right?"))?;
        let lasts = Duration::from_secs(bought.expires_in).saturating_sub(TOKEN_MARGIN);
        *held = Instant::now().checked_add(lasts).map(|until| (bought.access_token.clone(), until));
        Ok(bought.access_token)
    }

    async fn answer(&self, request: Request) -> Result<Vec<u8>, Trouble> {
        let (status, body) = self.wire.send(request).await?;
        match status {
            200 | 201 => Ok(body),
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

/// `user:password`, or a user without one.
fn basic(key: &str) -> String {
    let text = if key.contains(':') { key.to_owned() } else { format!("{key}:") };
    format!("Basic {}", STANDARD.encode(text))
}

fn secret(text: &str) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| refused("api_key holds characters that cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
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
