//! The record itself, after a disaster.

use clap::{Args, Subcommand};
use daybridge::{config::Config, ledger, worker::clock};

use super::{
    Failure,
    text::{parse_time, say, say_json, time},
};

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Declare that the ledger was restored from a backup; with every worker stopped
    Restored(Restored),
}

#[derive(Debug, Args)]
pub struct Restored {
    /// When the backup was made: a time, or a span before now (1h); without a backup, the first day
    #[arg(long)]
    since: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `ledger …`
pub async fn run(config: Config, ledger: Ledger) -> Result<(), Failure> {
    let Ledger::Restored(args) = ledger;
    let now = clock::now_ms();
    let since = parse_time(&args.since, now).map_err(Failure::Usage)?;
    let done = ledger::open(&config.ledger).await?.restored(since, &super::who(), now).await?;
    if args.json {
        say_json(&done);
        return Ok(());
    }
    say(format!(
        "declared: what happened from {} to {} is not known",
        time(done.since),
        time(done.declared_at)
    ));
    say(format!("{} transfers that were not settled in the backup are held now", done.held));
    say("payments of before this declaration that are told again are held, never granted by themselves");
    say(format!(
        "workers call nothing for {}: a call of before may still be applied",
        humantime::format_duration(config.partner.settle_window)
    ));
    say("next: start the workers, let the provider resend, then decide: daybridge held list");
    Ok(())
}
