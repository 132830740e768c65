use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

use super::{RequestParts, keys::Ready, signed};
use crate::{
    config::{
        Source,
        preset::{
            Signature,
            signature::{Check, Encoding, Part, Timestamp, Unit},
        },
    },
    provider::{
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
    let written = |tag: Vec<u8>| match scheme.encoding {
        Encoding::Hex => hex::encode(tag),
        Encoding::Base64 => STANDARD.encode(tag),
    };
    let mut out = Signed { headers: Vec::new(), query: String::new(), body: body.to_vec() };
    let assign = scheme.assign.map(String::from).unwrap_or_default();
    let under_its_key =
        |value: &str| format!("{}{assign}{value}", scheme.element.as_deref().unwrap_or_default());
    if scheme.check == Check::Token {
        place(scheme, &mut out, &under_its_key(secret.expose_secret()));
        return Ok(out);
    }
    if let Some(field) = &scheme.field {
        let mut whole = parse(source.events.format, body).map_err(|why| why.to_string())?;
        let around = RequestParts { headers: &|_| Vec::new(), query: "", client: None };
        for item in items::of_mut(&source.events, &mut whole).ok_or("the body holds no list of events")? {
            let signed = signed(source, &scheme.signed, &around, b"", body, Some(item))
                .map_err(|why| why.to_string())?;
            let tag = written(ready.key.over(&signed).into_bytes());
            path::put(item, field, tag.into());
        }
        out.body = serde_json::to_vec(&whole).map_err(|error| error.to_string())?;
        return Ok(out);
    }
    let timestamp = match scheme.timestamp.as_ref().map(|place| place.unit) {
        None => String::new(),
        Some(Unit::Seconds | Unit::SecondsOrMillis) => now_ms.div_euclid(1000).to_string(),
        Some(Unit::Millis) => now_ms.to_string(),
    };
    for part in &scheme.signed.0 {
        match part {
            Part::Header(name) => out.headers.push((name.clone(), id.to_owned())),
            // What the query names is what the event is about.
            Part::Query(key) | Part::QueryLower(key) => {
                let whole = parse(source.events.format, body).map_err(|why| why.to_string())?;
                let at = format!("/{}", key.replace('.', "/"));
                let value = whole.pointer(&at).and_then(path::text).unwrap_or_else(|| id.to_owned());
                out.query = form_urlencoded::Serializer::new(out.query).append_pair(key, &value).finish();
            }
            Part::Literal(_) | Part::Timestamp | Part::Body | Part::Url | Part::Field(_) => {}
        }
    }
    let tag = {
        let headers = |name: &str| {
            out.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_bytes()).collect()
        };
        let around = RequestParts { headers: &headers, query: &out.query, client: None };
        let signed = signed(source, &scheme.signed, &around, timestamp.as_bytes(), body, None)
            .map_err(|why| why.to_string())?;
        written(ready.key.over(&signed).into_bytes())
    };
    let mut value = under_its_key(&tag);
    match &scheme.timestamp {
        Some(Timestamp { element: Some(key), .. }) => {
            let list = scheme.list.map(String::from).unwrap_or_default();
            value = format!("{key}{assign}{timestamp}{list}{value}");
        }
        Some(Timestamp { header: Some(name), .. }) => out.headers.push((name.clone(), timestamp)),
        _ => {}
    }
    place(scheme, &mut out, &value);
    Ok(out)
}

/// Puts a signature where the scheme has it.
fn place(scheme: &Signature, out: &mut Signed, value: &str) {
    if let Some(name) = &scheme.header {
        out.headers.push((name.clone(), value.to_owned()));
    }
    if let Some(key) = &scheme.query {
        let query = std::mem::take(&mut out.query);
        out.query = form_urlencoded::Serializer::new(query).append_pair(key, value).finish();
    }
}
