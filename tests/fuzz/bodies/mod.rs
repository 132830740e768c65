//! What is fuzzed: each a plain function of bytes that asserts what must hold for all of them. Used twice: by
//! `cargo fuzz` (`tests/fuzz/run`), and over the seeds and what was found, with some mutations, in every test run.

pub mod amqp;
pub mod comment;
pub mod events;
pub mod partner;
pub mod scheme;
pub mod settings;
pub mod settle;
pub mod signature;

/// One target.
#[allow(dead_code, reason = "the name is for the tests, the limits are for the fuzzer")]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub body: fn(&[u8]),
    /// An input that goes all the way.
    pub seed: &'static [u8],
    /// Bytes of memory that an input may take at once, whatever its length …
    pub bytes_max: usize,
    /// … and for each of its own bytes.
    pub bytes_per_byte_max: usize,
}

/// Signature header and body.
pub const SIGNATURE: Target = Target {
    name: "signature",
    body: signature::verify,
    seed: b"t=1533204620,v1=00\n{}",
    bytes_max: 64 * 1024,
    bytes_per_byte_max: 8,
};

/// Requests under any scheme.
pub const SCHEME: Target = Target {
    name: "scheme",
    body: scheme::judge,
    seed: b"\x07\x00\x05\x01t=1533204620,v1=00\n1533204620\nid\nid=1&sig=00\n{}",
    bytes_max: 64 * 1024,
    bytes_per_byte_max: 32,
};

/// Event bodies and answers of every provider, to a decision.
pub const EVENTS: Target = Target {
    name: "events",
    body: events::read,
    seed: include_bytes!("../../data/stripe/charge.succeeded.basil.json"),
    bytes_max: 256 * 1024,
    bytes_per_byte_max: 64,
};

/// Settings file and environment.
pub const SETTINGS: Target = Target {
    name: "settings",
    body: settings::parse,
    seed: b"QUEUE__PREFETCH=9\n[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"whsec_x\"]\n",
    bytes_max: 1024 * 1024,
    bytes_per_byte_max: 512,
};

/// Comment template and keys.
pub const COMMENT: Target = Target {
    name: "comment",
    body: comment::render,
    seed: b"daybridge {key} {days}d\nstripe\npi_3OabC\npi_3OabD",
    bytes_max: 64 * 1024,
    bytes_per_byte_max: 64,
};

/// Messages off the broker.
pub const AMQP: Target = Target {
    name: "amqp",
    body: amqp::decode,
    seed: b"\x1fstripe\nevt_1\ncharge.succeeded\napplication/json\nwebhook\n1\n{}",
    bytes_max: 64 * 1024,
    bytes_per_byte_max: 32,
};

/// Answers of the partner.
pub const PARTNER: Target = Target {
    name: "partner",
    body: partner::judge,
    seed: b"\xc8\x00\x01\n{\"id\":\"DEMOCH-AB12C\",\"activeTill\":1767367524333,\"token\":\"SECRETTOKEN\"}",
    bytes_max: 256 * 1024,
    bytes_per_byte_max: 64,
};

/// The step function of a transfer, under any inputs in any order.
pub const SETTLE: Target = Target {
    name: "settle",
    body: settle::steps,
    seed: b"\x00\x01\x02\x03\x04\x05\x06\x07\x08",
    bytes_max: 256 * 1024,
    bytes_per_byte_max: 64,
};

/// All of them.
#[allow(dead_code, reason = "a fuzz target uses its own only")]
pub const ALL: [&Target; 8] = [&SIGNATURE, &SCHEME, &EVENTS, &SETTINGS, &COMMENT, &AMQP, &PARTNER, &SETTLE];

/// The first `N - 1` lines, and the rest; missing ones are empty.
fn lines<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut rest = data.splitn(N, |byte| *byte == b'\n');
    std::array::from_fn(|_| rest.next().unwrap_or_default())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
