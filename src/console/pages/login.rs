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
    ledger::Act,
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
        if !gate.rate.allows(asked.caller, name) {
            return Err(Wrong::TooMany("too many tries to log in; wait a minute".into()));
        }
        let typed = asked.form.untouched("password").unwrap_or_default();
        let typed = if typed.len() > password::BYTES_MAX { "" } else { typed };
        let Some(role) = gate.users.role(name, typed).await else {
            let name = if gate.users.knows(name) { name } else { NOBODY };
            note(&asked, "login failed", name).await;
            return page(&form(&asked, asked.form.owned("next").unwrap_or_default(), true));
        };
        if let Some(before) = &asked.cookie {
            gate.sessions.end(before);
        }
        let id = gate.sessions.begin(name, role, Instant::now()).map_err(|error| {
            tracing::error!(%error, "no random numbers");
            Wrong::Away("the system gives no random numbers".into())
        })?;
        note(&asked, "login", name).await;
        Ok(with_cookie(&asked, &id, asked.page_in("next", "/")))
    })
}

pub(in crate::console) fn log_out(asked: Asked) -> Answer {
    Box::pin(async move {
        if let Some(id) = &asked.cookie {
            asked.site.gate.sessions.end(id);
        }
        note(&asked, "logout", asked.who()).await;
        Ok(with_cookie(&asked, "", "/login"))
    })
}

/// A ledger that is away keeps nobody out: the overview says that it is away.
async fn note(asked: &Asked, action: &str, name: &str) {
    let from = asked.caller.map_or_else(|| "an unknown address".into(), |caller| caller.to_string());
    let act = Act { who: name, reason: &format!("console, from {from}") };
    tracing::info!(action, name, %from, "console");
    if let Err(error) = asked.ledger().note(action, name, &act, asked.now).await {
        tracing::warn!(%error, action, "not kept in the audit log");
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
