use bytes::Bytes;
use daybridge::{
    config::Source,
    webhook::signature::{Keys, Rejected, RequestParts, sign, verify},
};
use secrecy::SecretString;
use serde_json::Value;

use super::bench::fixture;

/// `tolerance` is the default one, five minutes.
fn judge(secrets: &[SecretString], header: &[u8], body: Bytes, now_s: i64) -> Result<usize, Rejected> {
    let source = Source::of_preset("stripe").unwrap();
    let keys = Keys::new(&source.signature, secrets).unwrap();
    let headers = |_: &str| vec![header];
    let around = RequestParts { headers: &headers, query: "", client: None };
    verify(&source, &keys, &around, body, now_s * 1000).map(|verified| verified.key())
}

fn signed(secret: &SecretString, body: &[u8], at_s: i64) -> String {
    let source = Source::of_preset("stripe").unwrap();
    sign(&source, secret, body, "", at_s * 1000).unwrap().headers.remove(0).1
}

/// See `tests/data/stripe/make_signatures.py`. One accepted by the SDK and refused by us is on purpose: a
/// time far in the future.
#[test]
fn signatures_of_the_official_sdk_are_judged_as_it_judges_them() {
    let file: Value = serde_json::from_slice(&fixture("signatures")).unwrap();
    assert_eq!(file["tolerance"], 300);
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
        let header = text("header");
        let got = judge(&secrets, header.as_bytes(), Bytes::from(text("body")), now);
        assert_eq!(got.is_ok(), vector["ours"].as_bool().unwrap(), "{}: {got:?}", text("name"));
        if text("name") == "plain" {
            assert_eq!(signed(&secrets[0], text("body").as_bytes(), now), header);
        }
    }
}

proptest::proptest! {
    /// Nothing but our own signature opens the door, and nothing makes the verifier panic.
    #[test]
    fn made_up_headers_are_refused(header: Vec<u8>, like in "(t=[0-9]{0,12}|v[01]=[0-9a-f]{60,66}|[,= ]){0,8}", body: Vec<u8>) {
        let secrets = ["whsec_x".to_owned().into()];
        let judge = |header: &[u8]| judge(&secrets, header, body.clone().into(), 7).is_ok();
        proptest::prop_assert!(!judge(&header));
        proptest::prop_assert!(!judge(like.as_bytes()));
        let own = signed(&secrets[0], &body, 7);
        proptest::prop_assert!(judge(own.as_bytes()));
    }
}
