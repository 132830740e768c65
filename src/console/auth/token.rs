//! Tokens of forms: an HMAC of what the visitor is bound to (the session's id, or the proxy's user) under a key of this
//! process. Nothing is kept, and the compare takes constant time.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(Hmac::new_from_slice(&key)?))
    }

    pub(super) fn of(&self, bound: &str) -> String {
        hex::encode(self.mac(bound).finalize().into_bytes())
    }

    pub(super) fn fits(&self, bound: &str, token: &str) -> bool {
        hex::decode(token).is_ok_and(|token| self.mac(bound).verify_slice(&token).is_ok())
    }

    fn mac(&self, bound: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(bound.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_one_visitor_of_one_process() {
        let (key, other) = (Key::new().unwrap(), Key::new().unwrap());
        let token = key.of("session a");
        assert!(key.fits("session a", &token));
        assert!(!key.fits("session b", &token) && !other.fits("session a", &token));
        assert!(!key.fits("session a", "") && !key.fits("session a", token.get(..32).unwrap()));
    }
}
