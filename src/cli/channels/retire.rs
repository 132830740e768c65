//! `channels retire plan|apply`: channels that nobody pays for are deleted at the partner.

use std::time::Duration;

use clap::{Args, Subcommand};
use daybridge::{
    clock::{self, millis},
    config::Config,
    ledger::{Act, Ledger, RetireChannel, RetirePlan, RetireSelection, RetireState},
    partner,
    worker::retire::{Retiring, to_do},
};

use crate::cli::{
    Failure,
    output::{
        confirm::{Confirm, Go, Sure, ask},
        text::{or_dash, say, say_json, table, time},
    },
};

/// Where neither is asked for: how long ago a channel ran out, in ms.
const EXPIRED_FOR_MS: i64 = 30 * 86_400_000;

#[derive(Debug, Subcommand)]
pub enum Retire {
    /// Show which channels nobody pays for and what deleting them would give back, and keep that under a hash
    Plan(Plan),
    /// Delete exactly those at the partner, for ever, after a second look at each
    Apply(Apply),
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Ran out so long ago or longer [default: 30days, where --ended is not given]
    #[arg(long, value_name = "SPAN", value_parser = humantime::parse_duration)]
    expired_for: Option<Duration>,
    /// An agreement paid for it and has ended, whatever days are left on it
    #[arg(long)]
    ended: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// Hash of the plan
    hash: String,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sure: Sure,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `channels retire …`
pub async fn run(config: &Config, ledger: &Ledger, retire: Retire) -> Result<(), Failure> {
    match retire {
        Retire::Plan(args) => plan(config, ledger, args).await,
        Retire::Apply(args) => apply(config, ledger, args).await,
    }
}

async fn plan(config: &Config, ledger: &Ledger, args: Plan) -> Result<(), Failure> {
    let expired_for_ms = match args.expired_for {
        Some(span) => Some(millis(span)),
        None => (!args.ended).then_some(EXPIRED_FOR_MS),
    };
    let selection = RetireSelection { expired_for_ms, ended: args.ended };
    let plan =
        ledger.retire_plan(&config.partner.account, selection, &crate::cli::who(), clock::now_ms()).await?;
    match plan {
        Some(plan) if args.json => say_json(&plan),
        None if args.json => say_json(&serde_json::json!({ "hash": null, "channels": [] })),
        Some(plan) => show(&plan),
        None => say("no channel fits that nobody pays for; nothing was planned"),
    }
    Ok(())
}

fn show(plan: &RetirePlan) {
    table(
        &["CHANNEL", "NAME", "PHONE", "ACTIVETILL", "MODE", "PAID", "DAYS BACK"],
        plan.channels.iter().map(|one| {
            [
                one.channel.clone(),
                or_dash(one.name.as_ref()),
                or_dash(one.phone.as_ref()),
                time(one.active_till),
                or_dash(one.mode.as_ref()),
                or_dash(one.paid_at.map(time)),
                one.days.to_string(),
            ]
        }),
    );
    say(format!("\n{} channels; {} days would come back to the balance", plan.channels.len(), plan.days));
    say(format!("apply with: daybridge channels retire apply {} --reason …", plan.hash));
}

async fn apply(config: &Config, ledger: &Ledger, args: Apply) -> Result<(), Failure> {
    let plan = ledger.retire_planned(&args.hash).await?.ok_or_else(|| {
        Failure::Failed(format!("no plan {}: `daybridge channels retire plan` makes one", args.hash))
    })?;
    let settings = &config.partner;
    if plan.account != settings.account {
        return Err(Failure::Failed(format!(
            "the plan is of the account {}, and partner.account is {}; nothing was deleted",
            plan.account, settings.account
        )));
    }
    let count = plan.channels.iter().filter(|one| to_do(one)).count();
    if count == 0 {
        return told(&args, &plan, &[]);
    }
    let what = format!("delete {count} channels at the partner for ever, by the plan {}", plan.hash);
    if ask(&args.sure, Confirm::Always, count, &what)? == Go::Dry {
        return Ok(());
    }
    let partner = partner::open(settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let who = crate::cli::who();
    let retiring = Retiring {
        partner: partner.as_ref(),
        ledger,
        clock: &clock::Machine,
        act: Act { who: &who, reason: &args.reason },
        call_timeout: settings.call_timeout,
        settle_window: settings.settle_window,
        pause: Duration::from_secs(1).checked_div(settings.calls_per_second_max).unwrap_or_default(),
    };
    let tell = |one: &RetireChannel| {
        if !args.json {
            say(format!("{} {}: {}", one.channel, one.state, or_dash(one.note.as_ref())));
        }
    };
    let ended = retiring.apply(&plan, tell).await?;
    told(&args, &plan, &ended)
}

/// Ends badly where something is left to do.
fn told(args: &Apply, plan: &RetirePlan, ended: &[RetireChannel]) -> Result<(), Failure> {
    let many = |state| ended.iter().filter(|one| one.state == state).count();
    let days: i64 = ended.iter().filter_map(|one| one.returned).sum();
    let deleted = many(RetireState::Deleted);
    if args.json {
        say_json(
            &serde_json::json!({ "hash": plan.hash, "deleted": deleted, "days": days, "channels": ended }),
        );
    } else {
        say(format!("{deleted} deleted, {days} days came back; {} left out", many(RetireState::LeftOut)));
    }
    let untold =
        ended.iter().filter(|one| one.state == RetireState::Deleted && one.returned.is_none()).count();
    if untold > 0 && !args.json {
        say(format!(
            "of {untold} the partner did not tell how many days came back: look at its dashboard, then `daybridge balance set DAYS`"
        ));
    }
    match ended.iter().filter(|one| to_do(one)).count() {
        0 => Ok(()),
        open => Err(Failure::Failed(format!(
            "{open} are not deleted for sure; `daybridge channels retire apply {} --reason …` reads them again and goes on",
            plan.hash
        ))),
    }
}
