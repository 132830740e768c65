//! Plans of replays, newest first, and the form of a new one.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        asked::{Answer, Asked},
        shell::{Shell, page},
        text,
    },
    domain::closed::PaymentState,
    envelope::Trigger,
    ledger::Plan,
};

#[derive(Template)]
#[template(path = "plans.html", config = "src/console/askama.toml")]
struct Plans {
    shell: Shell,
    rows: Vec<Plan>,
    next: Option<String>,
    sources: Vec<String>,
}

pub(in crate::console) fn list(asked: Asked) -> Answer {
    Box::pin(async move {
        let (rows, more) = page_of(asked.ledger().plans(&page_after(asked.query.owned("after"))).await?);
        let last = rows.last().filter(|_| more).map(|last| last.hash.clone());
        let next = last.map(|last| text::address("/replay", &[("after", &*last)]));
        let shell = Shell::new(&asked, "Replay", "/replay");
        page(&Plans { shell, rows, next, sources: asked.site.sources() })
    })
}
