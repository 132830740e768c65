//! The one verifier of signatures; it reads a scheme's table
//! ([`Signature`](crate::config::preset::Signature)).
//!
//! Works on bytes as received, before anything is parsed; only a signature that is carried in the body needs its JSON.
//! Pure: `now` is an argument. Every secret is tried against every signature without early exit, so the time taken does
//! not tell which one matched; the comparison itself is the library's constant-time one. A token is compared the same
//! way: as the MACs of both under the secret.
//!
//! Not for: telling duplicates apart. A retry is signed anew, or as before; the record of payments does that.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    config::{
        Source,
        preset::{
            pointer::Pointer,
            signature::{Check, Part, Template},
        },
    },
    provider::event::{items, path},
};

/// What a request brings besides its body.
mod around;

/// Time and signatures out of the headers.
mod claim;

/// Secrets, ready to use.
mod keys;

/// Signing as a provider would.
mod sign;

pub use around::RequestParts;
use claim::{Claim, Given};
pub use claim::{HEADER_BYTES_MAX, SIGNATURES_MAX};
pub use keys::Keys;
pub use sign::{Signed, sign};

/// A body whose signature was checked. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Verified {
    body: Bytes,
    key: usize,
}

impl Verified {
    /// The body, as received.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Position of the secret that matched, for seeing when an old one is out of use.
    pub fn key(&self) -> usize {
        self.key
    }

    /// Gives the body away.
    pub fn into_body(self) -> Bytes {
        self.body
    }
}

/// Why a request is refused; for logs and metrics. Outside it is one status and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// No signature, or an empty one.
    #[error("the signature is missing")]
    Missing,
    /// Several headers, no single time in digits, or no well-formed signature of the scheme.
    #[error("the signature is malformed")]
    Malformed,
    /// Signed longer ago than the tolerance.
    #[error("the signature is too old")]
    TooOld,
    /// Signed further ahead of our clock than the tolerance.
    #[error("the signature lies in the future; is this machine's clock right?")]
    InFuture,
    /// No signature fits any secret.
    #[error("no signature matches; is the source's secret the one of this endpoint?")]
    NoMatch,
    /// Not from an address of the provider.
    #[error("the caller's address is not one of signature.addresses; are server.trusted_proxies right?")]
    Stranger,
}

/// What can be told before the body is there: `Err` is what [`verify`] would say, whatever the body is. Not the time: it
/// is looked at once, when the body is whole.
pub fn admissible(source: &Source, around: &RequestParts<'_>) -> Result<(), Rejected> {
    let scheme = &source.signature;
    heard(source, around)?;
    match (&scheme.field, &scheme.query) {
        (Some(_), _) => {}
        (None, Some(name)) => {
            let value = around.query(name)?.ok_or(Rejected::Missing)?;
            claim::alone(scheme, value.as_bytes())?;
        }
        (None, None) => {
            claim::read(scheme, around)?;
        }
    }
    if scheme.check == Check::Token {
        return Ok(());
    }
    let parts = std::iter::once(&scheme.signed).chain(&scheme.also).flat_map(|template| &template.0);
    for part in parts {
        let there = match part {
            Part::Header(name) => around.header(name)?.is_some(),
            Part::Query(key) | Part::QueryLower(key) => around.query(key)?.is_some(),
            Part::Literal(_) | Part::Timestamp | Part::Body | Part::Url | Part::Field(_) => true,
        };
        if !there {
            return Err(Rejected::Missing);
        }
    }
    Ok(())
}

/// Whether the caller is one of those that are heard.
fn heard(source: &Source, around: &RequestParts<'_>) -> Result<(), Rejected> {
    let addresses = &source.signature.addresses;
    let listed = |client| addresses.iter().any(|net| net.contains(&client));
    if addresses.is_empty() || around.client.is_some_and(listed) {
        return Ok(());
    }
    Err(Rejected::Stranger)
}

/// Checks `body` against what stands around it. `now_ms` is in ms since epoch; a signature exactly `tolerance` away
/// still counts.
pub fn verify(
    source: &Source,
    keys: &Keys,
    around: &RequestParts<'_>,
    body: Bytes,
    now_ms: i64,
) -> Result<Verified, Rejected> {
    let scheme = &source.signature;
    heard(source, around)?;
    let key = match (&scheme.field, &scheme.query) {
        (Some(field), _) => every_item(source, keys, around, field, &body)?,
        (None, Some(name)) => {
            let value = around.query(name)?.ok_or(Rejected::Missing)?;
            matching(source, keys, around, &claim::alone(scheme, value.as_bytes())?, &body, None)?
        }
        (None, None) => {
            let claim = claim::read(scheme, around)?;
            claim::timely(source, claim.timestamp, now_ms)?;
            matching(source, keys, around, &claim, &body, None)?
        }
    };
    Ok(Verified { body, key })
}

/// A signature in the body covers one event of it: each must hold.
fn every_item(
    source: &Source,
    keys: &Keys,
    around: &RequestParts<'_>,
    field: &str,
    body: &[u8],
) -> Result<usize, Rejected> {
    let whole = path::tree(source.events.format, body).map_err(|_| Rejected::Malformed)?;
    let mut matched = Err(Rejected::Missing);
    for item in items::of(&source.events, &whole.value).ok_or(Rejected::Malformed)? {
        let text = |at: &Pointer| item.pointer(at).and_then(path::text).unwrap_or_default();
        // What was mended is not what was signed, even where it reads the same.
        let mended = |at| !whole.exact && text(at).contains(char::REPLACEMENT_CHARACTER);
        if source.signature.fields().any(mended) {
            return Err(Rejected::Malformed);
        }
        let value = item.pointer(field).and_then(Value::as_str).ok_or(Rejected::Missing)?;
        let claim = claim::alone(&source.signature, value.as_bytes())?;
        matched = Ok(matching(source, keys, around, &claim, body, Some(item))?);
    }
    matched
}

/// Position of the secret that one of the signatures fits.
fn matching(
    source: &Source,
    keys: &Keys,
    around: &RequestParts<'_>,
    claim: &Claim<'_>,
    body: &[u8],
    item: Option<&Value>,
) -> Result<usize, Rejected> {
    let scheme = &source.signature;
    let under = |template| match scheme.check {
        Check::Mac => signed(source, template, around, claim.timestamp, body, item),
        Check::Token => Ok(Vec::new()),
    };
    let all = std::iter::once(&scheme.signed).chain(&scheme.also).map(under);
    let all: Vec<_> = all.collect::<Result<_, _>>()?;
    let mut matched = None;
    for signed in &all {
        for (position, ready) in keys.0.iter().enumerate() {
            let mac = ready.key.over(signed);
            for given in &claim.given {
                let fits = match given {
                    Given::Mac(tag) => mac.is(tag),
                    Given::Token(token) => ready.key.over([token]).same(&ready.own),
                };
                matched = if fits { Some(position) } else { matched };
            }
        }
    }
    matched.ok_or(Rejected::NoMatch)
}

/// The bytes under the MAC.
fn signed<'a, 'r: 'a>(
    source: &'a Source,
    template: &'a Template,
    around: &RequestParts<'r>,
    timestamp: &'a [u8],
    body: &'a [u8],
    item: Option<&Value>,
) -> Result<Vec<Cow<'a, [u8]>>, Rejected> {
    let scheme = &source.signature;
    let between = || {
        template.0.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let part = |part: &'a Part| -> Result<Cow<'a, [u8]>, Rejected> {
        Ok(match part {
            Part::Literal(text) => text.as_bytes().into(),
            Part::Timestamp => timestamp.into(),
            Part::Body => body.into(),
            Part::Url => source.public_url.as_deref().unwrap_or_default().as_bytes().into(),
            Part::Header(name) => around.header(name)?.ok_or(Rejected::Missing)?.into(),
            Part::Query(key) => around.query(key)?.ok_or(Rejected::Missing)?.into_bytes().into(),
            Part::QueryLower(key) => {
                around.query(key)?.ok_or(Rejected::Missing)?.to_ascii_lowercase().into_bytes().into()
            }
            Part::Field(at) => {
                let text = item.and_then(|item| item.pointer(at)).and_then(path::text).unwrap_or_default();
                if scheme.free.as_ref() != Some(at) && between().any(|literal| text.contains(literal)) {
                    return Err(Rejected::Malformed);
                }
                text.into_bytes().into()
            }
        })
    };
    template.0.iter().map(part).collect()
}

#[cfg(test)]
mod tests;
