//! The HTTP floor: reads the body, checks the signature, answers. What any receiver in this framework costs.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, rt,
    web::{self, Bytes},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    THREADS,
    events::{PATH, SECRET},
};

/// Seconds a signature may be old or early.
const TOLERANCE_S: u64 = 300;

/// Answers of the body's size that daybridge gives.
const ACCEPTED: &str = r#"{"status":"accepted"}"#;

/// The prepared secret.
pub(crate) type Key = Hmac<Sha256>;

/// Serves until killed.
pub(crate) fn run(port: u16) {
    let key = key();
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(key.clone())).route(PATH, web::post().to(accept))
    });
    rt::System::new().block_on(server.workers(THREADS).bind(("127.0.0.1", port)).unwrap().run()).unwrap();
}

async fn accept(request: HttpRequest, body: Bytes, key: web::Data<Key>) -> HttpResponse {
    if genuine(&key, &request, &body) { accepted() } else { HttpResponse::BadRequest().finish() }
}

/// 200 with a small body.
pub(crate) fn accepted() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(ACCEPTED)
}

/// The secret, prepared.
pub(crate) fn key() -> Key {
    Hmac::new_from_slice(SECRET.as_bytes()).unwrap()
}

/// Checks `t=…,v1=…` as Stripe describes it.
pub(crate) fn genuine(key: &Key, request: &HttpRequest, body: &[u8]) -> bool {
    let header = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
    let parts = || header.into_iter().flat_map(|text| text.split(','));
    let Some(time) = parts().find_map(|part| part.strip_prefix("t=")) else { return false };
    let Some(tag) = parts().find_map(|part| part.strip_prefix("v1=")) else { return false };
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut want = [0; 32];
    if !time.parse().is_ok_and(|at: u64| at.abs_diff(now_s) <= TOLERANCE_S)
        || hex::decode_to_slice(tag, &mut want).is_err()
    {
        return false;
    }
    let mut mac = key.clone();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&want).is_ok()
}
