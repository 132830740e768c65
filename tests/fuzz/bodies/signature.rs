//! The verifier accepts what was signed, and nothing else.

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;
use daybridge::provider::{
    PRESETS,
    signature::{self, Keys, Rejected},
};
use secrecy::SecretString;

const NOW_S: i64 = 1_533_204_620;
const TOLERANCE: Duration = Duration::from_secs(300);

/// The retiring secret and the one in use; only the second signs here.
const SECRETS: [&str; 2] = ["another", "whsec_fuzz"];

fn secret(key: usize) -> SecretString {
    SecretString::from(SECRETS[key])
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys::new(&[secret(0), secret(1)]).unwrap())
}

fn check(header: &[u8], body: &[u8]) -> Result<usize, Rejected> {
    let scheme = &PRESETS[0].scheme;
    let headers = std::iter::once(header);
    signature::verify(scheme, keys(), headers, Bytes::copy_from_slice(body), NOW_S, TOLERANCE)
        .map(|v| v.key())
}

pub fn verify(data: &[u8]) {
    let [header, body] = super::lines(data);
    let scheme = &PRESETS[0].scheme;
    if let Ok(key) = check(header, body) {
        // The header must carry the one MAC that we would have made for its time.
        let fits = (NOW_S - 300..=NOW_S + 300).any(|at| {
            let good = signature::sign(scheme, &secret(key), body, at).unwrap();
            let tag = good.rsplit("v1=").next().unwrap().as_bytes().to_vec();
            header.windows(tag.len()).any(|window| window == tag)
        });
        assert!(fits, "accepted without a MAC of this body");
    }
    let good = signature::sign(scheme, &secret(1), body, NOW_S).unwrap();
    assert_eq!(check(good.as_bytes(), body), Ok(1));
    for (at, want) in [(NOW_S - 301, Rejected::TooOld), (NOW_S + 301, Rejected::InFuture)] {
        let far = signature::sign(scheme, &secret(1), body, at).unwrap();
        assert_eq!(check(far.as_bytes(), body), Err(want));
    }
    let mut other = body.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(0),
    }
    assert_eq!(check(good.as_bytes(), &other), Err(Rejected::NoMatch));
}
