//! Everything at a glance: is it well, what waits, what moved.

use std::collections::BTreeMap;

use askama::Template;

use crate::{
    console::{
        health::READY_TIMEOUT,
        layout::{Layout, page, page_without},
        plot::Plot,
        request::{Answer, Request},
        text,
    },
    domain::{Ms, settle::AccountSignal},
    ledger::{LedgerError, view},
    queue::Lane,
    webhook::RefusedRow,
};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// Days plotted.
const DAYS: i64 = 30;

/// Minutes plotted.
const MINUTES: i64 = 60;

/// One part of the whole.
struct Part {
    name: String,
    well: bool,
    state: String,
}

/// What the ledger says.
#[derive(Default)]
struct Said {
    counts: view::HeldCounts,
    pauses: Vec<view::Pause>,
    sources: Vec<(String, Option<Ms>)>,
    account: Option<String>,
    spent: Vec<view::Spent>,
    traffic: Vec<view::Traffic>,
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/console/askama.toml")]
struct Overview {
    layout: Layout,
    parts: Vec<Part>,
    sources: Vec<(String, Option<Ms>)>,
    counts: view::HeldCounts,
    pauses: Vec<view::Pause>,
    /// Since this process was started; empty where it does not receive.
    refused: Vec<RefusedRow>,
    /// Everything that is wrong, for the banner.
    wrong: Vec<String>,
    plots: Vec<Plot>,
    now: Ms,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let now = request.now;
        let broker = broker(&request).await;
        let said = tokio::time::timeout(READY_TIMEOUT, read(&request)).await;
        let (said, ledger) = match said {
            Ok(Ok(said)) => (said, Part { name: "ledger".into(), well: true, state: "answers".into() }),
            Ok(Err(error)) => {
                tracing::error!(%error, "the console cannot read the ledger");
                (Said::default(), away("ledger"))
            }
            Err(_) => (Said::default(), away("ledger")),
        };
        let answers = ledger.well;
        let account = request.app.interpreter.account();
        let partner = Part {
            name: format!("partner account {account}"),
            well: answers && said.account.is_none(),
            state: match said.account.clone() {
                Some(rests) => rests,
                None if answers => "calls go through".into(),
                None => "not known while the ledger does not answer".into(),
            },
        };
        let parts = vec![broker, ledger, partner];
        let bad = parts.iter().filter(|part| !part.well);
        let mut wrong: Vec<String> = bad.map(|part| format!("{}: {}", part.name, part.state)).collect();
        wrong.extend(said.pauses.iter().map(|pause| format!("{} is paused: {}", pause.scope, pause.reason)));
        let plots = vec![days(&said.spent, now), minutes(&said.traffic, now)];
        let overview = Overview {
            layout: Layout::new(&request, "Overview", "/"),
            parts,
            sources: said.sources,
            counts: said.counts,
            pauses: said.pauses,
            refused: request.app.refused.as_ref().map(|refused| refused.rows()).unwrap_or_default(),
            wrong,
            plots,
            now,
        };
        if answers { page(&overview) } else { page_without(&overview) }
    })
}

fn away(name: &str) -> Part {
    Part { name: name.into(), well: false, state: "does not answer; the log says why".into() }
}

async fn broker(request: &Request) -> Part {
    let queue = &request.app.queue;
    let Ok(Ok(())) = tokio::time::timeout(READY_TIMEOUT, queue.health()).await else { return away("broker") };
    let mut state = String::from("answers");
    for (lane, name) in [(Lane::Events, "waiting"), (Lane::Dead, "dead"), (Lane::Unroutable, "unroutable")] {
        if let Ok(Some(depth)) = tokio::time::timeout(READY_TIMEOUT, queue.depth(lane)).await
            && (depth > 0 || lane == Lane::Events)
        {
            state.push_str(&format!(", {depth} {name}"));
        }
    }
    Part { name: "broker".into(), well: true, state }
}

async fn read(request: &Request) -> Result<Said, LedgerError> {
    let (ledger, now) = (request.ledger(), request.now);
    let hold = ledger.account_hold(request.app.interpreter.account()).await?;
    Ok(Said {
        counts: ledger.counts().await?,
        pauses: ledger.pauses().await?,
        sources: ledger.last_deliveries(&request.app.sources()).await?,
        account: hold.map(|hold| match hold.news {
            AccountSignal::NoBalance => format!(
                "transfers of {} days or more wait for the balance since {}; top it up",
                hold.ceiling.map_or(1, |ceiling| ceiling.days),
                text::utc(&hold.since)
            ),
            _ => format!("the token was refused since {}; set a valid one", text::utc(&hold.since)),
        }),
        spent: ledger.spent(floor(now, DAY_MS).saturating_sub((DAYS - 1) * DAY_MS)).await?,
        traffic: ledger.traffic(floor(now, MINUTE_MS).saturating_sub((MINUTES - 1) * MINUTE_MS)).await?,
    })
}

fn floor(at: Ms, span: i64) -> Ms {
    at.saturating_sub(at.rem_euclid(span))
}

/// Sums by spans, each of which has its column.
fn summed(
    values: impl Iterator<Item = (Ms, i64)>,
    now: Ms,
    span: i64,
    many: i64,
    label: fn(&Ms) -> String,
) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<Ms, u64> = BTreeMap::new();
    for (at, value) in values {
        let sum = sums.entry(floor(at, span)).or_default();
        *sum = sum.saturating_add(u64::try_from(value).unwrap_or(0));
    }
    (0..many)
        .rev()
        .map(|back| floor(now, span).saturating_sub(back.saturating_mul(span)))
        .map(|at| (label(&at), sums.get(&at).copied().unwrap_or(0)))
        .collect()
}

fn days(spent: &[view::Spent], now: Ms) -> Plot {
    let label = |at: &Ms| text::utc(at).chars().take(10).collect();
    let values = spent.iter().map(|one| (one.at, one.days));
    Plot::new("spent", "Days moved to channels, by day", "day", summed(values, now, DAY_MS, DAYS, label))
}

fn minutes(traffic: &[view::Traffic], now: Ms) -> Plot {
    let label = |at: &Ms| text::utc(at).chars().skip(11).take(5).collect();
    let values = traffic.iter().map(|one| (one.at, one.deliveries));
    let values = summed(values, now, MINUTE_MS, MINUTES, label);
    Plot::new("traffic", "Deliveries received, by minute", "minute", values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_span_has_its_column_also_an_empty_one() {
        let now = 10 * DAY_MS + 5;
        let spent = [(10 * DAY_MS, 3), (10 * DAY_MS + 4, 4), (8 * DAY_MS + 1, 1), (DAY_MS, 99)];
        let columns = summed(spent.into_iter(), now, DAY_MS, 3, |at| (at / DAY_MS).to_string());
        assert_eq!(columns, [("8".into(), 1), ("9".into(), 0), ("10".into(), 7)]);
    }
}
