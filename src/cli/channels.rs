//! `channels list`: what each channel has, was sold, and was given.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    ledger::{self, query::ChannelQuery},
};

use super::{
    Failure, ListArgs,
    text::{listing, or_dash, say_json, time},
    typed,
};

#[derive(Debug, Subcommand)]
pub enum Channels {
    /// Soonest expiry first
    List(ChannelList),
}

#[derive(Debug, Args)]
pub struct ChannelList {
    /// Only this one
    #[arg(long)]
    channel: Option<String>,
    /// Mode at the last reading, such as live or trial
    #[arg(long)]
    mode: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// `channels …`
pub async fn run(config: Config, channels: Channels) -> Result<(), Failure> {
    let Channels::List(args) = channels;
    let ledger = ledger::open_existing(&config.ledger).await?;
    let wanted = ChannelQuery { channel: args.channel, mode: args.mode };
    let rows = ledger.channels(&wanted, &args.list.page()).await?;
    if rows.is_empty() {
        typed::channel(ledger.as_ref(), wanted.channel.as_ref()).await?;
    }
    if args.list.json {
        say_json(&rows);
        return Ok(());
    }
    let last = rows.last().map(|row| format!("{}/{}", row.account, row.channel));
    let count = rows.len();
    listing(
        "no channel fits",
        &["CHANNEL", "ACCOUNT", "ACTIVETILL", "MODE", "DAYS BOUGHT", "DAYS MOVED", "UNEXPLAINED"],
        rows.into_iter().map(|c| {
            [
                c.channel,
                c.account,
                or_dash(c.active_till.map(time)),
                or_dash(c.mode),
                c.days_bought.to_string(),
                c.days_moved.to_string(),
                c.movements.to_string(),
            ]
        }),
    );
    super::more(count, &args.list, last.as_deref());
    Ok(())
}
