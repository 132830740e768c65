//! Plans of replays, newest first, and the form of a new one.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        layout::{Layout, page},
        request::{Answer, Request},
        text,
    },
    domain::closed::PaymentState,
    envelope::Trigger,
    ledger::Plan,
};

#[derive(Template)]
#[template(path = "plans.html", config = "src/console/askama.toml")]
struct Plans {
    layout: Layout,
    rows: Vec<Plan>,
    next: Option<String>,
    sources: Vec<String>,
}

pub(in crate::console) fn list(request: Request) -> Answer {
    Box::pin(async move {
        let (rows, more) = page_of(request.ledger().plans(&page_after(request.query.owned("after"))).await?);
        let last = rows.last().filter(|_| more).map(|last| last.hash.clone());
        let next = last.map(|last| text::address("/replay", &[("after", &*last)]));
        let layout = Layout::new(&request, "Replay", "/replay");
        page(&Plans { layout, rows, next, sources: request.app.sources() })
    })
}
