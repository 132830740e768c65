//! The table: what is sent, and how often each of its two requests may arrive.
//!
//! `outer` is the request that shows, `inner` a whole one hidden in it. Both are really signed: whatever reader
//! takes the inner one for a request of its own has it accepted. Each carries a trace of its own, by which a
//! delivery tells where it came from.

use crate::support::{
    daybridge::{House, now_s, sign},
    http::message,
};

/// How often a request may be on the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrives {
    Once,
    /// A reader may refuse it.
    AtMostOnce,
    Never,
}

use Arrives::{AtMostOnce, Never, Once};

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) outer: Arrives,
    pub(super) inner: Arrives,
}

const LINE: &str = "POST /webhooks/stripe HTTP/1.1";

/// Stands for the trace until the request's number is known.
const TRACE: &str = "00-TRACETRACETRACETRACETRACETRACETR-TRACETRACETRACET-01";

/// The trace of a case's outer (1) or inner (2) request.
pub(super) fn trace(case: usize, request: u8) -> String {
    format!("00-{:032x}-{request:016x}-01", case + 1)
}

/// Puts a trace into the first head that has none.
fn traced(mut bytes: Vec<u8>, case: usize, request: u8) -> Vec<u8> {
    let at = bytes.windows(TRACE.len()).position(|part| part == TRACE.as_bytes());
    if let Some(at) = at {
        bytes[at..at + TRACE.len()].copy_from_slice(trace(case, request).as_bytes());
    }
    bytes
}

/// A head, then a body, as they stand. Host and trace come first.
fn raw(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    message(format!("{line}\r\nHost: hooks.example.com\r\ntraceparent: {TRACE}\r\n"), headers, body)
}

fn signature(body: &[u8]) -> String {
    format!("Stripe-Signature: {}", sign(body, now_s()))
}

fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}")
}

/// A chunk with this between its size and its line's end.
fn chunk(body: &[u8], extension: &str) -> Vec<u8> {
    let mut bytes = format!("{:x}{extension}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A whole and honest request.
fn honest(body: &[u8]) -> Vec<u8> {
    raw(LINE, &[&signature(body), &length(body.len())], body)
}

/// The same with a case's trace.
pub(super) fn honest_of(case: usize) -> Vec<u8> {
    traced(honest(&event(case, "honest")), case, 1)
}

fn event(case: usize, part: &str) -> Vec<u8> {
    let payment = format!("pi_{case}_{part}");
    House::event("charge.succeeded", &format!("evt_{payment}"), &payment, "DEMOCH-AB12C", "7")
}

const CHUNKED: &str = "Transfer-Encoding: chunked";
const LAST: &[u8] = b"0\r\n\r\n";

/// Every case, in the order of its trace.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name, outer, inner, make: &Make<'_>| {
        let case = cases.len();
        let hidden = traced(honest(&event(case, "inner")), case, 2);
        let bytes = traced(make(&event(case, "outer"), &hidden), case, 1);
        cases.push(Case { name, bytes, outer, inner });
    };
    add("honest", Once, Never, &|outer, _| honest(outer));
    two_lengths(&mut add);
    odd_encodings(&mut add);
    chunks(&mut add);
    heads(&mut add);
    targets(&mut add);
    versions(&mut add);
    cases
}

/// The bytes of a case from its outer body and its inner request.
type Make<'a> = dyn Fn(&[u8], &[u8]) -> Vec<u8> + 'a;

/// Puts a case into the table.
type Add<'a> = dyn FnMut(&'static str, Arrives, Arrives, &Make<'_>) + 'a;

/// Where one reader believes one length and the next another.
fn two_lengths(add: &mut Add<'_>) {
    add("CL.TE", AtMostOnce, Never, &|_, inner| {
        let body = joined(&[LAST, inner]);
        raw(LINE, &[&signature(b""), &length(body.len()), CHUNKED], &body)
    });
    add("TE.CL", Never, Never, &|_, inner| {
        let body = joined(&[&chunk(inner, ""), LAST]);
        let first = body.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        raw(LINE, &[&signature(&body[..first]), CHUNKED, &length(first)], &body)
    });
    add("CL.CL short first", Never, Never, &|outer, inner| {
        let body = joined(&[outer, inner]);
        raw(LINE, &[&signature(outer), &length(outer.len()), &length(body.len())], &body)
    });
    add("CL.CL long first", Never, Never, &|outer, inner| {
        let body = joined(&[outer, inner]);
        raw(LINE, &[&signature(outer), &length(body.len()), &length(outer.len())], &body)
    });
    add("CL twice the same", AtMostOnce, Never, &|outer, _| {
        raw(LINE, &[&signature(outer), &length(outer.len()), &length(outer.len())], outer)
    });
    add("CL list", Never, Never, &|outer, inner| {
        let both = format!("Content-Length: {}, {}", outer.len(), outer.len() + inner.len());
        raw(LINE, &[&signature(outer), &both], &joined(&[outer, inner]))
    });
    add("CL with a sign", AtMostOnce, Never, &|outer, _| {
        raw(LINE, &[&signature(outer), &format!("Content-Length: +{}", outer.len())], outer)
    });
    add("CL in hex", Never, Never, &|outer, inner| {
        let hex = format!("Content-Length: 0x{:x}", outer.len());
        raw(LINE, &[&signature(outer), &hex], &joined(&[outer, inner]))
    });
    add("CL negative", Never, Never, &|outer, inner| {
        raw(LINE, &[&signature(outer), "Content-Length: -1"], &joined(&[outer, inner]))
    });
    add("CL beyond 64 bits", Never, Never, &|outer, inner| {
        let wraps = format!("Content-Length: {}", (1_u128 << 64) + outer.len() as u128);
        raw(LINE, &[&signature(outer), &wraps], &joined(&[outer, inner]))
    });
    add("CL with a space before the colon", Never, Never, &|_, inner| {
        let header = format!("Content-Length : {}", inner.len());
        raw(LINE, &[&signature(b""), &header], inner)
    });
    add("CL dropped by Connection", AtMostOnce, Never, &|_, inner| {
        raw(LINE, &[&signature(inner), &length(inner.len()), "Connection: content-length"], inner)
    });
    add("GET with a body", Never, Never, &|_, inner| {
        raw("GET /webhooks/stripe HTTP/1.1", &[&length(inner.len())], inner)
    });
    add("HEAD with a body", Never, Never, &|_, inner| {
        raw("HEAD /webhooks/stripe HTTP/1.1", &[&length(inner.len())], inner)
    });
}

/// Transfer-Encoding that one reader knows and the next does not; the length hides the inner request.
fn odd_encodings(add: &mut Add<'_>) {
    for (name, headers) in [
        ("TE xchunked", &["Transfer-Encoding: xchunked"][..]),
        ("TE with a space before the colon", &["Transfer-Encoding : chunked"]),
        ("TE after a space", &[" Transfer-Encoding: chunked"]),
        ("TE after a folded header", &["X-A: a", "\tTransfer-Encoding: chunked"]),
        ("TE after a tab", &["Transfer-Encoding:\tchunked"]),
        ("TE after a vertical tab", &["Transfer-Encoding: \u{b}chunked"]),
        ("TE quoted", &["Transfer-Encoding: \"chunked\""]),
        ("TE in mixed case", &["TrAnSfEr-EnCoDiNg: ChUnKeD"]),
        ("TE chunked, identity", &["Transfer-Encoding: chunked, identity"]),
        ("TE identity, chunked", &["Transfer-Encoding: identity, chunked"]),
        ("TE chunked, chunked", &["Transfer-Encoding: chunked, chunked"]),
        ("TE twice, known first", &["Transfer-Encoding: chunked", "Transfer-Encoding: x"]),
        ("TE twice, known last", &["Transfer-Encoding: x", "Transfer-Encoding: chunked"]),
        ("TE behind a bare LF", &["X-A: a\nTransfer-Encoding: chunked"]),
        ("TE behind a bare CR", &["X-A: a\rTransfer-Encoding: chunked"]),
        ("TE behind a NUL", &["X-A: a\0", "Transfer-Encoding: chunked"]),
        ("TE with an underscore", &["Transfer_Encoding: chunked"]),
        ("TE folded", &["Transfer-Encoding:", " chunked"]),
        ("TE empty", &["Transfer-Encoding:"]),
    ] {
        // The whole as one body is signed: whoever goes by the length may accept that, and only that.
        add(name, AtMostOnce, Never, &|_, inner| {
            let body = joined(&[LAST, inner]);
            let (signature, length) = (signature(&body), length(body.len()));
            let mut all = vec![signature.as_str(), &length];
            all.extend(headers);
            raw(LINE, &all, &body)
        });
    }
}

fn chunks(add: &mut Add<'_>) {
    let chunked = |outer: &[u8], body: &[u8]| raw(LINE, &[&signature(outer), CHUNKED], body);
    add("chunks", Once, Never, &|outer, _| {
        let (one, two) = outer.split_at(outer.len() / 2);
        chunked(outer, &joined(&[&chunk(one, ""), &chunk(two, ""), LAST]))
    });
    add("chunk extension", AtMostOnce, Never, &|outer, _| {
        chunked(outer, &joined(&[&chunk(outer, ";a=b;c=\"d\""), LAST]))
    });
    add("chunk extension with a bare LF", AtMostOnce, Never, &|outer, _| {
        chunked(outer, &joined(&[&chunk(outer, ";a\nb"), LAST]))
    });
    // One reader ends the extension at the LF and takes 4 bytes and then a long chunk; the other goes on to the
    // CR LF, takes the 4 bytes of the long chunk's size, then the last chunk, then a request.
    add("request behind a chunk extension", AtMostOnce, Never, &|_, inner| {
        let long = joined(&[LAST, inner]);
        let sized = format!("4;\nxxxx\r\n{:04x}\r\n", long.len());
        let signed = joined(&[b"xxxx", &long]);
        raw(LINE, &[&signature(&signed), CHUNKED], &joined(&[sized.as_bytes(), &long, b"\r\n", LAST]))
    });
    add("chunk size with spaces", AtMostOnce, Never, &|outer, _| {
        chunked(outer, &joined(&[&chunk(outer, "  "), LAST]))
    });
    add("chunk size in 0x", Never, Never, &|outer, _| {
        chunked(outer, &joined(&[b"0x", &chunk(outer, ""), LAST]))
    });
    add("chunk size beyond 64 bits", Never, Never, &|outer, _| {
        chunked(outer, &joined(&[b"10000000000000000", &chunk(outer, ""), LAST]))
    });
    add("chunk size negative", Never, Never, &|outer, _| {
        chunked(outer, &joined(&[b"-", &chunk(outer, ""), LAST]))
    });
    add("chunk without its line end", Never, Never, &|outer, _| {
        let mut whole = chunk(outer, "");
        whole.truncate(whole.len() - 2);
        chunked(outer, &joined(&[&whole, LAST]))
    });
    add("lines that end in a bare LF", AtMostOnce, Never, &|outer, _| {
        let whole = format!("{:x}\n", outer.len());
        chunked(outer, &joined(&[whole.as_bytes(), outer, b"\n0\n\n"]))
    });
    add("trailer", AtMostOnce, Never, &|outer, _| {
        chunked(outer, &joined(&[&chunk(outer, ""), b"0\r\nX-Trailer: 1\r\n\r\n"]))
    });
    add("signature in the trailer", Never, Never, &|outer, _| {
        let last = format!("0\r\n{}\r\n\r\n", signature(outer));
        let headers = ["Trailer: Stripe-Signature", CHUNKED];
        raw(LINE, &headers, &joined(&[&chunk(outer, ""), last.as_bytes()]))
    });
    add("length in the trailer", AtMostOnce, Never, &|outer, _| {
        chunked(outer, &joined(&[&chunk(outer, ""), b"0\r\nContent-Length: 5\r\n\r\n"]))
    });
}

fn heads(add: &mut Add<'_>) {
    let with = |outer: &[u8], headers: &[&str]| {
        let length = length(outer.len());
        let mut all = vec![length.as_str()];
        all.extend(headers);
        raw(LINE, &all, outer)
    };
    let bad = signature(b"something else");
    add("two signatures, good first", Never, Never, &|outer, _| with(outer, &[&signature(outer), &bad]));
    add("two signatures, bad first", Never, Never, &|outer, _| with(outer, &[&bad, &signature(outer)]));
    add("two good signatures", Never, Never, &|outer, _| {
        with(outer, &[&signature(outer), &signature(outer)])
    });
    add("signature dropped by Connection", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&signature(outer), "Connection: close, stripe-signature"])
    });
    add("signature with an underscore", Never, Never, &|outer, _| {
        with(outer, &[&signature(outer).replace("Stripe-", "Stripe_")])
    });
    add("two hosts", AtMostOnce, Never, &|outer, _| with(outer, &["Host: other", &signature(outer)]));
    add("no host", AtMostOnce, Never, &|outer, _| {
        let whole = with(outer, &[&signature(outer)]);
        let text = String::from_utf8(whole).unwrap();
        text.replace("Host: hooks.example.com\r\n", "").into_bytes()
    });
    add("NUL in a value", AtMostOnce, Never, &|outer, _| with(outer, &[&signature(outer), "X-A: a\0b"]));
    add("NUL in the signature", Never, Never, &|outer, _| {
        with(outer, &[&signature(outer).replace("v1", "\0v1")])
    });
    add("folded signature", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&signature(outer).replace(',', ",\r\n ")])
    });
    add("bare CR in a value", AtMostOnce, Never, &|outer, _| with(outer, &[&signature(outer), "X-A: a\rb"]));
    add("request behind bare LFs", AtMostOnce, Never, &|outer, inner| {
        let hidden =
            format!("X-A: a\n\n{}", String::from_utf8(inner.to_vec()).unwrap().replace("\r\n", "\n"));
        raw(LINE, &[&signature(outer), &length(outer.len()), &hidden], b"")
    });
    add("header without a colon", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&signature(outer), "nonsense"])
    });
    add("header without a name", AtMostOnce, Never, &|outer, _| with(outer, &[&signature(outer), ": x"]));
    add("64 KiB of headers", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&format!("X-A: {}", "a".repeat(65_536)), &signature(outer)])
    });
    add("5,000 headers", Never, Never, &|outer, _| {
        with(outer, &[&"X-A: a\r\n".repeat(5000), &signature(outer)])
    });
    add("Expect", AtMostOnce, Never, &|outer, _| with(outer, &[&signature(outer), "Expect: 100-continue"]));
    add("Expect nonsense", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&signature(outer), "Expect: 200-ok"])
    });
    add("another method in a header", Never, Never, &|outer, _| {
        let headers = [&signature(outer), &length(outer.len()), "X-HTTP-Method-Override: POST"];
        raw("GET /webhooks/stripe HTTP/1.1", &headers, outer)
    });
    add("another path in a header", AtMostOnce, Never, &|outer, _| {
        with(outer, &[&signature(outer), "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics"])
    });
}

fn targets(add: &mut Add<'_>) {
    for (name, target) in [
        ("absolute target", "http://hooks.example.com/webhooks/stripe"),
        ("absolute target elsewhere", "http://other.example/webhooks/stripe"),
        ("dots in the path", "/webhooks/../webhooks/stripe"),
        ("dots that leave", "/webhooks/../metrics"),
        ("encoded dots that leave", "/webhooks/%2e%2e/metrics"),
        ("encoded slash", "/webhooks%2fstripe"),
        ("encoded dots and slash", "/webhooks/..%2fmetrics"),
        ("NUL in the path", "/webhooks/stripe%00"),
        ("two slashes", "//webhooks/stripe"),
        ("slash at the end", "/webhooks/stripe/"),
        ("query", "/webhooks/stripe?a=b"),
        ("fragment", "/webhooks/stripe#/metrics"),
        ("backslash", "/webhooks\\stripe"),
        ("star", "*"),
        ("space in the target", "/webhooks/stripe /metrics"),
    ] {
        add(name, AtMostOnce, Never, &|outer, _| {
            let line = format!("POST {target} HTTP/1.1");
            raw(&line, &[&signature(outer), &length(outer.len())], outer)
        });
    }
}

fn versions(add: &mut Add<'_>) {
    add("HTTP/1.0", Once, Never, &|outer, _| {
        raw("POST /webhooks/stripe HTTP/1.0", &[&signature(outer), &length(outer.len())], outer)
    });
    add("HTTP/1.0 with chunks", AtMostOnce, Never, &|outer, _| {
        let body = joined(&[&chunk(outer, ""), LAST]);
        raw("POST /webhooks/stripe HTTP/1.0", &[&signature(outer), CHUNKED], &body)
    });
    add("HTTP/1.0 CL.TE kept alive", Never, Never, &|_, inner| {
        let body = joined(&[LAST, inner]);
        let headers = [&signature(b""), &length(body.len()), CHUNKED, "Connection: keep-alive"];
        raw("POST /webhooks/stripe HTTP/1.0", &headers, &body)
    });
    add("HTTP/0.9", Never, Never, &|_, _| b"POST /webhooks/stripe\r\n".to_vec());
    add("HTTP/1.2", AtMostOnce, Never, &|outer, _| {
        raw("POST /webhooks/stripe HTTP/1.2", &[&signature(outer), &length(outer.len())], outer)
    });
    add("HTTP/2 without asking", Never, Never, &|_, inner| {
        joined(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", inner])
    });
    add("upgrade to HTTP/2", AtMostOnce, Never, &|outer, _| {
        let headers = [&signature(outer), &length(outer.len()), "Connection: Upgrade, HTTP2-Settings"];
        let more = ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"];
        raw(LINE, &[&headers[..], &more].concat(), outer)
    });
    add("upgrade to a WebSocket hides a request", Never, AtMostOnce, &|_, inner| {
        let headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
        raw("GET /webhooks/stripe HTTP/1.1", &headers, inner)
    });
    add("CONNECT", Never, AtMostOnce, &|_, inner| raw("CONNECT hooks.example.com:443 HTTP/1.1", &[], inner));
    add("a second request behind the first", Once, AtMostOnce, &|outer, inner| {
        joined(&[&honest(outer), inner])
    });
}
