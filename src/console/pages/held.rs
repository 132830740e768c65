//! What waits for a person, by cause; and the rows of a cause with what can be done about each.

use askama::Template;

use crate::{
    console::{
        asked::{Answer, Asked},
        shell::{Shell, page},
        text,
    },
    domain::{Ms, closed::HeldCause, hold, id::ChannelId},
    ledger::{
        query::HeldQuery,
        view::{self, CallOutcome, HeldKind},
    },
};

/// Most rows of a cause on its page, of each kind; so many can be ticked.
pub(super) const ROWS_MAX: u32 = 100;

#[derive(Template)]
#[template(path = "held.html", config = "src/console/askama.toml")]
struct Groups {
    shell: Shell,
    accounts: Vec<view::Held>,
    groups: Vec<view::HeldGroup>,
    now: Ms,
}

#[derive(Template)]
#[template(path = "cause.html", config = "src/console/askama.toml")]
struct Cause {
    shell: Shell,
    cause: HeldCause,
    rows: Vec<view::Held>,
    /// How many there are in all.
    total: u64,
    /// This page's own address, for forms to come back to.
    back: String,
    /// The partner account.
    home: String,
    now: Ms,
}

pub(in crate::console) fn show(asked: Asked) -> Answer {
    Box::pin(async move {
        let groups = asked.ledger().held_groups(asked.now).await?;
        match Asked::word(&asked.query, "cause", HeldCause::parse, HeldCause::WORDS)? {
            Some(cause) => {
                let wanted = HeldQuery { cause: Some(cause), key: None };
                let rows = asked.ledger().held(&wanted, ROWS_MAX, asked.now).await?;
                let total = groups.iter().filter(|group| group.cause == cause).map(|group| group.count).sum();
                let (shell, back) =
                    (Shell::new(&asked, format!("Held: {cause}"), "/held"), text::cause(cause.as_str()));
                let home = asked.site.interpreter.account().to_owned();
                page(&Cause { shell, cause, rows, total, back, home, now: asked.now })
            }
            None => {
                let accounts = asked.ledger().held(&HeldQuery::default(), 1, asked.now).await?;
                let accounts = accounts.into_iter().filter(|held| held.kind == HeldKind::Account).collect();
                let shell = Shell::new(&asked, "Held", "/held");
                page(&Groups { shell, accounts, groups, now: asked.now })
            }
        }
    })
}
