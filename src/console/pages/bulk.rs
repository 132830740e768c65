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
        asked::{Answer, Asked, Wrong},
        shell::{Shell, page},
        text,
    },
    ledger::{query::HeldQuery, view},
    ops::held::{Choice, Decision},
};

/// From so many on, the count is typed.
const COUNT_TYPED_FROM: usize = 11;

/// What a decision does, for the question.
fn in_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "Try again",
        Decision::Applied => "Settle as applied (the days are on the channels)",
        Decision::NotApplied => {
            "Settle as not applied (the days are not on the channels; they are extended anew)"
        }
        Decision::Cancel => "Cancel (no days will ever move)",
    }
}

#[derive(Template)]
#[template(path = "bulk.html", config = "src/console/askama.toml")]
struct Confirm {
    shell: Shell,
    decision: Decision,
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
    shell: Shell,
    done: usize,
    refused: Vec<(String, String)>,
    back: String,
}

/// What a field says of each row, each once.
fn ticked(asked: &Asked, field: &str) -> Result<Vec<String>, Wrong> {
    let keys: BTreeSet<&str> = asked.form.all(field).collect();
    let keys_max = usize::try_from(ROWS_MAX).unwrap_or(usize::MAX).saturating_mul(4);
    match keys.len() {
        0 => Err(Wrong::Asked("no row is ticked".into())),
        many if many > keys_max => Err(Wrong::Asked(format!("at most {keys_max} rows at once"))),
        _ => Ok(keys.into_iter().map(str::to_owned).collect()),
    }
}

pub(in crate::console) fn confirm(asked: Asked) -> Answer {
    Box::pin(async move {
        let keys = ticked(&asked, "key")?;
        let decision = decision(asked.field("decision")?)?;
        let reason = asked.act()?.reason.to_owned();
        let mut rows = Vec::new();
        for key in keys {
            let wanted = HeldQuery { key: Some(key.clone()), cause: None };
            let found = asked.ledger().held(&wanted, 1, asked.now).await?;
            rows.extend(found.into_iter().filter(|held| held.key == key).take(1));
        }
        if rows.is_empty() {
            return Err(Wrong::Refused(
                "none of the ticked rows is held any more; nothing was changed".into(),
            ));
        }
        page(&Confirm {
            shell: Shell::new(&asked, "Are you sure?", "/held"),
            what: in_words(decision),
            days: rows.iter().filter_map(|held| held.days).map(u64::from).sum(),
            type_count: rows.len() >= COUNT_TYPED_FROM,
            cause: asked.form.owned("cause").unwrap_or_default(),
            decision,
            reason,
            rows,
        })
    })
}

pub(in crate::console) fn apply(asked: Asked) -> Answer {
    Box::pin(async move {
        let rows = ticked(&asked, "held")?;
        let decision = decision(asked.field("decision")?)?;
        let act = asked.act()?;
        let many = rows.len();
        if many >= COUNT_TYPED_FROM && asked.form.get("count") != Some(&*many.to_string()) {
            return Err(Wrong::Asked(format!("type {many} to confirm; nothing was changed")));
        }
        let mut refused = Vec::new();
        for row in rows {
            let (word, key) = row.split_once(' ').unwrap_or(("", &row));
            let choice = Choice { decision, cause: Some(cause(word)?), days: None };
            match asked.site.desk().decide(key, choice, act, asked.now).await.map_err(Wrong::from) {
                Ok(()) => {}
                Err(Wrong::Refused(why)) => refused.push((key.to_owned(), why)),
                Err(other) => return Err(other),
            }
        }
        let back = text::cause(asked.form.get("cause").unwrap_or_default());
        if refused.is_empty() {
            return Ok(asked.back(&back, notice(decision), many));
        }
        let shell = Shell::new(&asked, "Not all of it", "/held");
        page(&Done { shell, done: many.saturating_sub(refused.len()), refused, back })
    })
}
