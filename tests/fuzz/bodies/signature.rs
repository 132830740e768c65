//! The verifier accepts what was signed, and nothing else.

use std::sync::OnceLock;

use bytes::Bytes;
use daybridge::{
    config::Source,
    webhook::signature::{self, Keys, Rejected, RequestParts},
};
use secrecy::SecretString;

const NOW_S: i64 = 1_533_204_620;

/// The retiring secret and the one in use; only the second signs here.
const SECRETS: [&str; 2] = ["another", "whsec_fuzz"];

fn secret(key: usize) -> SecretString {
    SecretString::from(SECRETS[key])
}

/// The tolerance is the default one, five minutes.
fn source() -> &'static (Source, Keys) {
    static SOURCE: OnceLock<(Source, Keys)> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let source = Source::of_preset("stripe").unwrap();
        let keys = Keys::new(&source.signature, &[secret(0), secret(1)]).unwrap();
        (source, keys)
    })
}

fn sign(key: usize, body: &[u8], at_s: i64) -> String {
    signature::sign(&source().0, &secret(key), body, "", at_s * 1000).unwrap().headers.remove(0).1
}

fn check(header: &[u8], body: &[u8]) -> Result<usize, Rejected> {
    let (source, keys) = source();
    let headers = |_: &str| vec![header];
    let around = RequestParts { headers: &headers, query: "", client: None };
    signature::verify(source, keys, &around, Bytes::copy_from_slice(body), NOW_S * 1000).map(|v| v.key())
}

pub fn verify(data: &[u8]) {
    let [header, body] = super::lines(data);
    if let Ok(key) = check(header, body) {
        // The header must carry the one MAC that we would have made for its time.
        let fits = (NOW_S - 300..=NOW_S + 300).any(|at| {
            let good = sign(key, body, at);
            let tag = good.rsplit("v1=").next().unwrap().as_bytes().to_vec();
            header.windows(tag.len()).any(|window| window == tag)
        });
        assert!(fits, "accepted without a MAC of this body");
    }
    let good = sign(1, body, NOW_S);
    assert_eq!(check(good.as_bytes(), body), Ok(1));
    for (at, want) in [(NOW_S - 301, Rejected::TooOld), (NOW_S + 301, Rejected::InFuture)] {
        let far = sign(1, body, at);
        assert_eq!(check(far.as_bytes(), body), Err(want));
    }
    let mut other = body.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(0),
    }
    assert_eq!(check(good.as_bytes(), &other), Err(Rejected::NoMatch));
}
