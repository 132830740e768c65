//! Payments, newest first: search, filters, saved views. All of it stands in the address, so that a page can be kept
//! and sent.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        asked::{Answer, Asked, Fields, Wrong},
        progress::Row,
        shell::{Shell, page},
        text,
    },
    domain::closed::PaymentState,
    ledger::{query::PaymentQuery, view},
    ops::known,
};

/// Fields of a filter.
const FIELDS: [&str; 5] = ["q", "state", "source", "since", "until"];

#[derive(Template)]
#[template(path = "payments.html", config = "src/console/askama.toml")]
struct Payments {
    shell: Shell,
    q: String,
    state: String,
    source: String,
    since: String,
    until: String,
    sources: Vec<String>,
    /// State, and the address of the same filter with it.
    chips: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    next: Option<String>,
    views: Vec<view::SavedView>,
    /// The filter as it is kept in a view.
    kept: String,
}

/// The filter among fields, as a query without anything else.
pub(super) fn kept(fields: &Fields) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS {
        if let Some(value) = fields.get(name) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

pub(in crate::console) fn list(asked: Asked) -> Answer {
    Box::pin(async move {
        let query = &asked.query;
        let wanted = PaymentQuery {
            text: query.owned("q"),
            state: Asked::word(query, "state", PaymentState::parse, PaymentState::WORDS)?,
            source: query.owned("source"),
            since: asked.time(query, "since")?,
            until: asked.time(query, "until")?,
            ..PaymentQuery::default()
        };
        let found = asked.ledger().payments(&wanted, &page_after(query.owned("after"))).await?;
        if let (Some(source), true) = (&wanted.source, found.is_empty()) {
            let sources = asked.site.sources();
            let known = known::source(asked.ledger(), sources.iter().map(String::as_str), source).await;
            known.map_err(|unknown| Wrong::Asked(unknown.to_string()))?;
        }
        let (rows, more) = page_of(found);
        let [q, state, source, since, until] = FIELDS.map(|name| query.owned(name).unwrap_or_default());
        let with = |state: &str, after: &str| {
            let fields = [
                ("q", &*q),
                ("state", state),
                ("source", &*source),
                ("since", &*since),
                ("until", &*until),
                ("after", after),
            ];
            text::address("/payments", &fields)
        };
        let chips = PaymentState::WORDS.iter().map(|state| (*state, with(state, ""))).collect();
        let last = rows.last().filter(|_| more).map(|row| row.key.clone());
        let rows = rows.into_iter().map(|payment| Row::of(payment, asked.now)).collect();
        let next = last.map(|last| with(&state, &last));
        let views = asked.ledger().views(asked.who()).await?;
        page(&Payments {
            shell: Shell::new(&asked, "Payments", "/payments"),
            chips,
            next,
            sources: asked.site.sources(),
            views,
            kept: kept(query),
            rows,
            q,
            state,
            source,
            since,
            until,
        })
    })
}
