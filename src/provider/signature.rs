//! Signature schemes as data, and the one verifier that reads them.
//!
//! Works on bytes as received, before anything is parsed. Pure: `now` is an argument. Every secret is tried
//! against every signature without early exit, so the time taken does not tell which one matched; the
//! comparison itself is the library's constant-time one. HMAC-SHA256 in lower-case hex over a time in
//! seconds, with the secret's literal bytes as key, is common to all schemes here and no part of the table.
//!
//! Not for: telling duplicates apart. A retry is signed anew; the record of payments does that.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// Longest signature header, in bytes; real ones stay below 400.
pub const HEADER_BYTES_MAX: usize = 4096;

/// Most signatures in one header; a rotation sends one per active secret.
pub const SIGNATURES_MAX: usize = 16;

/// Bytes of one SHA-256 tag.
const TAG_BYTES: usize = 32;

/// How one provider signs.
#[derive(Debug)]
pub struct Scheme {
    /// Name of the header, lower case.
    pub header: &'static str,
    /// What stands between the header's elements.
    pub separator: u8,
    /// Key of the element that holds the signing time.
    pub timestamp_key: &'static str,
    /// Key of the elements that hold a signature; elements under other keys do not count.
    pub signature_key: &'static str,
    /// The bytes under the MAC, in order.
    pub signed: &'static [Part],
}

/// A piece of what is signed.
#[derive(Debug)]
pub enum Part {
    /// The time, as its text stands in the header.
    Timestamp,
    /// Fixed bytes.
    Literal(&'static str),
    /// The body, byte for byte.
    Body,
}

/// The secrets of one source, ready to use. Nothing prints them.
pub struct Keys(Vec<Hmac<Sha256>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// Prepares each secret once; `None` where there is none, for a source without a secret does not start.
    pub fn new(secrets: &[SecretString]) -> Option<Self> {
        let keys = secrets.iter().map(key).collect::<Option<Vec<_>>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }
}

fn key(secret: &SecretString) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(secret.expose_secret().as_bytes()).ok()
}

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

/// Why a request is refused; for logs and metrics. Outside it is 400 and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// No signature header, or an empty one.
    #[error("the signature header is missing")]
    Missing,
    /// Several headers, no single time in digits, or no well-formed signature of the scheme.
    #[error("the signature header is malformed")]
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
}

/// What the header says, not yet believed.
struct Claim<'h> {
    timestamp: &'h [u8],
    signed_at_s: i64,
    tags: Vec<[u8; TAG_BYTES]>,
}

/// Checks `body` against the values of the scheme's header. `now_s` is in seconds since epoch; a signature
/// exactly `tolerance` away still counts.
pub fn verify<'h>(
    scheme: &Scheme,
    keys: &Keys,
    mut headers: impl Iterator<Item = &'h [u8]>,
    body: Bytes,
    now_s: i64,
    tolerance: Duration,
) -> Result<Verified, Rejected> {
    let header = headers.next().filter(|value| !value.is_empty()).ok_or(Rejected::Missing)?;
    if headers.next().is_some() {
        return Err(Rejected::Malformed);
    }
    let claim = parse(scheme, header).ok_or(Rejected::Malformed)?;
    let tolerance_s = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    if now_s.saturating_sub(claim.signed_at_s) > tolerance_s {
        return Err(Rejected::TooOld);
    }
    if claim.signed_at_s.saturating_sub(now_s) > tolerance_s {
        return Err(Rejected::InFuture);
    }
    let mut matched = None;
    for (position, key) in keys.0.iter().enumerate() {
        let mac = mac(scheme, key, claim.timestamp, &body);
        for tag in &claim.tags {
            let fits = mac.clone().verify_slice(tag).is_ok();
            matched = if fits { Some(position) } else { matched };
        }
    }
    matched.map(|key| Verified { body, key }).ok_or(Rejected::NoMatch)
}

/// Signs `body` as the provider would: the value of the scheme's header. `None` for a key no MAC accepts.
pub fn sign(scheme: &Scheme, secret: &SecretString, body: &[u8], now_s: i64) -> Option<String> {
    let timestamp = now_s.to_string();
    let tag = hex::encode(mac(scheme, &key(secret)?, timestamp.as_bytes(), body).finalize().into_bytes());
    let (time, signature, between) =
        (scheme.timestamp_key, scheme.signature_key, char::from(scheme.separator));
    Some(format!("{time}={timestamp}{between}{signature}={tag}"))
}

fn mac(scheme: &Scheme, key: &Hmac<Sha256>, timestamp: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in scheme.signed {
        mac.update(match part {
            Part::Timestamp => timestamp,
            Part::Literal(text) => text.as_bytes(),
            Part::Body => body,
        });
    }
    mac
}

/// Exactly one time in digits and at least one well-formed signature; malformed signatures, elements without
/// `=` and keys we do not know are skipped.
fn parse<'h>(scheme: &Scheme, header: &'h [u8]) -> Option<Claim<'h>> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let mut timestamp = None;
    let mut tags = Vec::new();
    for element in header.split(|byte| *byte == scheme.separator) {
        let element = element.trim_ascii();
        let Some(at) = element.iter().position(|byte| *byte == b'=') else { continue };
        let (name, rest) = element.split_at(at);
        let value = rest.strip_prefix(b"=").unwrap_or_default();
        if name == scheme.timestamp_key.as_bytes() {
            if timestamp.replace(value).is_some() {
                return None;
            }
        } else if name == scheme.signature_key.as_bytes()
            && let Some(tag) = tag(value)
        {
            if tags.len() == SIGNATURES_MAX {
                return None;
            }
            tags.push(tag);
        }
    }
    let timestamp = timestamp?;
    if tags.is_empty() || timestamp.is_empty() || !timestamp.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let signed_at_s = std::str::from_utf8(timestamp).ok()?.parse().ok()?;
    Some(Claim { timestamp, signed_at_s, tags })
}

/// Lower-case hex of exactly one tag.
fn tag(value: &[u8]) -> Option<[u8; TAG_BYTES]> {
    if value.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut tag = [0; TAG_BYTES];
    hex::decode_to_slice(value, &mut tag).ok()?;
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::stripe::PRESET;

    const NOW: i64 = 1_700_000_000;

    fn check(header: &str, want: Result<usize, Rejected>) {
        let keys = Keys::new(&["whsec_new".to_owned().into(), "whsec_old".to_owned().into()]).unwrap();
        let got = verify(
            &PRESET.scheme,
            &keys,
            [header.as_bytes()].into_iter(),
            Bytes::from_static(b"{}"),
            NOW,
            Duration::from_secs(300),
        );
        assert_eq!(got.map(|verified| verified.key()), want, "{header}");
    }

    #[test]
    fn headers_and_their_judgement() {
        let tag = |secret: &str, at: i64| {
            let whole = sign(&PRESET.scheme, &secret.to_owned().into(), b"{}", at).unwrap();
            whole.split_once("v1=").unwrap().1.to_owned()
        };
        let (new, old) = (tag("whsec_new", NOW), tag("whsec_old", NOW));
        let bad = "0".repeat(64);
        for (header, want) in [
            (format!("t={NOW},v1={new}"), Ok(0)),
            (format!("v1={old},t={NOW}"), Ok(1)),
            (format!(" t={NOW} ,\tv1={new} ,"), Ok(0)),
            (format!("t={NOW},v1={bad},v1={new},v0={bad}"), Ok(0)),
            (format!("t={NOW},v1={new},v1={bad}"), Ok(0)),
            (format!("t={NOW},v1=zz,nonsense,v1={new}"), Ok(0)),
            (format!("t={NOW},v1={bad}"), Err(Rejected::NoMatch)),
            (format!("t={},v1={new}", NOW + 1), Err(Rejected::NoMatch)),
            (format!("t=0{NOW},v1={new}"), Err(Rejected::NoMatch)),
            (String::new(), Err(Rejected::Missing)),
            (format!("v1={new}"), Err(Rejected::Malformed)),
            (format!("t={NOW}"), Err(Rejected::Malformed)),
            (format!("t={NOW},v0={new}"), Err(Rejected::Malformed)),
            (format!("t={NOW},t={NOW},v1={new}"), Err(Rejected::Malformed)),
            (format!("t=+{NOW},v1={new}"), Err(Rejected::Malformed)),
            (format!("t=,v1={new}"), Err(Rejected::Malformed)),
            (format!("t=99999999999999999999,v1={new}"), Err(Rejected::Malformed)),
            (format!("t={NOW},v1={}", new.to_uppercase()), Err(Rejected::Malformed)),
            (format!("t={NOW},v1={}", &new[..62]), Err(Rejected::Malformed)),
            (format!("t={NOW},{}", format!("v1={new},").repeat(17)), Err(Rejected::Malformed)),
            (format!("t={NOW},v1={new},{}", "x".repeat(HEADER_BYTES_MAX)), Err(Rejected::Malformed)),
            (format!("t={},v1={}", NOW - 300, tag("whsec_new", NOW - 300)), Ok(0)),
            (format!("t={},v1={}", NOW + 300, tag("whsec_new", NOW + 300)), Ok(0)),
            (format!("t={},v1={}", NOW - 301, tag("whsec_new", NOW - 301)), Err(Rejected::TooOld)),
            (format!("t={},v1={}", NOW + 301, tag("whsec_new", NOW + 301)), Err(Rejected::InFuture)),
        ] {
            check(&header, want);
        }
    }

    #[test]
    fn exactly_one_header_and_at_least_one_secret() {
        let keys = Keys::new(&["k".to_owned().into()]).unwrap();
        let value = sign(&PRESET.scheme, &"k".to_owned().into(), b"", NOW).unwrap();
        let judge = |headers: Vec<&[u8]>| {
            verify(&PRESET.scheme, &keys, headers.into_iter(), Bytes::new(), NOW, Duration::ZERO).map(|_| ())
        };
        assert_eq!(judge(vec![value.as_bytes()]), Ok(()));
        assert_eq!(judge(vec![value.as_bytes(), value.as_bytes()]), Err(Rejected::Malformed));
        assert_eq!(judge(vec![]), Err(Rejected::Missing));
        assert!(Keys::new(&[]).is_none());
        assert_eq!(format!("{keys:?}"), "Keys(1)");
    }
}
