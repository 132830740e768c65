//! `pause`, `resume` and `pauses`: where no new call is made.

use clap::{Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::{id::ChannelId, reply::ReadError},
    ledger::{self, Act, Scope},
    ops::pause::{self, UnknownScope},
    partner,
};

use crate::cli::{
    Failure,
    output::text::{say, say_json, table, time},
};

/// The words that these commands had before.
#[derive(Debug, Subcommand)]
pub enum Settle {
    /// As `daybridge pause`
    Pause(Where),
    /// As `daybridge resume`
    Resume(Where),
    /// As `daybridge pauses`
    List(List),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Where {
    /// Only this partner account; neither: everything
    #[arg(long)]
    account: Option<String>,
    /// Only this channel, of --account or of partner.account
    #[arg(long)]
    channel: Option<String>,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
}

/// `settle …`
pub async fn run(config: Config, settle: Settle) -> Result<(), Failure> {
    match settle {
        Settle::Pause(args) => pause(config, args).await,
        Settle::Resume(args) => resume(config, args).await,
        Settle::List(args) => list(config, args).await,
    }
}

/// `pause`
pub async fn pause(config: Config, args: Where) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let (scope, who) = (scope(&config, &args)?, crate::cli::who());
    let act = Act { who: &who, reason: &args.reason };
    if let Some(unknown) = pause::unknown(ledger.as_ref(), &config.partner.account, &scope).await? {
        at_partner(&config, unknown).await?;
    }
    let fresh = ledger.pause(&scope, &act, clock::now_ms()).await?;
    say(format!(
        "{}: {}; calls in hand are finished, new ones are not made; `daybridge resume{}` goes on",
        scope.word(),
        if fresh { "paused" } else { "was paused already" },
        options(&args)
    ));
    Ok(())
}

/// What names the same scope again.
fn options(args: &Where) -> String {
    let option = |name: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!(" --{name} {value}"))
    };
    option("account", &args.account) + &option("channel", &args.channel)
}

/// `resume`
pub async fn resume(config: Config, args: Where) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let (scope, who) = (scope(&config, &args)?, crate::cli::who());
    let act = Act { who: &who, reason: &args.reason };
    if !pause::resume(ledger.as_ref(), &config.partner.account, &scope, &act, clock::now_ms()).await? {
        return Err(Failure::Failed(format!(
            "{} is not paused; `daybridge pauses` tells what is",
            scope.word()
        )));
    }
    say(format!("{}: goes on, soonest expiry first", scope.word()));
    Ok(())
}

/// `pauses`
pub async fn list(config: Config, args: List) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let pauses = ledger.pauses().await?;
    if args.json {
        say_json(&pauses);
    } else if pauses.is_empty() {
        say("nothing is paused");
    } else {
        table(
            &["SCOPE", "SINCE", "BY", "WHO", "WHY"],
            pauses.into_iter().map(|p| [p.scope.word(), time(p.since), p.cause.to_string(), p.who, p.reason]),
        );
    }
    Ok(())
}

/// A channel that no payment was for yet may be at the partner.
async fn at_partner(config: &Config, unknown: UnknownScope) -> Result<(), Failure> {
    let why = match &unknown {
        UnknownScope::Channel { account, channel, .. } if *account == config.partner.account => {
            let partner =
                partner::open(&config.partner).map_err(|error| Failure::Usage(error.to_string()))?;
            match partner.read(channel).await {
                Ok(_) => return Ok(()),
                Err(ReadError::UnknownChannel) => "; the partner does not know it either".to_owned(),
                Err(ReadError::Unauthorized) => "; the partner refuses the token".to_owned(),
                Err(ReadError::Failed(why)) => format!("; the partner could not be asked: {why}"),
            }
        }
        _ => String::new(),
    };
    Err(Failure::Failed(format!("{unknown}{why}")))
}

fn scope(config: &Config, args: &Where) -> Result<Scope, Failure> {
    Ok(match (&args.account, &args.channel) {
        (None, None) => Scope::All,
        (Some(account), None) => Scope::Account(account.clone()),
        (account, Some(channel)) => {
            let id = ChannelId::parse(channel)
                .ok_or_else(|| Failure::Usage(format!("{channel:?} is not a channel id")))?;
            Scope::Channel(account.clone().unwrap_or_else(|| config.partner.account.clone()), id)
        }
    })
}
