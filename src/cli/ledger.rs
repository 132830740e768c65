//! The record itself, after a disaster.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    ledger::{self, Act},
    worker::clock,
};

use super::{
    Failure,
    text::{parse_time, say, say_json, time},
};

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Declare that the ledger was restored from a backup; with every worker stopped
    Restored(Restored),
    /// Drop raw bodies of old events that nothing waits for; what they said stays, but they cannot be replayed
    Prune(Prune),
}

#[derive(Debug, Args)]
pub struct Prune {
    /// Received before: a time, or a span before now (180days)
    #[arg(long)]
    before: String,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
}

/// Bodies dropped in one transaction.
const PRUNED_AT_ONCE: u32 = 1_000;

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
    match ledger {
        Ledger::Restored(args) => restored(&config, args).await,
        Ledger::Prune(args) => prune(&config, args).await,
    }
}

async fn prune(config: &Config, args: Prune) -> Result<(), Failure> {
    let now = clock::now_ms();
    let before = parse_time(&args.before, now).map_err(Failure::Usage)?;
    let ledger = ledger::open(&config.ledger).await?;
    let who = super::who();
    ledger.note("ledger prune", "bodies", &Act { who: &who, reason: &args.reason }, now).await?;
    let mut dropped = 0_u64;
    loop {
        let some = ledger.prune_bodies(before, PRUNED_AT_ONCE).await?;
        dropped = dropped.saturating_add(some);
        if some < u64::from(PRUNED_AT_ONCE) {
            break;
        }
    }
    say(format!("{dropped} bodies of events received before {} were dropped", time(before)));
    Ok(())
}

async fn restored(config: &Config, args: Restored) -> Result<(), Failure> {
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
