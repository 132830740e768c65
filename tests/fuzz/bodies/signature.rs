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

fn secret() -> SecretString {
    SecretString::from("whsec_fuzz")
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys::new(&[SecretString::from("another"), secret()]).unwrap())
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
    if check(header, body).is_ok() {
        // The header must carry the one MAC that we would have made for its time.
        let fits = (NOW_S - 300..=NOW_S + 300).any(|at| {
            let good = signature::sign(scheme, &secret(), body, at).unwrap();
            let tag = good.rsplit("v1=").next().unwrap().as_bytes().to_vec();
            header.windows(tag.len()).any(|window| window == tag)
        });
        assert!(fits, "accepted without a MAC of this body");
    }
    let good = signature::sign(scheme, &secret(), body, NOW_S).unwrap();
    assert_eq!(check(good.as_bytes(), body), Ok(1));
    let mut other = body.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(0),
    }
    assert_eq!(check(good.as_bytes(), &other), Err(Rejected::NoMatch));
}
