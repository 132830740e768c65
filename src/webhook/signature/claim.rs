use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Rejected, RequestParts};
use crate::config::{
    Source,
    preset::{
        Signature,
        signature::{Check, Encoding, MILLIS_FROM, Mac, Unit},
    },
};

/// Longest signature header, in bytes; real ones stay below 400.
pub const HEADER_BYTES_MAX: usize = 4096;

/// Most signatures in one header; a rotation sends one per active secret.
pub const SIGNATURES_MAX: usize = 16;

/// Bytes of the longest MAC.
const TAG_BYTES_MAX: usize = 64;

/// What the request says, not yet believed.
pub(super) struct Claim<'r> {
    /// The time's text; empty where none is signed.
    pub(super) timestamp: &'r [u8],
    /// The signatures.
    pub(super) given: Vec<Given<'r>>,
}

/// One signature.
pub(super) enum Given<'r> {
    /// A MAC, well-formed.
    Mac(Tag),
    /// A token, as it stands.
    Token(&'r [u8]),
}

/// The bytes of a MAC.
pub(super) struct Tag {
    bytes: [u8; TAG_BYTES_MAX],
    length: usize,
}

impl std::ops::Deref for Tag {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Whether the time of signing is near enough; where none is signed, it is.
pub(super) fn timely(source: &Source, timestamp: &[u8], now_ms: i64) -> Result<(), Rejected> {
    let Some(place) = &source.signature.timestamp else { return Ok(()) };
    let digits = !timestamp.is_empty() && timestamp.iter().all(u8::is_ascii_digit);
    let count = std::str::from_utf8(timestamp).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    let signed_at: i64 = count.ok_or(Rejected::Malformed)?;
    let (now, tolerance) = match place.unit {
        Unit::SecondsOrMillis if signed_at >= MILLIS_FROM => (now_ms, source.tolerance.as_millis()),
        Unit::Seconds | Unit::SecondsOrMillis => (now_ms.div_euclid(1000), source.tolerance.as_secs().into()),
        Unit::Millis => (now_ms, source.tolerance.as_millis()),
    };
    let tolerance = i64::try_from(tolerance).unwrap_or(i64::MAX);
    if now.saturating_sub(signed_at) > tolerance {
        return Err(Rejected::TooOld);
    }
    if signed_at.saturating_sub(now) > tolerance {
        return Err(Rejected::InFuture);
    }
    Ok(())
}

/// Time and signatures out of the headers: exactly one time where one is signed, and at least one signature; elements
/// without a key and keys we do not know are skipped.
pub(super) fn read<'r>(scheme: &Signature, around: &RequestParts<'r>) -> Result<Claim<'r>, Rejected> {
    let name = scheme.header.as_deref().unwrap_or_default();
    let header = around.header(name)?.ok_or(Rejected::Missing)?;
    if header.len() > HEADER_BYTES_MAX {
        return Err(Rejected::Malformed);
    }
    let time_key = scheme.timestamp.as_ref().and_then(|place| place.element.as_deref());
    let mut timestamp = None;
    let mut given = Vec::new();
    for element in elements(scheme.list, header) {
        let value = match (scheme.assign, scheme.element.as_deref()) {
            (Some(assign), Some(wanted)) => {
                let Some((key, value)) = split_once(element, assign) else { continue };
                if time_key.is_some_and(|time_key| key == time_key.as_bytes()) {
                    if timestamp.replace(value).is_some() {
                        return Err(Rejected::Malformed);
                    }
                    continue;
                }
                if key != wanted.as_bytes() {
                    continue;
                }
                value
            }
            _ => element,
        };
        given.extend(one(scheme, value));
        if given.len() > SIGNATURES_MAX {
            return Err(Rejected::Malformed);
        }
    }
    if given.is_empty() {
        return Err(Rejected::Malformed);
    }
    let timestamp = match scheme.timestamp.as_ref().map(|place| place.header.as_deref()) {
        None => b"",
        Some(None) => timestamp.ok_or(Rejected::Malformed)?,
        Some(Some(name)) => around.header(name)?.ok_or(Rejected::Missing)?,
    };
    Ok(Claim { timestamp, given })
}

/// Without blanks around; one that is no list is not trimmed.
fn elements(list: Option<char>, header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let separator = list.and_then(|list| u8::try_from(list).ok());
    header
        .split(move |byte| Some(*byte) == separator)
        .map(move |element| if separator.is_some() { element.trim_ascii() } else { element })
}

fn split_once(element: &[u8], at: char) -> Option<(&[u8], &[u8])> {
    let at = u8::try_from(at).ok()?;
    let position = element.iter().position(|byte| *byte == at)?;
    let (key, rest) = element.split_at(position);
    Some((key, rest.get(1..).unwrap_or_default()))
}

/// A signature that stands alone.
pub(super) fn alone<'r>(scheme: &Signature, value: &'r [u8]) -> Result<Claim<'r>, Rejected> {
    let given = one(scheme, value).ok_or(Rejected::Malformed)?;
    Ok(Claim { timestamp: b"", given: vec![given] })
}

/// A signature; one that is not well-formed is none.
fn one<'r>(scheme: &Signature, value: &'r [u8]) -> Option<Given<'r>> {
    match scheme.check {
        Check::Mac => tag(scheme, value).map(Given::Mac),
        Check::Token => Some(Given::Token(value)),
    }
}

/// A signature's bytes: exactly as many as the MAC has, in the one way that this program would write them.
fn tag(scheme: &Signature, value: &[u8]) -> Option<Tag> {
    let length = match scheme.mac {
        Mac::Sha256 => 32,
        Mac::Sha512 => 64,
    };
    let mut tag = Tag { bytes: [0; TAG_BYTES_MAX], length };
    match scheme.encoding {
        Encoding::Hex if value.iter().any(u8::is_ascii_uppercase) => return None,
        Encoding::Hex => hex::decode_to_slice(value, tag.bytes.get_mut(..length)?).ok()?,
        Encoding::Base64 => {
            let decoded = STANDARD.decode_slice(value, &mut tag.bytes).ok()?;
            (decoded == length).then_some(())?;
        }
    }
    Some(tag)
}
