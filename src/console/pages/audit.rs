//! Who did what, when and why.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        layout::{Layout, page},
        request::{Answer, Request},
        text,
    },
    ledger::view,
};

#[derive(Template)]
#[template(path = "audit.html", config = "src/console/askama.toml")]
struct Audit {
    layout: Layout,
    key: String,
    rows: Vec<view::Audited>,
    next: Option<String>,
}

pub(in crate::console) fn list(request: Request) -> Answer {
    Box::pin(async move {
        let key = request.query.owned("key");
        let found = request.ledger().audit(key.as_deref(), &page_after(request.query.owned("after"))).await?;
        let (rows, more) = page_of(found);
        let key = key.unwrap_or_default();
        let last = rows.last().filter(|_| more).map(|last| last.number.to_string());
        let next = last.map(|last| text::address("/audit", &[("key", &*key), ("after", &*last)]));
        page(&Audit { layout: Layout::new(&request, "Audit", "/audit"), key, rows, next })
    })
}
