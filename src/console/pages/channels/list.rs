//! Channels, soonest expiry first; what moved without us; and the brake by hand.

use std::collections::BTreeMap;

use askama::Template;

use crate::{
    console::{
        layout::{Layout, page},
        pages::{page_after, page_of},
        request::{Answer, Request},
        text,
    },
    domain::Ms,
    ledger::{Scope, query::ChannelQuery, view},
    ops::known::MODES,
};

/// Unexplained movements shown.
const MOVEMENTS_MAX: u32 = 50;

/// A channel and the pause that holds it.
struct Row {
    channel: view::ChannelRow,
    scope: String,
    pause: Option<view::Pause>,
}

#[derive(Template)]
#[template(path = "channels.html", config = "src/console/askama.toml")]
struct Channels {
    layout: Layout,
    channel: String,
    mode: String,
    rows: Vec<Row>,
    next: Option<String>,
    /// Pauses of everything and of accounts.
    pauses: Vec<view::Pause>,
    account: String,
    movements: Vec<view::MovementRow>,
    /// This page's own address, for forms to come back to.
    back: String,
    now: Ms,
}

pub(in crate::console) fn list(request: Request) -> Answer {
    Box::pin(async move {
        let query = &request.query;
        let wanted = ChannelQuery {
            channel: query.owned("channel"),
            mode: query.owned("mode"),
            ..ChannelQuery::default()
        };
        let (rows, more) =
            page_of(request.ledger().channels(&wanted, &page_after(query.owned("after"))).await?);
        let [channel, mode, after] =
            ["channel", "mode", "after"].map(|name| query.owned(name).unwrap_or_default());
        let with = |after: &str| {
            text::address("/channels", &[("channel", &*channel), ("mode", &*mode), ("after", after)])
        };
        let last = rows.last().filter(|_| more).map(|last| format!("{}/{}", last.account, last.channel));
        let (next, back) = (last.map(|last| with(&last)), with(&after));
        let (of_channels, pauses): (Vec<_>, Vec<_>) = request
            .ledger()
            .pauses()
            .await?
            .into_iter()
            .partition(|pause| matches!(pause.scope, Scope::Channel(..)));
        let mut paused: BTreeMap<String, view::Pause> =
            of_channels.into_iter().map(|pause| (pause.scope.word(), pause)).collect();
        let rows = rows.into_iter().map(|channel| {
            let scope = format!("channel:{}/{}", channel.account, channel.channel);
            Row { channel, pause: paused.remove(&scope), scope }
        });
        page(&Channels {
            layout: Layout::new(&request, "Channels", "/channels"),
            rows: rows.collect(),
            next,
            pauses,
            account: request.app.interpreter.account().to_owned(),
            movements: request.ledger().movements(MOVEMENTS_MAX).await?,
            back,
            now: request.now,
            channel,
            mode,
        })
    })
}
