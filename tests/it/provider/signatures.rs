use std::time::Duration;

use bytes::Bytes;
use daybridge::provider::{
    signature::{Keys, sign, verify},
    stripe::PRESET,
};
use secrecy::SecretString;
use serde_json::Value;

use super::bench::fixture;

/// See `tests/data/stripe/make_signatures.py`. One accepted by the SDK and refused by us is on purpose: a
/// time far in the future.
#[test]
fn signatures_of_the_official_sdk_are_judged_as_it_judges_them() {
    let file: Value = serde_json::from_slice(&fixture("signatures")).unwrap();
    let tolerance = Duration::from_secs(file["tolerance"].as_u64().unwrap());
    let now = file["now"].as_i64().unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap().to_owned();
        let secrets: Vec<SecretString> = vector["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap().to_owned().into())
            .collect();
        let keys = Keys::new(&secrets).unwrap();
        let header = text("header");
        let headers = [header.as_bytes()].into_iter();
        let got = verify(&PRESET.scheme, &keys, headers, Bytes::from(text("body")), now, tolerance);
        assert_eq!(got.is_ok(), vector["ours"].as_bool().unwrap(), "{}: {got:?}", text("name"));
        if text("name") == "plain" {
            assert_eq!(sign(&PRESET.scheme, &secrets[0], text("body").as_bytes(), now), Some(header));
        }
    }
}

proptest::proptest! {
    /// Nothing but our own signature opens the door, and nothing makes the verifier panic.
    #[test]
    fn made_up_headers_are_refused(header: Vec<u8>, like in "(t=[0-9]{0,12}|v[01]=[0-9a-f]{60,66}|[,= ]){0,8}", body: Vec<u8>) {
        let keys = Keys::new(&["whsec_x".to_owned().into()]).unwrap();
        let judge = |header: &[u8]| {
            verify(&PRESET.scheme, &keys, [header].into_iter(), body.clone().into(), 0, Duration::MAX).is_ok()
        };
        proptest::prop_assert!(!judge(&header));
        proptest::prop_assert!(!judge(like.as_bytes()));
        let own = sign(&PRESET.scheme, &"whsec_x".to_owned().into(), &body, 7).unwrap();
        proptest::prop_assert!(judge(own.as_bytes()));
    }
}
