//! The record itself, after a disaster.

use std::sync::Arc;

use clap::{Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::{DAY_MS, Ms, payment::memory::CLOCKS_APART_MS},
    ledger::{
        self, Act, LedgerError,
        view::{Action, Several},
    },
    partner,
};

use super::{
    Failure,
    output::{
        confirm::{self, Confirm, Go, Sure},
        text::{parse_time, say, say_json, time},
    },
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
    /// Received before: a time, or a span before now (180days); at least 30 days ago
    #[arg(long)]
    before: String,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    #[command(flatten)]
    sure: Sure,
}

/// Bodies dropped in one transaction.
const PRUNED_AT_ONCE: u32 = 1_000;

/// Age under which no body is dropped, in days: for so long providers resend and list events, and a replay may be needed.
const PRUNE_AGE_DAYS_MIN: i64 = 30;

#[derive(Debug, Args)]
pub struct Restored {
    /// When the backup was made: a time, or a span before now (1h); without a backup, the first day
    #[arg(long, required_unless_present = "undo")]
    since: Option<String>,
    /// Take the last declaration back; as long as nothing was decided on it
    #[arg(long, conflicts_with_all = ["since", "yes", "dry_run"])]
    undo: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sure: Sure,
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
    let youngest = now.saturating_sub(PRUNE_AGE_DAYS_MIN.saturating_mul(DAY_MS));
    if before > youngest {
        return Err(Failure::Usage(format!(
            "--before must lie at least {PRUNE_AGE_DAYS_MIN} days back, before {}: younger events may be sent or replayed again",
            time(youngest)
        )));
    }
    let ledger = ledger::open_existing(&config.ledger).await?;
    let all = ledger.prunable(before).await?;
    let oldest = all.oldest_at.map_or(String::new(), |at| format!(", the oldest of {}", time(at)));
    let what = format!(
        "drop {} bodies of events received before {}{oldest}; those events can never be replayed",
        all.count,
        time(before)
    );
    let count = usize::try_from(all.count).unwrap_or(usize::MAX);
    if confirm::ask(&args.sure, Confirm::Always, count, &what)? == Go::Dry {
        return Ok(());
    }
    let who = super::who();
    ledger.note(Action::Prune, "bodies", &Act { who: &who, reason: &args.reason }, now).await?;
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

/// The ledger, made where there is none: what is said of it must be said before a worker finds it.
async fn made(config: &Config) -> Result<Arc<daybridge::ledger::Ledger>, Failure> {
    match ledger::open_existing(&config.ledger).await {
        Err(LedgerError::Missing(place)) => {
            let ledger = ledger::open(&config.ledger).await?;
            eprintln!("daybridge: there was no ledger at {place}: a new one was made");
            Ok(ledger)
        }
        found => Ok(found?),
    }
}

async fn adopt(config: &Config, args: Adopt) -> Result<(), Failure> {
    let now = clock::now_ms();
    let since = parse_time(&args.since, now).map_err(Failure::Usage)?;
    let act = Act { who: &super::who(), reason: &args.reason };
    let done = made(config).await?.adopt(since, &act, now).await?;
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
    let done = ledger::open_existing(&config.ledger).await?.failover(&act, clock::now_ms()).await?;
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
    let Some(since) = args.since else { return undo(config, args.json).await };
    let now = clock::now_ms();
    let since = parse_time(&since, now).map_err(Failure::Usage)?;
    let (all, absent) = match ledger::open_existing(&config.ledger).await {
        Ok(ledger) => (ledger.restored_would().await?, String::new()),
        // A ledger that was lost is made anew, and knows nothing of before.
        Err(LedgerError::Missing(place)) if !args.sure.dry_run => {
            (Several::default(), format!("make a new ledger at {place}, where there is none; "))
        }
        Err(error) => return Err(error.into()),
    };
    let count = usize::try_from(all.count).unwrap_or(usize::MAX);
    if args.sure.dry_run && args.json {
        say_json(&all);
        return Ok(());
    }
    let what = format!(
        "{absent}declare that nothing is known since {}: hold {count} transfers that are not settled, {}; and hold every payment of before that is told again",
        time(since),
        confirm::in_words(&all)
    );
    if confirm::ask(&args.sure, Confirm::Always, count, &what)? == Go::Dry {
        return Ok(());
    }
    let at = declared_at(config, now).await;
    let done = made(config).await?.restored(since, &super::who(), at).await?;
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
    say("if it was the wrong ledger or time: daybridge ledger restored --undo, before anything is decided");
    Ok(())
}

async fn undo(config: &Config, json: bool) -> Result<(), Failure> {
    let act = Act { who: &super::who(), reason: "the ledger was not restored" };
    let done = ledger::open_existing(&config.ledger).await?.restored_undo(&act, clock::now_ms()).await?;
    if json {
        say_json(&done);
        return Ok(());
    }
    say(format!(
        "taken back: the declaration of {}; {} transfers stand where they stood before",
        time(done.declared_at),
        done.released
    ));
    if done.payments_held > 0 {
        say(format!(
            "next: {} payments were held for it meanwhile: daybridge held retry --cause restored",
            done.payments_held
        ));
    }
    Ok(())
}
