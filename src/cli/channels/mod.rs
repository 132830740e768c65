//! `channels …`: what each channel has, was sold, and was given; and which channels the partner lists.

pub mod pause;
pub mod retire;

use std::time::Duration;

use clap::{Args, Subcommand};
use daybridge::{
    clock::{self, millis},
    config::Config,
    ledger::{self, Act, Ledger, Shorter, query::ChannelQuery, view::ChannelRow},
    partner,
    worker::listing::{self, Pace},
};

use self::retire::Retire;
use super::{
    Failure, ListArgs,
    output::{
        text::{listing as table_of, next, or_dash, say, say_json, time},
        typed,
    },
};

#[derive(Debug, Subcommand)]
pub enum Channels {
    /// All that days were planned for or that the partner lists, soonest expiry first
    List(ChannelList),
    /// One: what it has, what is owed on it, and what moves next
    Show {
        /// The channel
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete channels that nobody pays for: a plan first, then exactly that
    #[command(subcommand)]
    Retire(Retire),
    /// Read which channels the partner has, as a worker does every hour: `held set` and `customers` refuse one that it
    /// does not list
    Sync {
        /// Believe a list that is empty or much shorter than before: what it does not show is forgotten
        #[arg(long)]
        shorter: bool,
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
    /// Has run out while days are owed on it
    #[arg(long)]
    dark: bool,
    /// Days are owed on it
    #[arg(long)]
    owed: bool,
    /// Runs out within this time, such as 3days, or has run out
    #[arg(long, value_name = "SPAN", value_parser = humantime::parse_duration)]
    until: Option<Duration>,
    /// No days are owed on it, and its agreement is behind or ended, or there is none
    #[arg(long, conflicts_with_all = ["dark", "owed"])]
    unpaid: bool,
    #[command(flatten)]
    list: ListArgs,
}

/// `channels …`
pub async fn run(config: Config, channels: Channels) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    match channels {
        Channels::List(args) => list(&ledger, args).await,
        Channels::Show { channel, json } => show(&config, &ledger, &channel, json).await,
        Channels::Retire(retire) => retire::run(&config, &ledger, retire).await,
        Channels::Sync { shorter, json } => {
            let shorter = if shorter { Shorter::Believed } else { Shorter::Doubted };
            sync(&config, &ledger, shorter, json).await
        }
    }
}

async fn list(ledger: &Ledger, args: ChannelList) -> Result<(), Failure> {
    let list = args.list;
    let now = clock::now_ms();
    let wanted = ChannelQuery {
        channel: args.channel,
        mode: args.mode,
        until: args.until.map(|span| now.saturating_add(millis(span))),
        dark_at: args.dark.then_some(now),
        owed: args.owed,
        unpaid: args.unpaid,
        from: None,
    };
    let rows = ledger.channels(&wanted, &list.page()).await?;
    if rows.is_empty() {
        typed::channel(ledger, wanted.channel.as_ref()).await?;
        typed::mode(ledger, wanted.mode.as_ref()).await?;
    }
    if list.json {
        say_json(&rows);
        return Ok(());
    }
    let last = rows.last().map(|row| format!("{}/{}", row.account, row.channel));
    let count = rows.len();
    channel_table(rows);
    super::more(count, &list, last.as_deref());
    Ok(())
}

fn channel_table(rows: Vec<ChannelRow>) {
    table_of(
        "no channel fits",
        &[
            "CHANNEL",
            "ACCOUNT",
            "NAME",
            "PHONE",
            "ACTIVETILL",
            "MODE",
            "OWED",
            "PAID",
            "AGREEMENT",
            "BOUGHT",
            "MOVED",
            "UNEXPLAINED",
        ],
        rows.into_iter().map(|c| {
            [
                c.channel,
                c.account,
                or_dash(c.name),
                or_dash(c.phone),
                or_dash(c.active_till.map(time)),
                or_dash(c.mode),
                c.owed.to_string(),
                or_dash(c.paid_at.map(time)),
                or_dash(c.agreement),
                c.days_bought.to_string(),
                c.days_moved.to_string(),
                c.movements.to_string(),
            ]
        }),
    );
}

async fn show(config: &Config, ledger: &Ledger, channel: &str, json: bool) -> Result<(), Failure> {
    let Some(whole) = ledger.channel_whole(&config.partner.account, channel).await? else {
        typed::channel(ledger, Some(&channel.to_owned())).await?;
        return Err(Failure::Failed(format!(
            "no day was ever planned for {channel} of the account {}, and its list shows none such",
            config.partner.account
        )));
    };
    if json {
        say_json(&whole);
        return Ok(());
    }
    let known = &whole.channel;
    say(format!("channel    {} of {}", known.channel, known.account));
    say(format!("name       {}", or_dash(known.name.as_ref())));
    say(format!("phone      {}", or_dash(known.phone.as_ref())));
    say(format!("activeTill {}", or_dash(known.active_till.map(time))));
    say(format!("mode       {}", or_dash(known.mode.as_ref())));
    say(format!("moved      {} days", known.days_moved));
    say(format!("owed       {} days", known.owed));
    say(format!(
        "paid       {}",
        known.payment.as_ref().zip(known.paid_at).map_or_else(
            || "never".to_owned(),
            |(payment, at)| format!(
                "{}, {payment}{}",
                time(at),
                known.agreement.map_or_else(String::new, |state| format!(", agreement {state}"))
            )
        )
    ));
    if let Some(slice) = &whole.next {
        say(format!(
            "next       {}: {} days, {}",
            slice.key,
            slice.days,
            next(slice.reason.as_ref().or(slice.next.as_ref()).map(String::as_str), slice.next_at)
        ));
    }
    table_of(
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

async fn sync(config: &Config, ledger: &Ledger, shorter: Shorter, json: bool) -> Result<(), Failure> {
    let settings = &config.partner;
    let partner = partner::open(settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let (who, now) = (super::who(), clock::now_ms());
    let times = (now, listing::next_at(now));
    let pace = Pace::alone(settings.calls_per_second_max);
    listing::read_whole(partner.as_ref(), ledger, &settings.account, &pace, now).await?;
    let act = Act { who: &who, reason: "asked for the partner's list of channels" };
    let synced = ledger.end_listing(&settings.account, times, shorter, Some(&act)).await?;
    if json {
        say_json(&synced);
    } else if synced.believed {
        say(format!("the partner lists {} channels; {} are forgotten", synced.listed, synced.gone));
    }
    if synced.believed {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "the partner lists {} channels, and {} are known: a list so much shorter, or empty, is not believed, and nothing is forgotten for it. Is partner.token that of this account? If so many were deleted: `daybridge channels sync --shorter`",
        synced.listed, synced.listed_before
    )))
}
