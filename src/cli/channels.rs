//! `channels …`: what each channel has, was sold, and was given; and which channels the partner lists.

use std::time::Duration;

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    ledger::{self, Ledger, query::ChannelQuery},
    partner,
    worker::{clock, listing::sync as read_list},
};

use super::{
    Failure, ListArgs,
    text::{listing, next, or_dash, say, say_json, time},
    typed,
};

#[derive(Debug, Subcommand)]
pub enum Channels {
    /// Soonest expiry first
    List(ChannelList),
    /// One: what it has, what is owed on it, and what moves next
    Show {
        /// The channel
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read which channels the partner has, so that `held set` and `customers` refuse one that it does not list
    Sync {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
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
    let ledger = ledger::open_existing(&config.ledger).await?;
    let args = match channels {
        Channels::List(args) => args,
        Channels::Show { channel, json } => return show(&config, &ledger, &channel, json).await,
        Channels::Sync { json } => return sync(&config, &ledger, json).await,
    };
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

async fn show(config: &Config, ledger: &Ledger, channel: &str, json: bool) -> Result<(), Failure> {
    let Some(whole) = ledger.channel_whole(&config.partner.account, channel).await? else {
        typed::channel(ledger, Some(&channel.to_owned())).await?;
        return Err(Failure::Failed(format!("no day was ever planned for {channel}")));
    };
    if json {
        say_json(&whole);
        return Ok(());
    }
    let known = &whole.channel;
    say(format!("channel    {} of {}", known.channel, known.account));
    say(format!("activeTill {}", or_dash(known.active_till.map(time))));
    say(format!("mode       {}", or_dash(known.mode.as_ref())));
    say(format!("moved      {} days", known.days_moved));
    say(format!("owed       {} days", whole.owed));
    if let Some(slice) = &whole.next {
        say(format!(
            "next       {}: {} days, {}",
            slice.key,
            slice.days,
            next(slice.reason.as_ref().or(slice.next.as_ref()).map(String::as_str), slice.next_at)
        ));
    }
    listing(
        "nothing is owed",
        &["PAYMENT", "STATE", "DAYS", "MOVED", "OWED", "STOPPED"],
        whole.payments.into_iter().map(|p| {
            [
                p.key,
                p.state.to_string(),
                p.days.to_string(),
                p.moved.to_string(),
                p.owed.to_string(),
                or_dash(p.stopped),
            ]
        }),
    );
    Ok(())
}

async fn sync(config: &Config, ledger: &Ledger, json: bool) -> Result<(), Failure> {
    let settings = &config.partner;
    let partner = partner::open(settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let pause = Duration::from_secs(1).checked_div(settings.calls_per_second_max).unwrap_or_default();
    let now = clock::now_ms();
    let synced = read_list(partner.as_ref(), ledger, &settings.account, pause, now).await?;
    if json {
        say_json(&synced);
        return Ok(());
    }
    say(format!(
        "the partner lists {} channels; {} are forgotten, for two readings did not show them",
        synced.listed, synced.gone
    ));
    Ok(())
}
