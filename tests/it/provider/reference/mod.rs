//! The verifier against a reference: schemes nobody uses, requests good and bad, judged by us and by Python's own `hmac`
//! after the rules at the top of `support/reference.py`. Both must say the same of each.
//!
//! `REFERENCE_CASES=1000000 cargo test --release --test it provider::reference` judges a million; `REFERENCE_CASE=n`
//! one, and tells it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use daybridge::webhook::signature::{Keys, Rejected, RequestParts, sign, verify};
use secrecy::SecretString;
use serde_json::{Value, json};

use request::{Clock, Request};
use scheme::Scheme;

/// A random scheme.
mod scheme;

/// A request, as it should be or not.
mod request;

const CASES: u64 = 3_000;

/// One process for the whole run.
struct Reference {
    process: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start() -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", include_str!("../../support/reference.py")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3 is installed");
        let (asked, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, asked, answers: BufReader::new(answers) }
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.asked, "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the reference broke on {what:#}"))
    }

    /// Signs what a request says at this time.
    fn sign(&mut self, scheme: &Scheme, secret: &str, request: &Request, time: &str) -> String {
        let what = json!({
            "do": "sign", "scheme": scheme.told, "secret": secret, "request": request.told(), "time": time,
        });
        let answer = self.ask(&what);
        answer["signature"].as_str().unwrap_or_else(|| panic!("{answer} {what:#}")).to_owned()
    }

    /// Positions of the secrets that fit, or why it is refused.
    fn judge(&mut self, scheme: &Scheme, request: &Request, clock: &Clock) -> Result<Vec<usize>, String> {
        let answer = self.ask(&json!({
            "do": "judge", "scheme": scheme.told, "secrets": scheme.secrets, "request": request.told(),
            "now_ms": clock.now_ms, "tolerance_ms": u64::try_from(clock.tolerance.as_millis()).unwrap(),
        }));
        match answer["why"].as_str() {
            Some(why) => Err(why.to_owned()),
            None => Ok(serde_json::from_value(answer["fit"].clone()).unwrap()),
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ours(scheme: &Scheme, request: &Request, clock: &Clock) -> Result<usize, Rejected> {
    let secrets: Vec<SecretString> = scheme.secrets.iter().map(|one| one.clone().into()).collect();
    let keys = Keys::new(&scheme.source.signature, &secrets).unwrap();
    let headers = |name: &str| {
        request.headers.iter().filter(|(known, _)| known == name).map(|(_, line)| line.as_slice()).collect()
    };
    let around = RequestParts { headers: &headers, query: &request.query, client: None };
    let mut source = scheme.source.clone();
    source.tolerance = clock.tolerance;
    verify(&source, &keys, &around, Bytes::from(request.body.clone()), clock.now_ms).map(|done| done.key())
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn both_accept_the_same() {
    let mut reference = Reference::start();
    let one = from_env("REFERENCE_CASE");
    let cases = one.map_or(0..from_env("REFERENCE_CASES").unwrap_or(CASES), |one| one..one + 1);
    let mut seen: BTreeMap<&'static str, [u64; 2]> = BTreeMap::new();
    for case in cases.clone() {
        let mut random = fastrand::Rng::with_seed(case);
        let scheme = Scheme::random(&mut random);
        let clock = Clock::random(&mut random);
        let (request, done) = Request::random(&mut random, &scheme, &clock, &mut reference);
        let (ours, theirs) = (ours(&scheme, &request, &clock), reference.judge(&scheme, &request, &clock));
        let tell = || format!("case {case}, {done}: {:#}\n{:#}\n{clock:?}", scheme.told, request.shown());
        if one.is_some() {
            println!("{}\nours {ours:?}, theirs {theirs:?}", tell());
        }
        let same = match (&ours, &theirs) {
            (Ok(key), Ok(fit)) => fit.contains(key),
            (Err(_), Err(_)) => true,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        assert!(same, "ours {ours:?}, theirs {theirs:?}; {}", tell());
        seen.entry(done).or_default()[usize::from(ours.is_err())] += 1;
    }
    if one.is_none() {
        // Neither all good nor all bad: what agrees on one side only proves nothing.
        println!("accepted and refused: {seen:?}");
        let [accepted, refused] = seen.values().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
        assert!(accepted > cases.end / 4 && refused > cases.end / 4, "{accepted} {refused}");
        assert_eq!(seen["nothing"][1], 0, "a good request was refused");
        assert_eq!(seen.len(), request::DONE.len(), "{seen:?}");
    }
}

/// What `send` signs for a scheme, the reference accepts.
#[test]
fn what_we_sign_is_good() {
    let mut reference = Reference::start();
    for case in 0..CASES / 10 {
        let mut random = fastrand::Rng::with_seed(case);
        let scheme = Scheme::random(&mut random);
        let clock = Clock::random(&mut random);
        let secret = scheme.secrets.last().unwrap().clone().into();
        let signed = sign(&scheme.source, &secret, b"{\"a\":[1,\"x\"]}", "id 1", clock.now_ms).unwrap();
        let request = Request {
            headers: signed.headers.into_iter().map(|(name, line)| (name, line.into_bytes())).collect(),
            query: signed.query,
            body: signed.body,
        };
        let fit = reference.judge(&scheme, &request, &clock).unwrap_or_else(|why| {
            panic!("case {case}: {why}: {:#}\n{:#}", scheme.told, request.shown());
        });
        assert!(fit.contains(&(scheme.secrets.len() - 1)), "case {case}: {fit:?}");
    }
}
