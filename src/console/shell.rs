//! What all pages share: the frame, notices after a form, pages of errors.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};
use askama::Template;

use super::{
    asked::{Asked, Wrong},
    gate::Visitor,
    site::Site,
};
use crate::config::console::Role;

/// What the frame around a page shows.
pub(super) struct Shell {
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

impl Shell {
    pub(super) fn new(asked: &Asked, title: impl Into<String>, here: &'static str) -> Self {
        let mut shell = Self::of(&asked.site, asked.visitor.as_ref(), title.into(), here);
        let many = asked.query.get("n").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
        let told = asked.query.get("told").and_then(Notice::parse);
        shell.notice = told.map(|notice| notice.sentence(many));
        shell
    }

    fn of(site: &Site, visitor: Option<&Visitor>, title: String, here: &'static str) -> Self {
        Self {
            title,
            here,
            user: visitor.map(|visitor| visitor.name.clone()),
            role: visitor.map_or("", |visitor| visitor.role.as_str()),
            operator: visitor.is_some_and(|visitor| visitor.role == Role::Operator),
            logged_in: visitor.is_some_and(|visitor| visitor.logged_in),
            token: visitor.map(|visitor| site.gate.token(visitor)).unwrap_or_default(),
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
    let shell = Shell::of_nobody("The ledger is away");
    let mut answer = page_as(StatusCode::SERVICE_UNAVAILABLE, &Failed { shell, text: text.into() });
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
    answer
}

/// A page of which a part could not be read.
pub(super) fn page_without(template: &impl Template) -> Result<HttpResponse, Wrong> {
    Ok(page_as(StatusCode::SERVICE_UNAVAILABLE, template))
}

/// A page.
pub(super) fn page(template: &impl Template) -> Result<HttpResponse, Wrong> {
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
    shell: Shell,
    text: String,
}

/// The page of an error.
pub(super) fn failed(site: &Site, visitor: Option<Visitor>, wrong: Wrong) -> HttpResponse {
    let (status, title, text) = match wrong {
        Wrong::Asked(text) => (StatusCode::BAD_REQUEST, "That does not fit", text),
        Wrong::Missing(text) => (StatusCode::NOT_FOUND, "Not found", text),
        Wrong::Refused(text) => (StatusCode::CONFLICT, "Refused", text),
        Wrong::Away(text) => (StatusCode::SERVICE_UNAVAILABLE, "Not available", text),
        Wrong::TooMany(text) => (StatusCode::TOO_MANY_REQUESTS, "Too many tries", text),
    };
    let shell = Shell::of(site, visitor.as_ref(), title.into(), "");
    page_as(status, &Failed { shell, text })
}

/// The page of what somebody may not do.
pub(super) fn forbidden(site: &Site, visitor: Option<Visitor>, why: &str) -> HttpResponse {
    let shell = Shell::of(site, visitor.as_ref(), "Not allowed".into(), "");
    page_as(StatusCode::FORBIDDEN, &Failed { shell, text: why.into() })
}

/// What a page says after a form. A word in the address chooses the sentence, so that no link can put a text of its own
/// on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Retried,
    Settled,
    Cancelled,
    Set,
    Remembered,
    Paused,
    AlreadyPaused,
    Resumed,
    NotPaused,
    ViewSaved,
    ViewDeleted,
    Planned,
    Planning,
    NothingFits,
    Applying,
    ReplayPaused,
    Aborted,
    PaymentStopped,
    PaymentGoes,
    SliceSent,
    RestMoved,
    Granted,
    GrantedBefore,
    BalanceKept,
}

impl Notice {
    const ALL: [(Notice, &'static str, &'static str); 24] = [
        (Notice::Retried, "retried", "tried again"),
        (Notice::Settled, "settled", "settled by your word"),
        (Notice::Cancelled, "cancelled", "cancelled: no days will move"),
        (Notice::Set, "set", "corrected, and weighed anew"),
        (
            Notice::Remembered,
            "remembered",
            "more held payments of this customer are weighed anew, and the next ones go there by themselves",
        ),
        (Notice::Paused, "paused", "Paused: no new extension is called there."),
        (Notice::AlreadyPaused, "already-paused", "It was paused already; nothing was changed."),
        (Notice::Resumed, "resumed", "Resumed: the worker goes on."),
        (Notice::NotPaused, "not-paused", "It was not paused; nothing was changed."),
        (Notice::ViewSaved, "view-saved", "The view is saved."),
        (Notice::ViewDeleted, "view-deleted", "The view is deleted."),
        (Notice::Planned, "planned", "The plan is frozen. Nothing is published until it is applied."),
        (
            Notice::Planning,
            "planning",
            "The plan is large and still being made; it appears here when it is ready.",
        ),
        (Notice::NothingFits, "nothing-fits", "No stored event fits; nothing was planned."),
        (Notice::Applying, "applying", "The plan is being applied; its progress is below."),
        (Notice::ReplayPaused, "replay-paused", "The plan is paused; apply it to go on."),
        (Notice::Aborted, "aborted", "The plan is given up for ever."),
        (Notice::PaymentStopped, "stopped", "Stopped: no more of its days move until it is let go on."),
        (Notice::PaymentGoes, "goes", "It goes on."),
        (Notice::SliceSent, "slice", "The slice is due now: the worker reads the channel, then sends it."),
        (Notice::RestMoved, "moved", "What is left of it is for the other channel from now on."),
        (Notice::Granted, "granted", "The days are granted."),
        (
            Notice::GrantedBefore,
            "granted-before",
            "They were granted under this key before; nothing was changed.",
        ),
        (Notice::BalanceKept, "balance", "The balance is kept; what moves from now on is taken off it."),
    ];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(notice, ..)| *notice == self).map_or("", |(_, word, _)| word)
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(notice, ..)| *notice)
    }

    fn sentence(self, many: usize) -> String {
        let text = Self::ALL.iter().find(|(notice, ..)| *notice == self).map_or("", |(.., text)| text);
        match self {
            Notice::Retried | Notice::Settled | Notice::Cancelled | Notice::Set => format!("{many} {text}."),
            Notice::Remembered => format!("Remembered: {many} {text}."),
            _ => text.into(),
        }
    }
}
