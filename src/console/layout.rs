//! What all pages share: the frame, notices after a form, pages of errors.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};
use askama::Template;

use super::{auth::Visitor, error::PageError, notice::Notice, request::Request, state::AppState};
use crate::config::console::Role;

/// What the frame around a page shows.
pub(super) struct Layout {
    pub(super) title: String,
    /// Path of the page's place in the menu.
    pub(super) here: &'static str,
    pub(super) user: Option<String>,
    pub(super) role: &'static str,
    pub(super) operator: bool,
    pub(super) logged_in: bool,
    /// Token of this visitor's forms.
    pub(super) token: String,
    pub(super) notice: Option<String>,
}

/// The menu.
pub(super) const MENU: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/payments", "Payments"),
    ("/held", "Held"),
    ("/replay", "Replay"),
    ("/channels", "Channels"),
    ("/days", "Days"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
];

impl Layout {
    pub(super) fn new(request: &Request, title: impl Into<String>, here: &'static str) -> Self {
        let mut layout = Self::of(&request.app, request.visitor.as_ref(), title.into(), here);
        let many = request.query.get("n").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
        let told = request.query.get("told").and_then(Notice::parse);
        layout.notice = told.map(|notice| notice.sentence(many));
        layout
    }

    fn of(app: &AppState, visitor: Option<&Visitor>, title: String, here: &'static str) -> Self {
        Self {
            title,
            here,
            user: visitor.map(|visitor| visitor.name.clone()),
            role: visitor.map_or("", |visitor| visitor.role.as_str()),
            operator: visitor.is_some_and(|visitor| visitor.role == Role::Operator),
            logged_in: visitor.is_some_and(|visitor| visitor.logged_in),
            token: visitor.map(|visitor| app.auth.token(visitor)).unwrap_or_default(),
            notice: None,
        }
    }

    /// For whoever asks, before anybody can be known.
    fn of_nobody(title: &str) -> Self {
        Self {
            title: title.into(),
            here: "",
            user: None,
            role: "",
            operator: false,
            logged_in: false,
            token: String::new(),
            notice: None,
        }
    }

    pub(super) fn menu(&self) -> &'static [(&'static str, &'static str)] {
        &MENU
    }
}

/// Seconds after which a browser, or whoever asks, may try again.
const RETRY_AFTER_S: &str = "5";

/// Every page until the ledger has come.
pub(super) fn ledger_away() -> HttpResponse {
    let text = "the ledger is away: it has not been reached since this process was started, and the log says why. \
                Webhooks are taken and queued meanwhile; open this page again in a moment";
    let layout = Layout::of_nobody("The ledger is away");
    let mut answer = page_as(StatusCode::SERVICE_UNAVAILABLE, &Failed { layout, text: text.into() });
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
    answer
}

/// A page of which a part could not be read.
pub(super) fn page_without(template: &impl Template) -> Result<HttpResponse, PageError> {
    Ok(page_as(StatusCode::SERVICE_UNAVAILABLE, template))
}

/// A page.
pub(super) fn page(template: &impl Template) -> Result<HttpResponse, PageError> {
    Ok(page_as(StatusCode::OK, template))
}

fn page_as(status: StatusCode, template: &impl Template) -> HttpResponse {
    match template.render() {
        Ok(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            HttpResponse::InternalServerError().finish()
        }
    }
}

#[derive(Template)]
#[template(path = "wrong.html", config = "src/console/askama.toml")]
struct Failed {
    layout: Layout,
    text: String,
}

/// The page of an error.
pub(super) fn failed(app: &AppState, visitor: Option<Visitor>, wrong: PageError) -> HttpResponse {
    let (status, title, text) = match wrong {
        PageError::Unfit(text) => (StatusCode::BAD_REQUEST, "That does not fit", text),
        PageError::Missing(text) => (StatusCode::NOT_FOUND, "Not found", text),
        PageError::Refused(text) => (StatusCode::CONFLICT, "Refused", text),
        PageError::Away(text) => (StatusCode::SERVICE_UNAVAILABLE, "Not available", text),
        PageError::TooMany(text) => (StatusCode::TOO_MANY_REQUESTS, "Too many tries", text),
    };
    let layout = Layout::of(app, visitor.as_ref(), title.into(), "");
    page_as(status, &Failed { layout, text })
}

/// The page of what somebody may not do.
pub(super) fn forbidden(app: &AppState, visitor: Option<Visitor>, why: &str) -> HttpResponse {
    let layout = Layout::of(app, visitor.as_ref(), "Not allowed".into(), "");
    page_as(StatusCode::FORBIDDEN, &Failed { layout, text: why.into() })
}
