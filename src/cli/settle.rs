//! `settle pause|resume|list`: where no new call is made.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    domain::{id::ChannelId, reply::ReadError},
    ledger::{self, Act, Scope},
    ops::pause::{self, Unknown},
    partner,
    worker::clock,
};

use super::{
    Failure,
    text::{say, say_json, table, time},
};

#[derive(Debug, Subcommand)]
pub enum Settle {
    /// Make no new extend call; what is doubtful is still read
    Pause(Where),
    /// Go on, also after the brake
    Resume(Where),
    /// What is paused now
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
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
    let ledger = ledger::open_existing(&config.ledger).await?;
    let who = super::who();
    let now = clock::now_ms();
    match settle {
        Settle::Pause(args) => {
            let scope = scope(&config, &args)?;
            let act = Act { who: &who, reason: &args.reason };
            if let Some(unknown) = pause::unknown(ledger.as_ref(), &config.partner.account, &scope).await? {
                at_partner(&config, unknown).await?;
            }
            let fresh = ledger.pause(&scope, &act, now).await?;
            say(format!(
                "{}: {}; calls in hand are finished, new ones are not made; `daybridge settle resume` goes on",
                scope.word(),
                if fresh { "paused" } else { "was paused already" }
            ));
        }
        Settle::Resume(args) => {
            let scope = scope(&config, &args)?;
            let act = Act { who: &who, reason: &args.reason };
            if !pause::resume(ledger.as_ref(), &config.partner.account, &scope, &act, now).await? {
                return Err(Failure::Failed(format!(
                    "{} is not paused; `daybridge settle list` tells what is",
                    scope.word()
                )));
            }
            say(format!("{}: goes on, soonest expiry first", scope.word()));
        }
        Settle::List { json } => {
            let pauses = ledger.pauses().await?;
            if json {
                say_json(&pauses);
            } else if pauses.is_empty() {
                say("nothing is paused");
            } else {
                table(
                    &["SCOPE", "SINCE", "BY", "WHO", "WHY"],
                    pauses
                        .into_iter()
                        .map(|p| [p.scope.word(), time(p.since), p.cause.to_string(), p.who, p.reason]),
                );
            }
        }
    }
    Ok(())
}

/// A channel that no payment was for yet may be at the partner.
async fn at_partner(config: &Config, unknown: Unknown) -> Result<(), Failure> {
    let why = match &unknown {
        Unknown::Channel { account, channel, .. } if *account == config.partner.account => {
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
