//! In and out.

use std::time::Instant;

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    console::{
        asked::{Answer, Asked, Wrong, see},
        gate::password,
        shell::{Shell, page},
    },
    ledger::{Act, view::Action},
};

/// What stands in the audit log for a name that no user has: what was typed may be a password in the wrong field.
const NOBODY: &str = "an unknown name";

#[derive(Template)]
#[template(path = "login.html", config = "src/console/askama.toml")]
struct Login {
    shell: Shell,
    /// Where to after it.
    next: String,
    /// Whether there are passwords at all.
    passwords: bool,
    wrong: bool,
}

pub(in crate::console) fn show(asked: Asked) -> Answer {
    Box::pin(async move {
        let next = asked.query.owned("next").unwrap_or_default();
        page(&form(&asked, next, false))
    })
}

fn form(asked: &Asked, next: String, wrong: bool) -> Login {
    let shell = Shell::new(asked, "Log in", "/login");
    Login { shell, next, passwords: !asked.site.gate.users.is_empty(), wrong }
}

pub(in crate::console) fn log_in(asked: Asked) -> Answer {
    Box::pin(async move {
        let gate = &asked.site.gate;
        let name = asked.form.get("name").unwrap_or_default();
        let now_s = asked.now.div_euclid(1_000);
        let browser = asked.browser.as_ref().and_then(|cookie| gate.users.browser(name, cookie, now_s));
        if !gate.rate.allows(asked.caller, name, browser, Instant::now()) {
            return Err(Wrong::TooMany("too many tries to log in; wait a minute".into()));
        }
        let typed = asked.form.untouched("password").unwrap_or_default();
        let typed = if typed.len() > password::BYTES_MAX { "" } else { typed };
        let Ok(role) = gate.users.role(name, typed, browser.is_some()).await else {
            return Err(Wrong::TooMany("too many log in at once; try again in a moment".into()));
        };
        let Some(role) = role else {
            failed(&asked, if gate.users.knows(name) { name } else { NOBODY }).await;
            return page(&form(&asked, asked.form.owned("next").unwrap_or_default(), true));
        };
        if let Some(before) = &asked.cookie {
            gate.sessions.end(before);
        }
        let id = gate.sessions.begin(name, role, Instant::now()).map_err(|error| {
            tracing::error!(%error, "no random numbers");
            Wrong::Away("the system gives no random numbers".into())
        })?;
        note(&asked, Action::Login, name, 0).await;
        let mut answer = with_cookie(&asked, &id, asked.page_in("next", "/"));
        if let Some(browser) = gate.users.remember(name, now_s) {
            let (header, value) = gate.remember(&browser);
            if let Ok(value) = value.parse() {
                answer.headers_mut().append(header, value);
            }
        }
        Ok(answer)
    })
}

/// A failed login in the log and the audit log; in a flood, only some of them.
async fn failed(asked: &Asked, name: &str) {
    if let Some(left_out) = asked.site.gate.rate.notes(Instant::now()) {
        note(asked, Action::LoginFailed, name, left_out).await;
    }
}

pub(in crate::console) fn log_out(asked: Asked) -> Answer {
    Box::pin(async move {
        if let Some(id) = &asked.cookie {
            asked.site.gate.sessions.end(id);
        }
        note(&asked, Action::Logout, asked.who(), 0).await;
        Ok(with_cookie(&asked, "", "/login"))
    })
}

/// A ledger that is away keeps nobody out: the overview says that it is away. `left_out`: so many before were not noted.
async fn note(asked: &Asked, action: Action, name: &str, left_out: u64) {
    let from = asked.caller.map_or_else(|| "an unknown address".into(), |caller| caller.to_string());
    let more = if left_out > 0 {
        format!("; {left_out} more failed before and are not listed")
    } else {
        String::new()
    };
    let act = Act { who: name, reason: &format!("console, from {from}{more}") };
    tracing::info!(action = action.as_str(), name, %from, left_out, "console");
    if let Err(error) = asked.ledger().note(action, name, &act, asked.now).await {
        tracing::warn!(%error, action = action.as_str(), "not kept in the audit log");
    }
}

fn with_cookie(asked: &Asked, id: &str, page: &str) -> HttpResponse {
    let mut answer = see(page);
    let (name, value) = asked.site.gate.set_cookie(id);
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
    answer
}
