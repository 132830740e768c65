//! In and out.

use std::time::Instant;

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    console::{
        auth::password,
        error::PageError,
        layout::{Layout, page},
        request::{Answer, Request, see},
    },
    ledger::{Act, view::Action},
};

/// What stands in the audit log for a name that no user has: what was typed may be a password in the wrong field.
const NOBODY: &str = "an unknown name";

#[derive(Template)]
#[template(path = "login.html", config = "src/console/askama.toml")]
struct Login {
    layout: Layout,
    /// Where to after it.
    next: String,
    /// Whether there are passwords at all.
    passwords: bool,
    wrong: bool,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let next = request.query.owned("next").unwrap_or_default();
        page(&form(&request, next, false))
    })
}

fn form(request: &Request, next: String, wrong: bool) -> Login {
    let layout = Layout::new(request, "Log in", "/login");
    Login { layout, next, passwords: !request.app.auth.users.is_empty(), wrong }
}

pub(in crate::console) fn log_in(request: Request) -> Answer {
    Box::pin(async move {
        let auth = &request.app.auth;
        let name = request.form.get("name").unwrap_or_default();
        let now_s = request.now.div_euclid(1_000);
        let browser = request.browser.as_ref().and_then(|cookie| auth.users.browser(name, cookie, now_s));
        if !auth.rate.allows(request.caller, name, browser, Instant::now()) {
            return Err(PageError::TooMany("too many tries to log in; wait a minute".into()));
        }
        let typed = request.form.untouched("password").unwrap_or_default();
        let typed = if typed.len() > password::BYTES_MAX { "" } else { typed };
        let Ok(role) = auth.users.role(name, typed, browser.is_some()).await else {
            return Err(PageError::TooMany("too many log in at once; try again in a moment".into()));
        };
        let Some(role) = role else {
            failed(&request, if auth.users.knows(name) { name } else { NOBODY }).await;
            return page(&form(&request, request.form.owned("next").unwrap_or_default(), true));
        };
        if let Some(before) = &request.cookie {
            auth.sessions.end(before);
        }
        let id = auth.sessions.begin(name, role, Instant::now()).map_err(|error| {
            tracing::error!(%error, "no random numbers");
            PageError::Away("the system gives no random numbers".into())
        })?;
        note(&request, Action::Login, name, 0).await;
        let mut answer = with_cookie(&request, &id, request.page_in("next", "/"));
        if let Some(browser) = auth.users.remember(name, now_s) {
            let (header, value) = auth.remember(&browser);
            if let Ok(value) = value.parse() {
                answer.headers_mut().append(header, value);
            }
        }
        Ok(answer)
    })
}

/// A failed login in the log and the audit log; in a flood, only some of them.
async fn failed(request: &Request, name: &str) {
    if let Some(left_out) = request.app.auth.rate.notes(Instant::now()) {
        note(request, Action::LoginFailed, name, left_out).await;
    }
}

pub(in crate::console) fn log_out(request: Request) -> Answer {
    Box::pin(async move {
        if let Some(id) = &request.cookie {
            request.app.auth.sessions.end(id);
        }
        note(&request, Action::Logout, request.who(), 0).await;
        Ok(with_cookie(&request, "", "/login"))
    })
}

/// A ledger that is away keeps nobody out: the overview says that it is away. `left_out`: so many before were not noted.
async fn note(request: &Request, action: Action, name: &str, left_out: u64) {
    let from = request.caller.map_or_else(|| "an unknown address".into(), |caller| caller.to_string());
    let more = if left_out > 0 {
        format!("; {left_out} more failed before and are not listed")
    } else {
        String::new()
    };
    let act = Act { who: name, reason: &format!("console, from {from}{more}") };
    tracing::info!(action = action.as_str(), name, %from, left_out, "console");
    if let Err(error) = request.ledger().note(action, name, &act, request.now).await {
        tracing::warn!(%error, action = action.as_str(), "not kept in the audit log");
    }
}

fn with_cookie(request: &Request, id: &str, page: &str) -> HttpResponse {
    let mut answer = see(page);
    let (name, value) = request.app.auth.set_cookie(id);
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
    answer
}
