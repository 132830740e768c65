//! What the receiver says: a closed set, each with its status, its `problem+json` and its label in metrics.
//! Outside texts are fixed and tell nothing of the inside; the reason for the operator goes to the log.

use actix_http::{
    ConnectionType, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use bytes::Bytes;

use super::signature::Rejected;
use crate::queue::NotConfirmed;

/// Seconds a provider is asked to wait after a 503; its own schedule is usually longer.
const RETRY_AFTER_S: &str = "5";

/// The end of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Confirmed by the queue.
    Accepted,
    /// The signature does not hold.
    Rejected(Rejected, StatusCode),
    /// No such source, or no such path.
    Unknown,
    /// Anything but POST.
    Method,
    /// The body did not come in time.
    Slow,
    /// The body is over the limit.
    TooLong,
    /// The body ended early or is not framed right.
    Broken,
    /// More bodies at once than there is memory for.
    Crowded,
    /// The queue did not confirm.
    NotConfirmed(NotConfirmed),
}

/// The words of the label `answer`, in the order of [`Answer::index`].
pub(super) const LABELS: [&str; 19] = [
    "accepted",
    "signature_missing",
    "signature_malformed",
    "signature_too_old",
    "signature_in_future",
    "signature_no_match",
    "unknown_source",
    "method",
    "body_slow",
    "body_too_long",
    "body_broken",
    "queue_refused",
    "queue_unreachable",
    "queue_blocked",
    "queue_timeout",
    "queue_busy",
    "stranger",
    "queue_missing",
    "body_crowded",
];

/// The labels of what is refused for its size, its signature or its shape, each with a sentence for the operator.
pub(super) const REFUSALS: [(&str, &str); 12] = [
    ("signature_missing", "the signature is missing"),
    ("signature_malformed", "the signature is malformed"),
    ("signature_too_old", "the signature is too old"),
    ("signature_in_future", "the signature lies in the future; is this machine's clock right?"),
    ("signature_no_match", "no signature matches; is the source's secret the one of this endpoint?"),
    ("stranger", "the caller's address is not one of signature.addresses; are server.trusted_proxies right?"),
    ("unknown_source", "there is no such source; does the path of the endpoint name one?"),
    ("method", "the method is not POST"),
    ("body_slow", "the body did not come within server.body_timeout"),
    ("body_too_long", "the body is too large; raise server.max_body_bytes, and the proxy's limit with it"),
    ("body_broken", "the body ended early or is badly framed"),
    (
        "body_crowded",
        "more bodies came at once than fit into server.bodies_bytes_max; the provider sends it again; limit what one address may send at the proxy, or raise it",
    ),
];

impl Answer {
    /// Its label.
    pub(super) fn label(&self) -> &'static str {
        LABELS.get(self.index()).copied().unwrap_or_default()
    }

    /// Position of the label.
    pub(super) fn index(&self) -> usize {
        match self {
            Answer::Accepted => 0,
            Answer::Rejected(Rejected::Missing, _) => 1,
            Answer::Rejected(Rejected::Malformed, _) => 2,
            Answer::Rejected(Rejected::TooOld, _) => 3,
            Answer::Rejected(Rejected::InFuture, _) => 4,
            Answer::Rejected(Rejected::NoMatch, _) => 5,
            Answer::Unknown => 6,
            Answer::Method => 7,
            Answer::Slow => 8,
            Answer::TooLong => 9,
            Answer::Broken => 10,
            Answer::NotConfirmed(NotConfirmed::Refused) => 11,
            Answer::NotConfirmed(NotConfirmed::Unreachable) => 12,
            Answer::NotConfirmed(NotConfirmed::Blocked(_)) => 13,
            Answer::NotConfirmed(NotConfirmed::Timeout(_)) => 14,
            Answer::NotConfirmed(NotConfirmed::Busy) => 15,
            Answer::Rejected(Rejected::Stranger, _) => 16,
            Answer::NotConfirmed(NotConfirmed::NoQueue) => 17,
            Answer::Crowded => 18,
        }
    }

    /// For the log.
    pub(super) fn reason(&self) -> String {
        match self {
            Answer::Accepted => "accepted".into(),
            Answer::Rejected(rejected, _) => rejected.to_string(),
            Answer::Unknown => "no such source".into(),
            Answer::Method => "the method is not POST".into(),
            Answer::Slow => "the body did not come within body_timeout".into(),
            Answer::TooLong => "the body is longer than max_body_bytes".into(),
            Answer::Broken => "the body ended early or is badly framed".into(),
            Answer::Crowded => "more bodies at once than fit into bodies_bytes_max".into(),
            Answer::NotConfirmed(why) => why.to_string(),
        }
    }

    /// Whether the connection ends with it: the rest of the body is not waited for.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Answer::Slow | Answer::TooLong | Answer::Broken | Answer::Crowded)
    }

    /// For outside.
    pub(super) fn response(&self) -> Response<Bytes> {
        const ACCEPTED: &[u8] = br#"{"status":"accepted"}"#;
        let (status, body): (_, &'static [u8]) = match self {
            Answer::Accepted => (StatusCode::OK, ACCEPTED),
            Answer::Rejected(_, status) => (*status, SIGNATURE),
            Answer::Broken => (StatusCode::BAD_REQUEST, BODY),
            Answer::Unknown => (StatusCode::NOT_FOUND, SOURCE),
            Answer::Method => (StatusCode::METHOD_NOT_ALLOWED, METHOD),
            Answer::Slow => (StatusCode::REQUEST_TIMEOUT, SLOW),
            Answer::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, TOO_LONG),
            Answer::NotConfirmed(_) => (StatusCode::SERVICE_UNAVAILABLE, QUEUE),
            Answer::Crowded => (StatusCode::SERVICE_UNAVAILABLE, CROWDED),
        };
        // The status in the body is the usual one of its kind: the text is fixed.
        let mut response = Response::with_body(status, Bytes::from_static(body));
        let json = match self {
            Answer::Accepted => "application/json",
            _ => "application/problem+json",
        };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(json));
        match self {
            Answer::Method => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Answer::NotConfirmed(_) | Answer::Crowded => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            Answer::Accepted
            | Answer::Rejected(..)
            | Answer::Unknown
            | Answer::Slow
            | Answer::TooLong
            | Answer::Broken => {}
        }
        if self.is_last() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

const SIGNATURE: &[u8] =
    br#"{"type":"urn:daybridge:problem:signature","title":"The signature does not hold","status":400}"#;
const BODY: &[u8] = br#"{"type":"urn:daybridge:problem:body","title":"The body is incomplete","status":400}"#;
const SOURCE: &[u8] = br#"{"type":"urn:daybridge:problem:source","title":"No such source","status":404}"#;
const METHOD: &[u8] = br#"{"type":"urn:daybridge:problem:method","title":"POST only","status":405}"#;
const SLOW: &[u8] =
    br#"{"type":"urn:daybridge:problem:slow","title":"The body came too slowly","status":408}"#;
const TOO_LONG: &[u8] =
    br#"{"type":"urn:daybridge:problem:too-long","title":"The body is too long","status":413}"#;
const QUEUE: &[u8] =
    br#"{"type":"urn:daybridge:problem:queue","title":"Not stored; send it again","status":503}"#;
const CROWDED: &[u8] =
    br#"{"type":"urn:daybridge:problem:crowded","title":"Too many bodies at once; send it again","status":503}"#;
