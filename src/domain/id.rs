//! Keys, channel ids and their alphabets.
//!
//! A payment's key is `realm/payment`, a transfer's `realm/payment#n`: the text that stands in the
//! partner's Billing History for ever. ASCII `[A-Za-z0-9._:-]` around `/` and `#`; anything else is
//! percent-encoded; a payment id longer than [`PAYMENT_ID_BYTES_MAX`] becomes `~` and a digest, never a cut.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The realm of what persons grant; no source may have it.
pub const GRANT_REALM: &str = "grant";

/// Longest payment part of a key before it becomes a digest, in bytes after encoding.
pub const PAYMENT_ID_BYTES_MAX: usize = 64;

/// Longest channel id accepted, in bytes.
pub const CHANNEL_ID_BYTES_MAX: usize = 64;

/// Longest comment sent to the partner, in bytes.
pub const COMMENT_BYTES_MAX: usize = 100;

/// Hex digits of SHA-256 that stand for an over-long payment id.
const DIGEST_HEX: usize = 40;

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The key of a payment; `account` is the connected account at the provider, where there is one.
pub fn payment_key(realm: &str, account: Option<&str>, payment_id: &str) -> String {
    let whole = match account {
        Some(account) => format!("{account}:{payment_id}"),
        None => payment_id.to_owned(),
    };
    let mut part = encode(&whole);
    if part.len() > PAYMENT_ID_BYTES_MAX {
        let digest = hex::encode(Sha256::digest(whole.as_bytes()));
        part = format!("~{}", digest.get(..DIGEST_HEX).unwrap_or(&digest));
    }
    format!("{}/{part}", encode(realm))
}

/// How every key of a realm begins.
pub fn realm_prefix(realm: &str) -> String {
    format!("{}/", encode(realm))
}

/// The payment's id that stands behind a realm in a key, with its connected account before a colon where there is
/// one; `None` where a digest stands there, or what [`payment_key`] never writes.
pub fn named_in(key: &str) -> Option<String> {
    let (_, part) = key.split_once('/')?;
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?
            }
            b'~' => return None,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Bytes that a realm takes in a key.
pub fn realm_bytes(realm: &str) -> usize {
    encode(realm).len()
}

/// The key of the `n`th transfer of a payment.
pub fn transfer_key(payment_key: &str, n: u32) -> String {
    format!("{payment_key}#{n}")
}

/// A channel id that is safe in a path: `[A-Za-z0-9_-]`, 1 to [`CHANNEL_ID_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelId(String);

impl ChannelId {
    /// Accepts the alphabet and nothing else; nothing is trimmed or repaired.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= CHANNEL_ID_BYTES_MAX;
        let safe = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        (fits && safe).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ChannelId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a channel id")
    }
}

impl From<ChannelId> for String {
    fn from(id: ChannelId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The comment template of the settings: names a transfer to the partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentTemplate(String);

impl Default for CommentTemplate {
    fn default() -> Self {
        Self("daybridge {key} {days}d".to_owned())
    }
}

impl CommentTemplate {
    /// Refuses a template without `{key}`, with an unknown placeholder, with characters outside printable
    /// ASCII, or that could grow beyond [`COMMENT_BYTES_MAX`] with the longest key of a realm of
    /// `realm_bytes` and `days_max`.
    pub fn parse(template: &str, realm_bytes: usize, days_max: u32) -> Result<Self, String> {
        if !template.contains("{key}") {
            return Err("must contain {key}: the key is what names the payment in Billing History".into());
        }
        if let Some(odd) = template.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(format!("must be printable ASCII, found {odd:?}"));
        }
        if template.len() > COMMENT_BYTES_MAX {
            return Err(format!("is longer than the {COMMENT_BYTES_MAX} characters of a comment"));
        }
        let rest = template.replace("{key}", "").replace("{days}", "");
        if rest.contains(['{', '}']) {
            return Err("knows the placeholders {key} and {days} only".into());
        }
        let longest_key = realm_bytes.saturating_add(PAYMENT_ID_BYTES_MAX).saturating_add("/#9".len());
        let grown =
            |placeholder: &str, bytes: usize| template.matches(placeholder).count().saturating_mul(bytes);
        let longest = rest
            .len()
            .saturating_add(grown("{key}", longest_key))
            .saturating_add(grown("{days}", days_max.to_string().len()));
        if longest > COMMENT_BYTES_MAX {
            return Err(format!(
                "can grow to {longest} characters with the longest key; at most {COMMENT_BYTES_MAX} are allowed: shorten its text or the realm"
            ));
        }
        Ok(Self(template.to_owned()))
    }

    /// The comment of one transfer.
    pub fn render(&self, key: &str, days: u32) -> String {
        with_days(&self.of(key), days)
    }

    /// The comment of one transfer, but for its days: see [`with_days`]. A key has no braces.
    pub fn of(&self, key: &str) -> String {
        self.0.replace("{key}", key)
    }
}

/// A comment of [`CommentTemplate::of`], with its days.
pub fn with_days(comment: &str, days: u32) -> String {
    comment.replace("{days}", &days.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_alphabet_and_are_never_cut() {
        let long = "x".repeat(65);
        for (realm, account, id, want) in [
            ("stripe", None, "pi_3OabC", "stripe/pi_3OabC".to_owned()),
            ("stripe", Some("acct_1"), "pi_3OabC", "stripe/acct_1:pi_3OabC".to_owned()),
            ("r", None, "a/b#1 ü", "r/a%2Fb%231%20%C3%BC".to_owned()),
            ("r", None, &long, format!("r/~{}", &hex::encode(Sha256::digest(long.as_bytes()))[..40])),
        ] {
            assert_eq!(payment_key(realm, account, id), want);
        }
        for id in ["pi_3OabC", "a/b#1 ü", "100%"] {
            assert_eq!(named_in(&payment_key("r", None, id)).as_deref(), Some(id));
        }
        for bad in ["r", "r/~0a1b", "r/%2", "r/%zz", "r/%ff"] {
            assert_eq!(named_in(bad), None, "{bad}");
        }
        assert_ne!(payment_key("r", None, &"x".repeat(66)), payment_key("r", None, &long));
        assert_eq!(transfer_key("stripe/pi_3OabC", 1), "stripe/pi_3OabC#1");
    }

    #[test]
    fn channel_ids_are_safe_in_a_path() {
        for good in ["DEMOCH-AB12C", "a", "A_9-"] {
            assert!(ChannelId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "../x", "a b", " A", "A\n", "ü", "a/b", "a%2f", &"x".repeat(65)] {
            assert!(ChannelId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn comment_templates_hold_the_key_and_fit() {
        let ok = CommentTemplate::parse("daybridge {key} {days}d", 16, 3650).unwrap();
        assert_eq!(ok.render("stripe/pi_1#1", 30), "daybridge stripe/pi_1#1 30d");
        // Found by a fuzzer: so many keys were put in before the length was looked at; now none is.
        assert!(CommentTemplate::parse(&"{key}".repeat(600), 16, 3650).unwrap_err().contains("longer"));
        for bad in ["", "no key", "{key} {other}", "{key} ü", &format!("{{key}} {}", "x".repeat(40))] {
            assert!(CommentTemplate::parse(bad, 16, 3650).is_err(), "{bad}");
        }
    }
}
