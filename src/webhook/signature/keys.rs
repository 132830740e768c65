use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as Making, digest::CtOutput};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::config::preset::{
    Signature,
    signature::{Key, Mac},
};

/// The secrets of one source, ready to use. Nothing prints them.
pub struct Keys(pub(super) Vec<Ready>);

/// One secret.
pub(super) struct Ready {
    pub(super) key: Keyed,
    /// The MAC of the secret under itself: what a token is compared with.
    pub(super) own: Made,
}

/// A MAC that has its key.
pub(super) enum Keyed {
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

/// A MAC; compared in constant time by the library, and shown to nobody but who signs.
pub(super) enum Made {
    Sha256(CtOutput<Hmac<Sha256>>),
    Sha512(CtOutput<Hmac<Sha512>>),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// Prepares each secret once. A source without a secret does not start, nor one whose secret is not of the form
    /// that its provider gives out; the error quotes none.
    pub fn new(scheme: &Signature, secrets: &[SecretString]) -> Result<Self, &'static str> {
        if secrets.is_empty() {
            return Err(
                "has no secret; set secrets = [{ env = \"…\" }] to the signing secret of the endpoint",
            );
        }
        secrets.iter().map(|secret| Ready::new(scheme, secret)).collect::<Result<_, _>>().map(Self)
    }
}

impl Ready {
    pub(super) fn new(scheme: &Signature, secret: &SecretString) -> Result<Self, &'static str> {
        let text = secret.expose_secret();
        let bare = text.strip_prefix(&*scheme.key_prefix).unwrap_or(text);
        let bytes = Zeroizing::new(match scheme.key {
            Key::Text => bare.as_bytes().to_vec(),
            Key::Base64 => {
                STANDARD.decode(bare).map_err(|_| "has a secret that is not base64: copy it whole")?
            }
            Key::Hex => hex::decode(bare).map_err(|_| "has a secret that is not hex: copy it whole")?,
        });
        if bytes.is_empty() {
            return Err("has an empty secret");
        }
        let unfit = |_| "has a secret that is no key";
        let key = match scheme.mac {
            Mac::Sha256 => Keyed::Sha256(Hmac::new_from_slice(&bytes).map_err(unfit)?),
            Mac::Sha512 => Keyed::Sha512(Hmac::new_from_slice(&bytes).map_err(unfit)?),
        };
        let own = key.over([&*bytes]);
        Ok(Self { key, own })
    }
}

impl Keyed {
    /// The MAC over these parts, one after the other.
    pub(super) fn over(&self, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Made {
        match self {
            Keyed::Sha256(key) => Made::Sha256(made(key, parts)),
            Keyed::Sha512(key) => Made::Sha512(made(key, parts)),
        }
    }
}

fn made<M: Making + Clone>(key: &M, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> CtOutput<M> {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part.as_ref());
    }
    mac.finalize()
}

impl Made {
    /// Whether these are its bytes.
    pub(super) fn is(&self, tag: &[u8]) -> bool {
        match self {
            Made::Sha256(mac) => tag.try_into().is_ok_and(|tag| *mac == CtOutput::new(tag)),
            Made::Sha512(mac) => tag.try_into().is_ok_and(|tag| *mac == CtOutput::new(tag)),
        }
    }

    /// Whether it is the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Made::Sha256(one), Made::Sha256(two)) => one == two,
            (Made::Sha512(one), Made::Sha512(two)) => one == two,
            (Made::Sha256(_), Made::Sha512(_)) | (Made::Sha512(_), Made::Sha256(_)) => false,
        }
    }

    /// Its bytes, for who signs.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Made::Sha256(mac) => mac.into_bytes().to_vec(),
            Made::Sha512(mac) => mac.into_bytes().to_vec(),
        }
    }
}
