use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
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
    pub(super) own: Vec<u8>,
}

/// A MAC that has its key.
#[derive(Clone)]
pub(super) enum Keyed {
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
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
        let own = key.clone().over(&[&bytes]).tag();
        Ok(Self { key, own })
    }
}

impl Keyed {
    pub(super) fn over(mut self, parts: &[&[u8]]) -> Self {
        for part in parts {
            match &mut self {
                Keyed::Sha256(mac) => mac.update(part),
                Keyed::Sha512(mac) => mac.update(part),
            }
        }
        self
    }

    pub(super) fn verify_slice(self, tag: &[u8]) -> bool {
        match self {
            Keyed::Sha256(mac) => mac.verify_slice(tag).is_ok(),
            Keyed::Sha512(mac) => mac.verify_slice(tag).is_ok(),
        }
    }

    pub(super) fn tag(self) -> Vec<u8> {
        match self {
            Keyed::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Keyed::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
