//! Whatever the scheme: what was signed is accepted, what was made up or changed is not, and nothing breaks.

use std::sync::OnceLock;

use bytes::Bytes;
use daybridge::{
    config::{Source, preset::Signature},
    webhook::signature::{Keys, Rejected, RequestParts, Signed, sign, verify},
};
use secrecy::SecretString;

const NOW_MS: i64 = 1_533_204_620_000;
const SECRET: &str = "whsec_bmV2ZXIgc2VlbiBieSB0aGUgZnV6emVy";
const PLACES: [&str; 6] = [
    "header = 'sig'",
    "header = 'sig'\nlist = ','",
    "header = 'sig'\nassign = '='\nelement = 'v1'",
    "header = 'sig'\nlist = ';'\nassign = '='\nelement = 'v1'",
    "header = 'sig'\nlist = ' '\nassign = ','\nelement = 'v1'",
    "query = 'sig'",
];
const SIGNED: [&str; 4] = ["{body}", "{header:id}.{body}", "{query:id}{url}{body}", "v1:{body}:{header:id}"];
const HOW: [&str; 5] = [
    "mac = 'sha256'",
    "mac = 'sha512'\nencoding = 'base64'",
    "encoding = 'base64'\nkey = 'base64'\nkey_prefix = 'whsec_'",
    "mac = 'sha512'\nkey_prefix = 'whsec_'",
    "check = 'token'",
];

struct Scheme {
    source: Source,
    keys: Keys,
}

fn schemes() -> &'static [Scheme] {
    static SCHEMES: OnceLock<Vec<Scheme>> = OnceLock::new();
    SCHEMES.get_or_init(|| {
        let mut all = Vec::new();
        for place in PLACES {
            for signed in SIGNED {
                for how in HOW {
                    for time in [
                        None,
                        Some("timestamp = { element = 't', unit = 'ms' }"),
                        Some("timestamp = { header = 'at' }"),
                    ] {
                        let signed =
                            if time.is_some() { format!("{{timestamp}}.{signed}") } else { signed.into() };
                        let table =
                            format!("{place}\nsigned = \"{signed}\"\n{how}\n{}", time.unwrap_or_default());
                        let signature: Signature = toml::from_str(&table).unwrap();
                        if signature.contradictions().is_empty() {
                            all.push(scheme(signature));
                        }
                    }
                }
            }
        }
        all
    })
}

fn scheme(signature: Signature) -> Scheme {
    let keys = Keys::new(&signature, &["d2hzZWNfYW5vdGhlcg==".to_owned().into(), SECRET.to_owned().into()]);
    let mut source = Source::of_preset("stripe").unwrap();
    source.signature = signature;
    source.public_url = Some("https://pay.example.com/x".into());
    Scheme { source, keys: keys.unwrap() }
}

impl Scheme {
    fn judge(&self, request: &Request<'_>) -> Result<usize, Rejected> {
        let headers = |name: &str| {
            request.headers.iter().filter(|(known, _)| *known == name).map(|(_, line)| *line).collect()
        };
        let around = RequestParts { headers: &headers, query: request.query, client: None };
        verify(&self.source, &self.keys, &around, Bytes::copy_from_slice(request.body), NOW_MS)
            .map(|verified| verified.key())
    }
}

struct Request<'r> {
    headers: Vec<(&'r str, &'r [u8])>,
    query: &'r str,
    body: &'r [u8],
}

/// Two bytes that choose the scheme, two that choose what is changed; then signature, time, id, query and body.
pub fn judge(data: &[u8]) {
    let [low, high, at, bit, rest @ ..] = data else { return };
    let all = schemes();
    let scheme = &all[usize::from(u16::from_le_bytes([*low, *high])) % all.len()];
    let [sig, time, id, query, body] = super::lines(rest);
    let Some(query) = super::text(query) else { return };
    let made_up = Request { headers: vec![("sig", sig), ("at", time), ("id", id)], query, body };
    assert!(scheme.judge(&made_up).is_err(), "made up, and accepted");

    // What is in the query of a signed one stands in its body.
    let body = format!("{{\"id\":{:?}}}", body.len());
    let secret = SecretString::from(SECRET);
    let Signed { headers, query, body } =
        sign(&scheme.source, &secret, body.as_bytes(), "id", NOW_MS).unwrap();
    let lines = |headers: &[(String, Vec<u8>)], body: &[u8]| {
        let headers = headers.iter().map(|(name, line)| (name.as_str(), line.as_slice())).collect();
        scheme.judge(&Request { headers, query: &query, body })
    };
    let mut headers: Vec<(String, Vec<u8>)> =
        headers.into_iter().map(|(name, line)| (name, line.into_bytes())).collect();
    assert_eq!(lines(&headers, &body), Ok(1), "signed, and refused");
    let mut other = body.clone();
    let place = usize::from(*at) % other.len();
    other[place] ^= 1 << (bit % 8);
    if scheme.source.signature.binds_body() {
        assert_eq!(lines(&headers, &other), Err(Rejected::NoMatch), "another body");
    }
    if let Some((_, line)) = headers.last_mut().filter(|(_, line)| !line.is_empty()) {
        let good = line.clone();
        let place = usize::from(*at) % line.len();
        line[place] ^= 1 << (bit % 8);
        // One blank may stand for another, and no more.
        let same = good.trim_ascii() == line.trim_ascii();
        assert!(same || lines(&headers, &body).is_err(), "{:?} for {good:?}", headers.last());
    }
}
