//! Payments, newest first: search, filters, saved views. All of it stands in the address, so that a page can be kept
//! and sent.

use askama::Template;

use super::{page_after, page_of};
use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        progress::Row,
        request::{Answer, Fields, Request},
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
    layout: Layout,
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

pub(in crate::console) fn list(request: Request) -> Answer {
    Box::pin(async move {
        let query = &request.query;
        let wanted = PaymentQuery {
            text: query.owned("q"),
            state: Request::word(query, "state", PaymentState::parse, PaymentState::WORDS)?,
            source: query.owned("source"),
            since: request.time(query, "since")?,
            until: request.time(query, "until")?,
            ..PaymentQuery::default()
        };
        let found = request.ledger().payments(&wanted, &page_after(query.owned("after"))).await?;
        if let (Some(source), true) = (&wanted.source, found.is_empty()) {
            let sources = request.app.sources();
            let known = known::source(request.ledger(), sources.iter().map(String::as_str), source).await;
            known.map_err(|unknown| PageError::Unfit(unknown.to_string()))?;
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
        let rows = rows.into_iter().map(|payment| Row::of(payment, request.now)).collect();
        let next = last.map(|last| with(&state, &last));
        let views = request.ledger().views(request.who()).await?;
        page(&Payments {
            layout: Layout::new(&request, "Payments", "/payments"),
            chips,
            next,
            sources: request.app.sources(),
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
