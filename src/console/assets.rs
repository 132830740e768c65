//! Stylesheet and script, part of the program.

use actix_web::{HttpResponse, http::header};

use super::request::{Answer, Request};

/// How long a browser may keep them; a new version of the program has the same names.
const KEPT: &str = "private, max-age=300";

const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/live.js");

pub(super) fn style(_: Request) -> Answer {
    Box::pin(async { Ok(file("text/css; charset=utf-8", STYLE)) })
}

pub(super) fn script(_: Request) -> Answer {
    Box::pin(async { Ok(file("text/javascript; charset=utf-8", SCRIPT)) })
}

fn file(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, KEPT)).body(text)
}
