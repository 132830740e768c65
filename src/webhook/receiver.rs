//! One request from its bytes to its answer: route, read the bounded body, verify, publish, and only after
//! the queue's confirm say 200. Knows the queue and nothing else; parses nothing but two words of a body
//! that is already verified.
//!
//! The body is read before any answer, also before 404 and 400: a proxy stalls on a body nobody took. It is kept only
//! where everything that can be told without it is right: the source is there, and so is a signature of its form.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actix_http::{
    HttpMessage as _, Method, Request, Response,
    header::{self, HeaderMap, HeaderValue},
};
use bytes::Bytes;
use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};
use tracing::{debug, enabled};

use super::{
    WEBHOOKS,
    answer::{Answer, LABELS},
    body::{self, Bounds},
    budget::Budget,
    client_address::TrustedProxies,
    deadline::Clock,
    endpoint::{Endpoint, Sources},
    refusal_log::RefusalLog,
    refused::{Refused, UNKNOWN},
    signature::{RequestParts, Verified, admissible, verify},
};
use crate::{
    envelope::{Envelope, Trigger, WORD_BYTES_MAX, new_delivery, new_traceparent, trace_id},
    provider::event::words::words,
    queue::{NotConfirmed, Queue},
};

/// Bodies from this length on, and those in chunks, are waited for without the buffer in which their head came.
const DETACHED_FROM: u64 = 4 * 1024;

const FORWARDED_FOR: &str = "x-forwarded-for";
const TRACEPARENT: &str = "traceparent";

/// One for each thread: they share the sources, and each has its own door to the queue.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) limits: Limits,
    pub(super) proxies: TrustedProxies,
    queue: Arc<dyn Queue>,
    sources: Arc<HashMap<String, Served>>,
    unknown: Meters,
    refused: Arc<Refused>,
    budget: Arc<Budget>,
    pub(super) log: Arc<RefusalLog>,
}

/// One source with its meters, so that a request looks it up once.
struct Served {
    name: String,
    endpoint: Endpoint,
    meters: Meters,
}

/// See [`config::Server`](crate::config::Server).
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) body_bytes_max: usize,
    pub(super) bodies_bytes_max: usize,
    pub(super) body_timeout: Duration,
    pub(super) confirm_timeout: Duration,
}

/// Registered once, so that a request pays an addition and no look-up.
#[derive(Clone)]
struct Meters {
    answers: [Counter; LABELS.len()],
    confirm: Histogram,
}

impl Meters {
    fn new(source: &str) -> Self {
        let answer = |answer| counter!("daybridge_deliveries_total", "source" => source.to_owned(), "answer" => answer);
        Self {
            answers: LABELS.map(answer),
            confirm: histogram!("daybridge_confirm_seconds", "source" => source.to_owned()),
        }
    }
}

impl Receiver {
    pub(super) fn new(
        limits: Limits,
        proxies: TrustedProxies,
        sources: Sources,
        queue: Arc<dyn Queue>,
    ) -> Self {
        describe_counter!("daybridge_deliveries_total", "Requests of the receiver, by source and answer");
        describe_histogram!(
            "daybridge_confirm_seconds",
            metrics::Unit::Seconds,
            "Time from publish to the queue's confirm"
        );
        let served = |(name, endpoint): (String, Endpoint)| {
            (name.clone(), Served { meters: Meters::new(&name), name, endpoint })
        };
        let Sources { endpoints, refused } = sources;
        let log = Arc::new(RefusalLog::of(endpoints.keys()));
        let budget = Budget::new(limits.bodies_bytes_max);
        let sources = Arc::new(endpoints.into_iter().map(served).collect());
        Self { limits, proxies, queue, sources, unknown: Meters::new(UNKNOWN), refused, budget, log }
    }

    /// The same receiver for the requests of the calling thread.
    pub(super) fn on_this_thread(&self) -> Arc<Self> {
        let queue = self.queue.on_this_thread().unwrap_or_else(|| self.queue.clone());
        Arc::new(Self { queue, ..self.clone() })
    }

    /// Serves one request.
    pub(super) async fn serve(&self, mut request: Request) -> Response<Bytes> {
        let declared = content_length(request.headers());
        if declared.is_none_or(|bytes| bytes >= DETACHED_FROM) {
            detach(request.headers_mut());
        }
        let mut in_hand = request.conn_data::<Clock>().map(|clock| clock.in_hand(declared));
        let traceparent = traceparent(request.headers()).unwrap_or_else(new_traceparent);
        let source = request.path().strip_prefix(WEBHOOKS).and_then(|name| self.sources.get(name));
        let answer = self.judge(source, &mut request, declared, &traceparent).await;
        let meters = source.map_or(&self.unknown, |source| &source.meters);
        if let Some(counter) = meters.answers.get(answer.index()) {
            counter.increment(1);
        }
        if answer != Answer::Accepted {
            let name = source.map(|source| source.name.as_str());
            self.refused.count(name, &answer, clock_ms());
            self.log.tell(name, &answer, self.client(&request), trace_id(&traceparent));
        }
        if let Some(in_hand) = in_hand.as_mut().filter(|_| answer.is_last()) {
            in_hand.is_last();
        }
        answer.response()
    }

    async fn judge(
        &self,
        source: Option<&Served>,
        request: &mut Request,
        declared: Option<u64>,
        traceparent: &str,
    ) -> Answer {
        let limits = self.limits;
        let clock = request.conn_data::<Clock>().cloned();
        let bounds =
            Bounds { declared, bytes_max: limits.body_bytes_max, timeout: limits.body_timeout, clock };
        let mut payload = request.take_payload();
        let served = match self.foresee(source, request) {
            Ok(served) => served,
            Err(answer) => return body::drain(&mut payload, bounds).await.err().unwrap_or(answer),
        };
        let Served { name, endpoint, meters } = served;
        let (body, _room) = match body::read(&mut payload, bounds, &self.budget).await {
            Ok(read) => read,
            Err(answer) => return answer,
        };
        let received_at = since_epoch();
        let headers = |name: &str| request.headers().get_all(name).map(HeaderValue::as_bytes).collect();
        let around = self.around(request, &headers);
        let verified = match verify(&endpoint.source, &endpoint.keys, &around, body, millis(received_at)) {
            Ok(verified) => verified,
            Err(rejected) => return Answer::Rejected(rejected, endpoint.bad_signature),
        };
        let key = verified.key();
        let envelope = envelope(name, endpoint, verified, request.headers(), received_at, traceparent);
        // Formatted only when someone listens.
        if enabled!(tracing::Level::DEBUG) {
            debug!(
                source = name,
                event = envelope.event_id,
                event_type = envelope.event_type,
                key,
                client = ?self.client(request),
                trace = trace_id(traceparent),
                "request verified"
            );
        }
        self.publish(meters, envelope).await
    }

    /// What can be told before the body is there; `Err`: how it will be answered, whatever the body says.
    fn foresee<'s>(&self, source: Option<&'s Served>, request: &Request) -> Result<&'s Served, Answer> {
        let served = source.ok_or(Answer::Unknown)?;
        if request.method() != Method::POST {
            return Err(Answer::Method);
        }
        let headers = |name: &str| request.headers().get_all(name).map(HeaderValue::as_bytes).collect();
        let around = self.around(request, &headers);
        let endpoint = &served.endpoint;
        admissible(&endpoint.source, &around)
            .map_err(|rejected| Answer::Rejected(rejected, endpoint.bad_signature))?;
        Ok(served)
    }

    fn around<'r>(
        &self,
        request: &'r Request,
        headers: &'r dyn Fn(&str) -> Vec<&'r [u8]>,
    ) -> RequestParts<'r> {
        RequestParts {
            headers,
            query: request.uri().query().unwrap_or_default(),
            client: self.client(request),
        }
    }

    /// 200 rests on this: `Ok` from the queue, in time, and nothing else.
    async fn publish(&self, meters: &Meters, envelope: Envelope) -> Answer {
        let started = Instant::now();
        let limit = self.limits.confirm_timeout;
        let confirmed = tokio::time::timeout(limit, self.queue.publish(envelope))
            .await
            .unwrap_or(Err(NotConfirmed::Timeout(limit)));
        match confirmed {
            Ok(()) => {
                meters.confirm.record(started.elapsed());
                Answer::Accepted
            }
            Err(why) => Answer::NotConfirmed(why),
        }
    }

    fn client(&self, request: &Request) -> Option<std::net::IpAddr> {
        let forwarded = request.headers().get_all(FORWARDED_FOR).map(HeaderValue::as_bytes);
        self.proxies.client(request.peer_addr().map(|peer| peer.ip()), forwarded)
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn clock_ms() -> i64 {
    millis(since_epoch())
}

fn millis(since_epoch: Duration) -> i64 {
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

fn envelope(
    name: &str,
    endpoint: &Endpoint,
    verified: Verified,
    headers: &HeaderMap,
    received_at: Duration,
    traceparent: &str,
) -> Envelope {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let words = words(&endpoint.source.events, &header, verified.body());
    Envelope {
        body: verified.into_body(),
        content_type: content_type(headers),
        source: name.to_owned(),
        event_id: words.event_id,
        event_type: words.event_type,
        received_at_ms: millis(received_at),
        delivery: new_delivery(),
        trigger: Trigger::Webhook,
        traceparent: traceparent.to_owned(),
    }
}

/// Copies what stands in the headers: as they come they are parts of the buffer that the connection reads into, and it
/// would take another one for the body.
fn detach(headers: &mut HeaderMap) {
    let copy = |(name, value): (&header::HeaderName, &HeaderValue)| {
        Some((name.clone(), HeaderValue::from_bytes(value.as_bytes()).ok()?))
    };
    *headers = headers.iter().filter_map(copy).collect();
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// As sent, where it is printable and short; what it is does not matter to anyone here.
fn content_type(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    sent.filter(|text| text.len() <= WORD_BYTES_MAX).unwrap_or("application/octet-stream").to_owned()
}

/// The caller's trace context, when it is a valid one of version 00.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let valid = parts.next().is_none()
        && version == "00"
        && hex(trace, 32)
        && !zero(trace)
        && hex(span, 16)
        && !zero(span)
        && hex(flags, 2);
    valid.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
