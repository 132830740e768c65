//! How long the days last: the balance and what will be needed of it, the channels that run out first, and what is late.

use askama::Template;

use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        notice::Notice,
        plot::Plot,
        request::{Answer, Request},
        text,
    },
    domain::{DAY_MS, Ms, allocation::forecast::DAYS_AHEAD_MAX},
    ledger::{
        query::{ChannelQuery, Page},
        view::{self, MarkKind},
    },
};

/// Days that are plotted.
const DAYS: u32 = 30;

/// Rows of a list.
const ROWS_MAX: u32 = 20;

/// A balance that lasts for less is marked.
const SHORT_DAYS: u32 = 7;

/// A slice may be sent so long after its time before it is called late.
const LATE_MS: i64 = 900_000;

#[derive(Template)]
#[template(path = "days.html", config = "src/console/askama.toml")]
struct Days {
    layout: Layout,
    balance: view::Balance,
    /// How long it lasts, in words.
    lasts: Option<String>,
    /// It lasts less than a week.
    short: bool,
    needs: Plot,
    dark: Vec<view::ChannelRow>,
    first: Vec<view::ChannelRow>,
    late: Vec<view::LateSlice>,
    rows_max: usize,
    home: String,
    now: Ms,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let (ledger, now) = (request.ledger(), request.now);
        let home = request.app.interpreter.account().to_owned();
        let view::Forecast { balance, needs } = ledger.forecast(&home, DAYS, now).await?;
        let (rows, rows_max) = (Page::first(ROWS_MAX), usize::try_from(ROWS_MAX).unwrap_or(usize::MAX));
        let dark = ChannelQuery { dark_at: Some(now), ..ChannelQuery::default() };
        let first = ChannelQuery { from: Some(now), ..ChannelQuery::default() };
        page(&Days {
            layout: Layout::new(&request, "Days", "/days"),
            lasts: balance.runway_days.map(lasts),
            short: balance.runway_days.is_some_and(|days| days < SHORT_DAYS),
            needs: plot(&needs, now),
            dark: ledger.channels(&dark, &rows).await?,
            first: ledger.channels(&first, &rows).await?,
            late: ledger.late_slices(&home, now.saturating_sub(LATE_MS), rows_max).await?,
            rows_max,
            balance,
            home,
            now,
        })
    })
}

/// How long the balance lasts.
fn lasts(days: u32) -> String {
    match days {
        0 => "not enough for what is due now".to_owned(),
        1 => "1 day".to_owned(),
        DAYS_AHEAD_MAX.. => "a year or more".to_owned(),
        _ => format!("{days} days"),
    }
}

fn plot(needs: &[view::Need], now: Ms) -> Plot {
    let from = |day: usize| i64::try_from(day).unwrap_or(0).saturating_mul(DAY_MS).saturating_add(now);
    let value = |days: i64| u64::try_from(days).unwrap_or(0);
    let columns = needs.iter().enumerate();
    let columns = columns.map(|(day, need)| (text::day(&from(day)), value(need.committed), value(need.new)));
    Plot::stacked(
        "needs",
        "Days needed in the next 30 days",
        "day",
        ["what is owed", "new payments"],
        columns.collect(),
    )
}

pub(in crate::console) fn mark(request: Request) -> Answer {
    Box::pin(async move {
        let word = request.field("kind")?;
        let kind = MarkKind::parse(word)
            .ok_or_else(|| PageError::Unfit(format!("{word:?} says nothing of a balance: set, or add")))?;
        let typed = request.field("days")?;
        let days = typed.parse().map_err(|_| PageError::Unfit(format!("{typed:?} is no number of days")))?;
        let account = request.app.interpreter.account();
        request.ledger().mark_balance(account, kind, days, &request.act()?, request.now).await?;
        Ok(request.back("/days", Notice::BalanceKept, 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_lasts_so_long() {
        let told = [0, 1, 12, DAYS_AHEAD_MAX].map(lasts);
        assert_eq!(told, ["not enough for what is due now", "1 day", "12 days", "a year or more"]);
    }
}
