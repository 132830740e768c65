//! One decision about several held things: exactly those that were ticked on a page that showed them. First a page
//! that counts them and asks, then the act; nothing is selected anew in between, so that what came meanwhile is not
//! touched.

use std::collections::BTreeSet;

use askama::Template;

use super::{
    decide::{cause, decision, notice},
    held::ROWS_MAX,
};
use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        request::{Answer, Request},
        text,
    },
    ledger::{query::HeldQuery, view},
    ops::held::{Choice, HeldDecision},
};

/// From so many on, the count is typed.
const COUNT_TYPED_FROM: usize = 11;

/// What a decision does, for the question.
fn in_words(decision: HeldDecision) -> &'static str {
    match decision {
        HeldDecision::Retry => "Try again",
        HeldDecision::Applied => "Settle as applied (the days are on the channels)",
        HeldDecision::NotApplied => {
            "Settle as not applied (the days are not on the channels; they are extended anew)"
        }
        HeldDecision::Cancel => "Cancel (no days will ever move)",
    }
}

#[derive(Template)]
#[template(path = "bulk.html", config = "src/console/askama.toml")]
struct Confirm {
    layout: Layout,
    decision: HeldDecision,
    what: &'static str,
    reason: String,
    cause: String,
    rows: Vec<view::Held>,
    days: u64,
    type_count: bool,
}

#[derive(Template)]
#[template(path = "bulk_done.html", config = "src/console/askama.toml")]
struct Done {
    layout: Layout,
    done: usize,
    refused: Vec<(String, String)>,
    back: String,
}

/// What a field says of each row, each once.
fn ticked(request: &Request, field: &str) -> Result<Vec<String>, PageError> {
    let keys: BTreeSet<&str> = request.form.all(field).collect();
    let keys_max = usize::try_from(ROWS_MAX).unwrap_or(usize::MAX).saturating_mul(4);
    match keys.len() {
        0 => Err(PageError::Unfit("no row is ticked".into())),
        many if many > keys_max => Err(PageError::Unfit(format!("at most {keys_max} rows at once"))),
        _ => Ok(keys.into_iter().map(str::to_owned).collect()),
    }
}

pub(in crate::console) fn confirm(request: Request) -> Answer {
    Box::pin(async move {
        let keys = ticked(&request, "key")?;
        let decision = decision(request.field("decision")?)?;
        let reason = request.act()?.reason.to_owned();
        let mut rows = Vec::new();
        for key in keys {
            let wanted = HeldQuery { key: Some(key.clone()), cause: None };
            let found = request.ledger().held(&wanted, 1, request.now).await?;
            rows.extend(found.into_iter().filter(|held| held.key == key).take(1));
        }
        if rows.is_empty() {
            return Err(PageError::Refused(
                "none of the ticked rows is held any more; nothing was changed".into(),
            ));
        }
        page(&Confirm {
            layout: Layout::new(&request, "Are you sure?", "/held"),
            what: in_words(decision),
            days: rows.iter().filter_map(|held| held.days).map(u64::from).sum(),
            type_count: rows.len() >= COUNT_TYPED_FROM,
            cause: request.form.owned("cause").unwrap_or_default(),
            decision,
            reason,
            rows,
        })
    })
}

pub(in crate::console) fn apply(request: Request) -> Answer {
    Box::pin(async move {
        let rows = ticked(&request, "held")?;
        let decision = decision(request.field("decision")?)?;
        let act = request.act()?;
        let many = rows.len();
        if many >= COUNT_TYPED_FROM && request.form.get("count") != Some(&*many.to_string()) {
            return Err(PageError::Unfit(format!("type {many} to confirm; nothing was changed")));
        }
        let mut refused = Vec::new();
        for row in rows {
            let (word, key) = row.split_once(' ').unwrap_or(("", &row));
            let choice = Choice { decision, cause: Some(cause(word)?), days: None };
            match request.app.desk().decide(key, choice, act, request.now).await.map_err(PageError::from) {
                Ok(()) => {}
                Err(PageError::Refused(why)) => refused.push((key.to_owned(), why)),
                Err(other) => return Err(other),
            }
        }
        let back = text::cause(request.form.get("cause").unwrap_or_default());
        if refused.is_empty() {
            return Ok(request.back(&back, notice(decision), many));
        }
        let layout = Layout::new(&request, "Not all of it", "/held");
        page(&Done { layout, done: many.saturating_sub(refused.len()), refused, back })
    })
}
