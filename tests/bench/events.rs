//! Signed requests, made before the clock runs: bodies shaped like `charge.succeeded`, each with ids and a
//! signature of its own. Signed anew before each measurement, because a signature is good for five minutes.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use daybridge::{config::Source, provider::sample::Sample, webhook::signature};
use secrecy::SecretString;

/// Signing secret of all three.
pub(crate) const SECRET: &str = "whsec_bench_0123456789abcdef01234567";

/// Where all three take webhooks.
pub(crate) const PATH: &str = "/webhooks/stripe";

/// Whole requests, head and body.
pub(crate) type Requests = Arc<[Vec<u8>]>;

/// An event, not signed yet.
pub(crate) struct Event {
    /// Payment id inside.
    pub(crate) payment: String,
    body: Vec<u8>,
}

/// Different events for the channels `BENCH-00000` to `BENCH-…`, so many of them, in turn.
pub(crate) fn make(count: usize, channels: usize) -> Vec<Event> {
    let created_s = i64::try_from(now_s()).unwrap();
    let source = Source::of_preset("stripe").unwrap();
    let event = |number: usize| {
        let payment = format!("pi_3Bench{:04x}{number:08x}", fastrand::u16(..));
        let sample = Sample {
            event_id: format!("evt_3Bench{number:08x}"),
            payment: payment.clone(),
            channel: channel(number % channels),
            days: "1".into(),
            amount: 900,
            currency: "usd".into(),
            livemode: true,
            created_s,
        };
        Event { payment, body: sample.body(&source, "charge.succeeded").unwrap() }
    };
    (0..count).map(event).collect()
}

/// Name of a channel.
pub(crate) fn channel(number: usize) -> String {
    format!("BENCH-{number:05}")
}

/// Requests signed now.
pub(crate) fn sign(events: &[Event]) -> Requests {
    let (secret, at_ms) = (SecretString::from(SECRET), i64::try_from(now_s()).unwrap() * 1000);
    let source = Source::of_preset("stripe").unwrap();
    let request = |event: &Event| {
        let signed = signature::sign(&source, &secret, &event.body, "", at_ms).unwrap();
        let signature = &signed.headers[0].1;
        let mut request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0\r\nContent-Type: \
             application/json; charset=utf-8\r\nStripe-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
            event.body.len()
        )
        .into_bytes();
        request.extend_from_slice(&event.body);
        request
    };
    events.iter().map(request).collect()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
