//! `grant` and `grants`: days without a payment, and what was granted in a month.

use clap::Args;
use daybridge::{
    clock,
    config::Config,
    domain::{Ms, id::ChannelId},
    ledger::{self, Act, Grant},
};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use super::allocation::channel;
use crate::cli::{
    Failure,
    output::text::{listing, say, say_json},
};

/// `grant`
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The channel
    #[arg(value_parser = channel)]
    channel: ChannelId,
    /// How many days
    #[arg(long)]
    days: u32,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
    /// Names the grant: one key is granted once [default: a new one]
    #[arg(long)]
    key: Option<String>,
    /// The key was never given before, although the ledger was restored and may have forgotten it
    #[arg(long)]
    new: bool,
    /// Also where the partner does not list the channel
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `grants`
#[derive(Debug, Args)]
pub struct Grants {
    /// A month in UTC, such as 2026-11 [default: this one]
    #[arg(long, value_parser = month)]
    month: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Its first day.
fn month(text: &str) -> Result<Date, String> {
    let first = format!("{text}-01").parse::<Date>().ok().filter(|_| text.len() == "2026-11".len());
    first.ok_or_else(|| format!("{text:?} is no month: use 2026-11"))
}

/// `grant`
pub async fn grant(config: &Config, args: GrantArgs) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let (who, now) = (crate::cli::who(), clock::now_ms());
    let grant = Grant {
        new: args.new || args.key.is_none(),
        key: args.key.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        channel: args.channel,
        days: args.days,
        account: config.partner.account.clone(),
        force: args.force,
    };
    let (key, before) = ledger.grant(&grant, &Act { who: &who, reason: &args.reason }, now).await?;
    if args.json {
        say_json(&ledger.payment(&key).await?);
    } else if before {
        say(format!("{key} was granted before, with the same days and channel; nothing was done"));
    } else {
        say(format!("{key}: {} days for {}", grant.days, grant.channel));
    }
    Ok(())
}

/// `grants`
pub async fn grants(config: &Config, args: Grants) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let today = jiff::Timestamp::from_millisecond(clock::now_ms()).unwrap_or_default();
    let first = args.month.unwrap_or_else(|| today.to_zoned(TimeZone::UTC).date()).first_of_month();
    let (since, until) = (start(first)?, start(first.saturating_add(1.month()))?);
    let rows = ledger.grants(since, until).await?;
    if args.json {
        say_json(&rows);
        return Ok(());
    }
    let days: i64 = rows.iter().map(|row| row.days).sum();
    let grants = rows.len();
    listing(
        "nothing was granted by hand",
        &["REASON", "GRANTS", "DAYS"],
        rows.into_iter().map(|row| [row.reason, row.grants.to_string(), row.days.to_string()]),
    );
    if grants > 0 {
        say(format!("{days} days in {}", first.strftime("%Y-%m")));
    }
    Ok(())
}

fn start(day: Date) -> Result<Ms, Failure> {
    let start = day.to_zoned(TimeZone::UTC).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(start.timestamp().as_millisecond())
}
