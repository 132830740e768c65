//! `payments stop|go|move|slice` and `balance`: how days are spent.

use clap::{Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::id::ChannelId,
    ledger::{self, Act, Moved, view, view::MarkKind},
};

use crate::cli::{
    Failure,
    output::text::{or_dash, say, say_json, table, time},
};

/// A payment, and why something is done with it.
#[derive(Debug, Args)]
pub struct Why {
    /// A payment or transfer key, or a provider id
    key: String,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
    /// Print the payment as JSON afterwards
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Move {
    #[command(flatten)]
    why: Why,
    /// The channel that gets what is left
    #[arg(long, value_parser = channel)]
    channel: ChannelId,
    /// Days that came back from the channel before, when it was deleted: they are owed again
    #[arg(long, default_value_t = 0)]
    returned: u32,
    /// Also where the partner does not list the channel
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub struct Slice {
    #[command(flatten)]
    why: Why,
    /// How many days, instead of the source's slice
    #[arg(long)]
    days: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Balance {
    /// Say how many days the partner's dashboard shows now
    Set(Mark),
    /// Say how many days were bought since
    Add(Mark),
    /// What is known of it, and how long it lasts
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What will be needed
    Forecast {
        /// Within so many days, beside 7 and 30
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct Mark {
    /// Days
    #[arg(allow_negative_numbers = true)]
    days: i64,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "read in the partner's dashboard")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn channel(text: &str) -> Result<ChannelId, String> {
    ChannelId::parse(text).ok_or_else(|| format!("{text:?} is not a channel id"))
}

/// What is done with a payment.
#[derive(Debug)]
pub enum Do {
    /// No more days of it move.
    Stop(Why),
    /// It goes on.
    Go(Why),
    /// What is left is another channel's.
    Move(Move),
    /// One slice is sent now.
    Slice(Slice),
}

/// `payments stop|go|move|slice`
pub async fn payment(config: &Config, what: Do) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let (who, now) = (crate::cli::who(), clock::now_ms());
    let (why, done) = match what {
        Do::Stop(why) => {
            ledger.stop(&why.key, &act(&who, &why), now).await?;
            (why, "stopped: no more of its days move until `daybridge payments go`".to_owned())
        }
        Do::Go(why) => {
            ledger.go(&why.key, &act(&who, &why), now).await?;
            (why, "goes on".to_owned())
        }
        Do::Move(args) => {
            let moved = Moved { channel: args.channel, returned: args.returned, force: args.force };
            ledger.move_rest(&args.why.key, &moved, &act(&who, &args.why), now).await?;
            (args.why, format!("what is left of it is for {} from now on", moved.channel))
        }
        Do::Slice(args) => {
            let key = ledger.slice_now(&args.why.key, args.days, &act(&who, &args.why), now).await?;
            (args.why, format!("{key} is sent now"))
        }
    };
    let whole = ledger.payment(&why.key).await?.ok_or_else(|| Failure::Failed("it is gone".to_owned()))?;
    if why.json {
        say_json(&whole);
    } else {
        let view::Payment { key, state, moved, owed, .. } = &whole.payment;
        say(format!("{key}: {done}"));
        say(format!("state {state}, {moved} days moved, {owed} owed"));
    }
    Ok(())
}

fn act<'a>(who: &'a str, why: &'a Why) -> Act<'a> {
    Act { who, reason: &why.reason }
}

/// `balance …`
pub async fn balance(config: &Config, balance: Balance) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let (account, who, now) = (&config.partner.account, crate::cli::who(), clock::now_ms());
    let mut within = None;
    let json = match balance {
        Balance::Set(Mark { days, reason, json }) => {
            ledger
                .mark_balance(account, MarkKind::Set, days, &Act { who: &who, reason: &reason }, now)
                .await?;
            json
        }
        Balance::Add(Mark { days, reason, json }) => {
            ledger
                .mark_balance(account, MarkKind::Add, days, &Act { who: &who, reason: &reason }, now)
                .await?;
            json
        }
        Balance::Show { json } => json,
        Balance::Forecast { days, json } => {
            within = Some(days);
            json
        }
    };
    let known = ledger.balance(account, within, now).await?;
    if json {
        say_json(&known);
    } else {
        shown(&known);
    }
    Ok(())
}

fn shown(known: &view::Balance) {
    say(format!("account   {}", known.account));
    match (known.low, known.high, known.marked_at) {
        (Some(low), Some(high), Some(at)) => {
            let days = if low == high { low.to_string() } else { format!("{low} to {high}") };
            say(format!("balance   {days} days, as said at {}", time(at)));
        }
        (_, _, Some(at)) => say(format!(
            "balance   not known: what was said at {} does not fit what happened since; look at the partner's dashboard, then `daybridge balance set DAYS`",
            time(at)
        )),
        _ => say("balance   not known: `daybridge balance set DAYS` says what the partner's dashboard shows"),
    }
    say(format!(
        "moved     {} days since, {} on their way, {} unexplained",
        known.moved, known.open, known.unexplained
    ));
    say(format!("owed      {} days; {:.1} are granted a day", known.owed, known.granted_a_day));
    let runway = known
        .runway_days
        .map(|days| if days >= 365 { "a year or more".to_owned() } else { format!("{days} days") });
    say(format!("lasts     {}", or_dash(runway)));
    table(
        &["WITHIN DAYS", "COMMITTED", "WITH NEW PAYMENTS"],
        known
            .committed
            .iter()
            .map(|one| [one.within_days.to_string(), one.committed.to_string(), one.expected.to_string()]),
    );
}
