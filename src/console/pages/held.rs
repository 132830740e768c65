//! What waits for a person, by cause; and the rows of a cause with what can be done about each.

use askama::Template;

use crate::{
    console::{
        layout::{Layout, page},
        request::{Answer, Request},
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
    layout: Layout,
    accounts: Vec<view::Held>,
    groups: Vec<view::HeldGroup>,
    now: Ms,
}

#[derive(Template)]
#[template(path = "cause.html", config = "src/console/askama.toml")]
struct Cause {
    layout: Layout,
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

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let groups = request.ledger().held_groups(request.now).await?;
        match Request::word(&request.query, "cause", HeldCause::parse, HeldCause::WORDS)? {
            Some(cause) => {
                let wanted = HeldQuery { cause: Some(cause), key: None };
                let rows = request.ledger().held(&wanted, ROWS_MAX, request.now).await?;
                let total = groups.iter().filter(|group| group.cause == cause).map(|group| group.count).sum();
                let (layout, back) =
                    (Layout::new(&request, format!("Held: {cause}"), "/held"), text::cause(cause.as_str()));
                let home = request.app.interpreter.account().to_owned();
                page(&Cause { layout, cause, rows, total, back, home, now: request.now })
            }
            None => {
                let accounts = request.ledger().held(&HeldQuery::default(), 1, request.now).await?;
                let accounts = accounts.into_iter().filter(|held| held.kind == HeldKind::Account).collect();
                let layout = Layout::new(&request, "Held", "/held");
                page(&Groups { layout, accounts, groups, now: request.now })
            }
        }
    })
}
