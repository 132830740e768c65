use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{RequestParts, keys::Ready, signed};
use crate::{
    config::{
        Source,
        preset::{
            pointer::Pointer,
            signature::{Check, Encoding, Part, Timestamp, Unit},
        },
    },
    provider::event::{
        items,
        path::{self, parse},
    },
};

/// A body as its provider would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Headers, each once.
    pub headers: Vec<(String, String)>,
    /// What is put into the URL's query; empty: nothing.
    pub query: String,
    /// The body; changed only where the signature stands in it.
    pub body: Vec<u8>,
}

/// Signs `body` as the provider would. `id` is what stands in a header that is signed beside it. The error says what
/// cannot be signed.
pub fn sign(
    source: &Source,
    secret: &SecretString,
    body: &[u8],
    id: &str,
    now_ms: i64,
) -> Result<Signed, String> {
    let scheme = &source.signature;
    let ready = Ready::new(scheme, secret).map_err(|why| format!("the source {why}"))?;
    let signer = Signer { source, ready, body };
    match (scheme.check, &scheme.field) {
        (Check::Token, _) => Ok(signer.with_token(secret)),
        (Check::Mac, Some(field)) => signer.in_each_event(field),
        (Check::Mac, None) => signer.beside_the_body(id, now_ms),
    }
}

/// One body, and what signs it.
struct Signer<'a> {
    source: &'a Source,
    ready: Ready,
    body: &'a [u8],
}

impl Signer<'_> {
    fn unsigned(&self) -> Signed {
        Signed { headers: Vec::new(), query: String::new(), body: self.body.to_vec() }
    }

    /// The secret itself is what the provider shows.
    fn with_token(&self, secret: &SecretString) -> Signed {
        let mut out = self.unsigned();
        self.place(&mut out, &self.under_its_key(secret.expose_secret()));
        out
    }

    /// Each event of the body holds its own signature.
    fn in_each_event(&self, field: &Pointer) -> Result<Signed, String> {
        let mut whole = self.parsed()?;
        let around = RequestParts { headers: &|_| Vec::new(), query: "", client: None };
        let items =
            items::of_mut(&self.source.events, &mut whole).ok_or("the body holds no list of events")?;
        for item in items {
            let tag = self.tag(&around, "", Some(item))?;
            path::put(item, field, tag.into());
        }
        let body = serde_json::to_vec(&whole).map_err(|error| error.to_string())?;
        Ok(Signed { body, ..self.unsigned() })
    }

    /// The signature stands in a header or in the query, over the body and what is signed beside it.
    fn beside_the_body(&self, id: &str, now_ms: i64) -> Result<Signed, String> {
        let mut out = self.unsigned();
        let timestamp = self.timestamp(now_ms);
        self.add_what_is_signed(&mut out, id)?;
        let tag = {
            let headers = |name: &str| {
                let known = out.headers.iter().filter(|(known, _)| known == name);
                known.map(|(_, value)| value.as_bytes()).collect()
            };
            let around = RequestParts { headers: &headers, query: &out.query, client: None };
            self.tag(&around, &timestamp, None)?
        };
        let value = self.with_timestamp(&mut out, timestamp, self.under_its_key(&tag));
        self.place(&mut out, &value);
        Ok(out)
    }

    fn parsed(&self) -> Result<Value, String> {
        parse(self.source.events.format, self.body).map_err(|why| why.to_string())
    }

    /// The time of signing as the scheme counts it; empty where none is signed.
    fn timestamp(&self, now_ms: i64) -> String {
        match self.source.signature.timestamp.as_ref().map(|place| place.unit) {
            None => String::new(),
            Some(Unit::Seconds | Unit::SecondsOrMillis) => now_ms.div_euclid(1000).to_string(),
            Some(Unit::Millis) => now_ms.to_string(),
        }
    }

    /// The headers and the query that the signature covers.
    fn add_what_is_signed(&self, out: &mut Signed, id: &str) -> Result<(), String> {
        for part in &self.source.signature.signed.0 {
            match part {
                Part::Header(name) => out.headers.push((name.clone(), id.to_owned())),
                // What the query names is what the event is about.
                Part::Query(key) | Part::QueryLower(key) => {
                    let whole = self.parsed()?;
                    let at = format!("/{}", key.replace('.', "/"));
                    let value = whole.pointer(&at).and_then(path::text).unwrap_or_else(|| id.to_owned());
                    add_pair(&mut out.query, key, &value);
                }
                Part::Literal(_) | Part::Timestamp | Part::Body | Part::Url | Part::Field(_) => {}
            }
        }
        Ok(())
    }

    /// The signature as it is written. `item`: the event that is signed, where each is.
    fn tag(
        &self,
        around: &RequestParts<'_>,
        timestamp: &str,
        item: Option<&Value>,
    ) -> Result<String, String> {
        let scheme = &self.source.signature;
        let signed = signed(self.source, &scheme.signed, around, timestamp.as_bytes(), self.body, item)
            .map_err(|why| why.to_string())?;
        let tag = self.ready.key.over(&signed).into_bytes();
        Ok(match scheme.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => STANDARD.encode(tag),
        })
    }

    fn assign(&self) -> String {
        self.source.signature.assign.map(String::from).unwrap_or_default()
    }

    fn under_its_key(&self, value: &str) -> String {
        let key = self.source.signature.element.as_deref().unwrap_or_default();
        format!("{key}{}{value}", self.assign())
    }

    /// Tells the time of signing: before the signature, or in a header of its own.
    fn with_timestamp(&self, out: &mut Signed, timestamp: String, value: String) -> String {
        let scheme = &self.source.signature;
        match &scheme.timestamp {
            Some(Timestamp { element: Some(key), .. }) => {
                let list = scheme.list.map(String::from).unwrap_or_default();
                return format!("{key}{}{timestamp}{list}{value}", self.assign());
            }
            Some(Timestamp { header: Some(name), .. }) => out.headers.push((name.clone(), timestamp)),
            _ => {}
        }
        value
    }

    /// Puts a signature where the scheme has it.
    fn place(&self, out: &mut Signed, value: &str) {
        let scheme = &self.source.signature;
        if let Some(name) = &scheme.header {
            out.headers.push((name.clone(), value.to_owned()));
        }
        if let Some(key) = &scheme.query {
            add_pair(&mut out.query, key, value);
        }
    }
}

fn add_pair(query: &mut String, key: &str, value: &str) {
    let before = std::mem::take(query);
    *query = form_urlencoded::Serializer::new(before).append_pair(key, value).finish();
}
