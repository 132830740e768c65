use super::*;
use std::time::Duration;

use secrecy::SecretString;

fn stripe(tolerance: Duration) -> Source {
    Source { tolerance, ..Source::of_preset("stripe").unwrap() }
}

fn judge(
    source: &Source,
    secrets: &[&str],
    headers: &[&str],
    body: &'static [u8],
) -> Result<usize, Rejected> {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
    let keys = Keys::new(&source.signature, &secrets).unwrap();
    let lines = |name: &str| match name {
        "stripe-signature" => headers.iter().map(|line| line.as_bytes()).collect(),
        _ => Vec::new(),
    };
    let around = RequestParts { headers: &lines, query: "", client: None };
    verify(source, &keys, &around, Bytes::from_static(body), NOW * 1000).map(|verified| verified.key())
}

fn value(source: &Source, secret: &str, body: &[u8], at_s: i64) -> String {
    sign(source, &secret.to_owned().into(), body, "", at_s * 1000).unwrap().headers.remove(0).1
}

const NOW: i64 = 1_700_000_000;

fn check(header: &str, want: Result<usize, Rejected>) {
    let got = judge(&stripe(Duration::from_secs(300)), &["whsec_new", "whsec_old"], &[header], b"{}");
    assert_eq!(got, want, "{header}");
}

#[test]
fn headers_and_their_judgement() {
    let tag = |secret: &str, at: i64| {
        let whole = value(&stripe(Duration::ZERO), secret, b"{}", at);
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
    let source = stripe(Duration::ZERO);
    let value = value(&source, "k", b"", NOW);
    let judge = |headers: &[&str]| judge(&source, &["k"], headers, b"");
    assert_eq!(judge(&[&value]), Ok(0));
    assert_eq!(judge(&[&value, &value]), Err(Rejected::Malformed));
    assert_eq!(judge(&[]), Err(Rejected::Missing));
    let none = Keys::new(&source.signature, &[]);
    assert!(none.unwrap_err().contains("has no secret"));
    let keys = Keys::new(&source.signature, &["k".to_owned().into()]).unwrap();
    assert_eq!(format!("{keys:?}"), "Keys(1)");
}
