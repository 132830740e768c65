//! Channels, soonest expiry first; what moved without us; and the brake by hand.

use std::collections::BTreeMap;

use askama::Template;

use crate::{
    console::{
        asked::{Answer, Asked},
        pages::{page_after, page_of},
        shell::{Shell, page},
        text,
    },
    domain::Ms,
    ledger::{Scope, query::ChannelQuery, view},
};

/// Unexplained movements shown.
const MOVEMENTS_MAX: u32 = 50;

/// A channel and the pause that holds it.
struct Row {
    channel: view::Channel,
    scope: String,
    pause: Option<view::Pause>,
}

#[derive(Template)]
#[template(path = "channels.html", config = "src/console/askama.toml")]
struct Channels {
    shell: Shell,
    channel: String,
    mode: String,
    rows: Vec<Row>,
    next: Option<String>,
    /// Pauses of everything and of accounts.
    pauses: Vec<view::Pause>,
    account: String,
    movements: Vec<view::Movement>,
    /// This page's own address, for forms to come back to.
    back: String,
    now: Ms,
}

pub(in crate::console) fn list(asked: Asked) -> Answer {
    Box::pin(async move {
        let query = &asked.query;
        let wanted = ChannelQuery {
            channel: query.owned("channel"),
            mode: query.owned("mode"),
            ..ChannelQuery::default()
        };
        let (rows, more) =
            page_of(asked.ledger().channels(&wanted, &page_after(query.owned("after"))).await?);
        let [channel, mode, after] =
            ["channel", "mode", "after"].map(|name| query.owned(name).unwrap_or_default());
        let with = |after: &str| {
            text::address("/channels", &[("channel", &*channel), ("mode", &*mode), ("after", after)])
        };
        let last = rows.last().filter(|_| more).map(|last| format!("{}/{}", last.account, last.channel));
        let (next, back) = (last.map(|last| with(&last)), with(&after));
        let (of_channels, pauses): (Vec<_>, Vec<_>) = asked
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
            shell: Shell::new(&asked, "Channels", "/channels"),
            rows: rows.collect(),
            next,
            pauses,
            account: asked.site.interpreter.account().to_owned(),
            movements: asked.ledger().movements(MOVEMENTS_MAX).await?,
            back,
            now: asked.now,
            channel,
            mode,
        })
    })
}
