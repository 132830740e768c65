//! Who did what, when and why.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        asked::{Answer, Asked},
        shell::{Shell, page},
        text,
    },
    ledger::view,
};

#[derive(Template)]
#[template(path = "audit.html", config = "src/console/askama.toml")]
struct Audit {
    shell: Shell,
    key: String,
    rows: Vec<view::Audited>,
    next: Option<String>,
}

pub(in crate::console) fn list(asked: Asked) -> Answer {
    Box::pin(async move {
        let key = asked.query.owned("key");
        let found = asked.ledger().audit(key.as_deref(), &page_after(asked.query.owned("after"))).await?;
        let (rows, more) = page_of(found);
        let key = key.unwrap_or_default();
        let last = rows.last().filter(|_| more).map(|last| last.number.to_string());
        let next = last.map(|last| text::address("/audit", &[("key", &*key), ("after", &*last)]));
        page(&Audit { shell: Shell::new(&asked, "Audit", "/audit"), key, rows, next })
    })
}
