//! The record itself, after a disaster.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    domain::{Ms, memory::CLOCKS_APART_MS},
    ledger::{self, Act},
    partner,
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
    /// Say how far back a new ledger may grant; what was paid before is held with cause before_ledger
    Adopt(Adopt),
    /// Say that nothing was lost when the database server became another one, and go on
    Failover(Failover),
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

#[derive(Debug, Args)]
pub struct Adopt {
    /// What came in since then is granted: a time, or a span before now (7days); not after the ledger was made
    #[arg(long)]
    since: String,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Failover {
    /// Every commit is on the new server: the standby was synchronous, or the switch was planned
    #[arg(long, required = true, visible_alias = "synchronous")]
    nothing_lost: bool,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `ledger …`
pub async fn run(config: Config, ledger: Ledger) -> Result<(), Failure> {
    match ledger {
        Ledger::Restored(args) => restored(&config, args).await,
        Ledger::Adopt(args) => adopt(&config, args).await,
        Ledger::Failover(args) => failover(&config, args).await,
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

async fn adopt(config: &Config, args: Adopt) -> Result<(), Failure> {
    let now = clock::now_ms();
    let since = parse_time(&args.since, now).map_err(Failure::Usage)?;
    let act = Act { who: &super::who(), reason: &args.reason };
    let done = ledger::open(&config.ledger).await?.adopt(since, &act, now).await?;
    if args.json {
        say_json(&done);
        return Ok(());
    }
    say(format!("what came in since {} is granted; what came in before is held", time(done.since)));
    say("the next turn of the backfill begins there, or backfill_sweep ago where that is later");
    say("next: what is held already goes on with daybridge held retry --cause before_ledger");
    Ok(())
}

async fn failover(config: &Config, args: Failover) -> Result<(), Failure> {
    let act = Act { who: &super::who(), reason: &args.reason };
    let done = ledger::open(&config.ledger).await?.failover(&act, clock::now_ms()).await?;
    if args.json {
        say_json(&done);
        return Ok(());
    }
    say(format!("system/timeline {} is right, after {}: calls go on", done.is, done.was));
    Ok(())
}

/// When the declaration is made. A machine that was just restored may have a wrong clock, and where it is behind,
/// what was paid before the declaration would count as paid after it.
async fn declared_at(config: &Config, now: Ms) -> Ms {
    let told = match partner::open(&config.partner) {
        Ok(partner) => partner.clock().await,
        Err(_) => None,
    };
    match told {
        None => {
            tracing::warn!(
                now = time(now),
                "the partner was not reached, so its clock is not compared: be sure that this is the time"
            );
            now
        }
        Some(there) if there.saturating_sub(now) > CLOCKS_APART_MS => {
            tracing::warn!(
                behind_s = there.saturating_sub(now) / 1000,
                "this machine's clock is behind the partner's: set it before the workers start; the declaration counts from the partner's time"
            );
            there
        }
        Some(_) => now,
    }
}

async fn restored(config: &Config, args: Restored) -> Result<(), Failure> {
    let now = clock::now_ms();
    let since = parse_time(&args.since, now).map_err(Failure::Usage)?;
    let at = declared_at(config, now).await;
    let done = ledger::open(&config.ledger).await?.restored(since, &super::who(), at).await?;
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
