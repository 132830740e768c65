//! How an answer is spoilt: cut connections, silence, and pages that a CDN puts before the partner.

use std::{any::Any, io, net::TcpStream, os::fd::AsFd as _, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Extensions,
    http::{StatusCode, header::RETRY_AFTER},
};
use serde_json::json;

use super::fault::FaultKind;

/// Longest silence, in ms of real time; a client should have given up long before.
pub(super) const SILENCE_MS_MAX: u64 = 600_000;

/// A second hold on the connection of a request, to reset it by.
struct Hold(TcpStream);

/// Keeps a [`Hold`] on every connection, for [`reset`].
pub(super) fn keep_hold(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Ok(fd) = stream.as_fd().try_clone_to_owned()
    {
        data.insert(Hold(TcpStream::from(fd)));
    }
}

/// The answer that the client gets instead of the true one, if it gets any.
pub(super) async fn spoil(request: &HttpRequest, kind: &FaultKind) -> HttpResponse {
    match kind {
        FaultKind::Reset => reset(request),
        FaultKind::Hang { ms } => {
            silence(*ms).await;
            reset(request)
        }
        FaultKind::LateCommit { .. } => {
            silence(SILENCE_MS_MAX).await;
            reset(request)
        }
        FaultKind::Status(status) => page(*status),
        FaultKind::Html403 => page(403),
        FaultKind::CutJson => {
            HttpResponse::Ok().content_type("application/json").body(r#"{"id":"DEMO","activeTi"#)
        }
        FaultKind::Throttle { retry_after } => {
            let mut answer = HttpResponse::TooManyRequests();
            if let Some(seconds) = retry_after {
                answer.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            answer.json(error_body(429, "too many requests"))
        }
        FaultKind::Refuse(status) => refused(*status, "refused by the simulator"),
    }
}

/// Silence, for so long at most.
pub(super) async fn silence(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms.min(SILENCE_MS_MAX))).await;
}

/// An error in the partner's form.
pub(super) fn refused(status: u16, message: &str) -> HttpResponse {
    HttpResponse::build(status_of(status)).json(error_body(status, message))
}

fn error_body(status: u16, message: &str) -> serde_json::Value {
    json!({ "error": { "code": status, "message": message, "details": "" } })
}

fn page(status: u16) -> HttpResponse {
    let name = status_of(status).canonical_reason().unwrap_or("Error");
    HttpResponse::build(status_of(status)).content_type("text/html; charset=UTF-8").body(format!(
        "<!DOCTYPE html><html><head><title>{status} {name}</title></head><body><h1>{name}</h1></body></html>"
    ))
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Drops the connection before a byte of an answer: the body fails at its first poll, before actix has written
/// the head, and with no linger time left the kernel sends RST instead of FIN.
fn reset(request: &HttpRequest) -> HttpResponse {
    let abort = |hold: &Hold| {
        let stream = actix_web::rt::net::TcpStream::from_std(hold.0.try_clone()?)?;
        stream.set_zero_linger()
    };
    let _ = request.conn_data::<Hold>().map(abort); // without it the client sees FIN: cut all the same
    let cut = futures_util::stream::once(async {
        Err::<bytes::Bytes, _>(io::Error::other("the simulator cuts this connection"))
    });
    HttpResponse::Ok().streaming(Box::pin(cut))
}
