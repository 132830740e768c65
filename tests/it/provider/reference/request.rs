use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Reference, scheme::Scheme, scheme::one};

/// What may be done to a good request.
pub(super) const DONE: [&str; 24] = [
    "nothing",
    "at the edge of the tolerance",
    "beyond the tolerance",
    "far away in time",
    "a time written oddly",
    "a bit of the signature's header turned",
    "a bit of another header turned",
    "a bit of the body turned",
    "body cut or lengthened",
    "a header lost",
    "a header twice",
    "a header emptied",
    "header in upper case",
    "separators and blanks around",
    "an element without a key",
    "a second time",
    "the time lost",
    "signature under another key",
    "signature written oddly",
    "signature of nothing",
    "too many signatures",
    "a header too long",
    "the query changed",
    "of another secret",
];

/// Our clock.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) now_ms: i64,
    pub(super) tolerance: Duration,
}

impl Clock {
    pub(super) fn random(random: &mut Rng) -> Self {
        let now_ms = random.i64(1_500_000_000_000..2_500_000_000_000);
        let tolerance = Duration::from_millis(one(random, &[1, 999, 1_000, 1_500, 300_000, 86_400_000]));
        Self { now_ms, tolerance }
    }
}

/// What comes in.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) query: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// For the reference.
    pub(super) fn told(&self) -> Value {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, line)| json!([name, hex::encode(line)])).collect();
        json!({ "headers": headers, "query": self.query, "body": hex::encode(&self.body) })
    }

    /// For a person.
    pub(super) fn shown(&self) -> Value {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let headers: Vec<_> = self.headers.iter().map(|(name, line)| json!([name, shown(line)])).collect();
        json!({ "headers": headers, "query": self.query, "body": shown(&self.body) })
    }

    /// A good one, and then what was done to it.
    pub(super) fn random(
        random: &mut Rng,
        scheme: &Scheme,
        clock: &Clock,
        reference: &mut Reference,
    ) -> (Self, &'static str) {
        let done = if random.u8(..4) == 0 { DONE[0] } else { one(random, &DONE) };
        let time = time(random, scheme, clock, done);
        let mut request = Self::bare(random);
        let secret = match done {
            "of another secret" => "bm90IG9uZSBvZiB0aGVt".to_owned(),
            _ => one(random, &scheme.secrets.iter().collect::<Vec<_>>()).clone(),
        };
        let secret = match (done, scheme.word("/key")) {
            ("of another secret", "hex") => "0102030405".to_owned(),
            _ => secret,
        };
        let mut signature = reference.sign(scheme, &secret, &request, &time);
        match done {
            "signature of nothing" => signature = scheme.made_up(random),
            "signature written oddly" => signature = oddly(random, &signature),
            _ => {}
        }
        request.put(random, scheme, &time, &signature, done);
        request.spoil(random, scheme, done);
        // An HTTP server never lets these through.
        for (_, line) in &mut request.headers {
            line.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        }
        (request, done)
    }

    /// What is signed beside the body is there whether or not the scheme asks for it.
    fn bare(random: &mut Rng) -> Self {
        let length = one(random, &[0, 1, 63, 64, 200]);
        Self {
            headers: vec![("x-id".into(), format!("msg_{} é", random.u32(..)).into_bytes())],
            query: format!("{}id=a+b%20%C3%A9{}", one(random, &["", "x=1&", "&&"]), random.u32(..)),
            body: (0..length).map(|_| random.u8(..)).collect(),
        }
    }

    /// Writes time and signature where the scheme has them, amid others.
    fn put(&mut self, random: &mut Rng, scheme: &Scheme, time: &str, signature: &str, done: &str) {
        if let key @ ("sig" | "token") = scheme.word("/place/query") {
            let value: String = form_urlencoded::byte_serialize(signature.as_bytes()).collect();
            self.query = format!("{}&{key}={value}", self.query);
            return;
        }
        let (assign, own) = (scheme.word("/assign"), scheme.word("/element"));
        let under = |key: &str, value: &str| match assign {
            "" => value.to_owned(),
            assign => format!("{key}{assign}{value}"),
        };
        let key = match done {
            "signature under another key" => one(random, &["v0", "V1", "", " v1", "v1 "]),
            _ => own,
        };
        let mut elements = vec![under(key, signature)];
        let list = scheme.word("/list");
        if !list.is_empty() {
            let others = if done == "too many signatures" { random.u8(14..19) } else { random.u8(..3) };
            for _ in 0..others {
                let other = scheme.made_up(random);
                let key = if done == "too many signatures" { own } else { one(random, &[own, own, "v0"]) };
                elements.push(under(key, &other));
            }
            if random.u8(..3) == 0 {
                elements.push(under(own, one(random, &["", "zz", "00", "AAAA", "=="])));
            }
            if done == "an element without a key" {
                elements.push(one(random, &["nonsense", "", "v1", "t"]).to_owned());
            }
            random.shuffle(&mut elements);
        }
        match (scheme.told.get("time"), scheme.word("/time/element"), scheme.word("/time/header")) {
            (_, "", "") => {}
            (_, key, "") => {
                let times: &[&str] = match done {
                    "the time lost" => &[],
                    "a second time" => &[time, time],
                    _ => &[time],
                };
                for time in times {
                    elements.insert(random.usize(..=elements.len()), under(key, time));
                }
            }
            (_, _, name) => self.headers.push((name.into(), time.as_bytes().to_vec())),
        }
        let mut joint = list.to_owned();
        let mut value = elements.join(&joint);
        if done == "separators and blanks around" {
            let blank = one(random, &[" ", "\t", "  ", "\x0b", "\x0c", ""]);
            joint = format!("{blank}{list}{}", one(random, &["", blank]));
            value = elements.join(&joint);
            value = match random.u8(..4) {
                0 => format!("{value}{joint}"),
                1 => format!("{joint}{value}"),
                2 => format!("{blank}{value}{blank}"),
                _ => value,
            };
        }
        if done == "a header too long" {
            let filling = "x".repeat(4096_usize.saturating_sub(value.len() + list.len()) + random.usize(..2));
            value = format!("{value}{list}{filling}");
        }
        self.headers.push((scheme.word("/place/header").into(), value.into_bytes()));
    }

    fn spoil(&mut self, random: &mut Rng, scheme: &Scheme, done: &str) {
        let own = scheme.word("/place/header");
        let any = random.usize(..self.headers.len());
        match done {
            "a bit of the signature's header turned" => {
                if let Some((_, line)) = self.headers.iter_mut().find(|(name, _)| name == own) {
                    turn(random, line);
                }
            }
            "a bit of another header turned" => {
                if let Some((_, line)) = self.headers.iter_mut().find(|(name, _)| name != own) {
                    turn(random, line);
                }
            }
            "a bit of the body turned" => turn(random, &mut self.body),
            "body cut or lengthened" => match self.body.len() {
                length if length > 0 && random.bool() => self.body.truncate(length - 1),
                _ => self.body.push(random.u8(..)),
            },
            "a header lost" => drop(self.headers.remove(any)),
            "a header twice" => self.headers.push(self.headers[any].clone()),
            "a header emptied" => self.headers[any].1.clear(),
            "header in upper case" => self.headers[any].1.make_ascii_uppercase(),
            "the query changed" => {
                self.query = match random.u8(..6) {
                    0 => String::new(),
                    1 => format!("{}&id=again", self.query),
                    2 => self.query.replace("id=", "id=%00"),
                    3 => self.query.replace("%20", "+").replace("a+b", "%61%20b"),
                    4 => format!("{}&other=1&%", self.query),
                    _ => self.query.replace("%C3%A9", "%C3"),
                }
            }
            _ => {}
        }
    }
}

fn turn(random: &mut Rng, bytes: &mut Vec<u8>) {
    match bytes.len() {
        0 => bytes.push(1),
        length => bytes[random.usize(..length)] ^= 1 << random.u8(..8),
    }
}

/// The time of signing, as it is written.
fn time(random: &mut Rng, scheme: &Scheme, clock: &Clock, done: &str) -> String {
    let unit_ms = if scheme.word("/unit") == "s" { 1000 } else { 1 };
    let now = clock.now_ms.div_euclid(unit_ms);
    let tolerance = i64::try_from(clock.tolerance.as_millis()).unwrap() / unit_ms;
    let side = one(random, &[-1, 1]);
    let at = match done {
        "at the edge of the tolerance" => now + side * tolerance,
        "beyond the tolerance" => now + side * (tolerance + 1),
        "far away in time" => {
            one(random, &[0, now / 2, now * 1000, now / 1000, i64::MAX, now + side * 2 * tolerance])
        }
        _ => now + random.i64(-tolerance..=tolerance),
    };
    match done {
        "a time written oddly" => match random.u8(..10) {
            0 => format!("0{at}"),
            1 => format!("+{at}"),
            2 => format!("{at}.0"),
            3 => format!("{at} "),
            4 => String::new(),
            5 => format!("{at}٠"),
            6 => "9223372036854775808".into(),
            7 => "9".repeat(40),
            8 => format!("-{at}"),
            _ => format!("{at}e0"),
        },
        _ => at.to_string(),
    }
}

fn oddly(random: &mut Rng, signature: &str) -> String {
    let last = signature.trim_end_matches('=').len() - 1;
    match random.u8(..8) {
        0 => signature.to_uppercase(),
        1 => signature.trim_end_matches('=').into(),
        2 => format!("{signature}="),
        3 => signature[..signature.len() - 1].into(),
        4 => format!("{signature}00"),
        // Stray bits in the last character of base64, which a careless decoder drops.
        5 => signature
            .char_indices()
            .map(|(at, c)| if at == last && c.is_ascii() { char::from(c as u8 + 1) } else { c })
            .collect(),
        6 => signature.replace('+', "-").replace('/', "_"),
        _ => signature.replacen(|c: char| c.is_ascii_lowercase(), "A", 1),
    }
}
