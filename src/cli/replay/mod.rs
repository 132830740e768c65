//! `replay plan`, `list`, `show`, `pause` and `abort`; [`apply`] has a file of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::closed::{HeldCause, PaymentState},
    envelope::Trigger,
    ledger::{
        self, Act, Ledger, Plan, Selection,
        plan::{PlanState, PlanVerdict},
        query::HeldQuery,
        view::{HeldKind, Planned},
    },
    ops::{
        known,
        replay::{self, Feed, file::EventLines},
    },
    provider::Readers,
};

use super::{
    Failure, interpreter,
    output::{
        text::{or_dash, parse_time, say, say_json, table, time},
        typed::{self, one_of, rows},
    },
};

mod apply;

/// Rows of a plan that are shown where nothing else is said.
const ROWS: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub enum Replay {
    /// Show per payment what would happen, and keep it under a hash
    Plan(PlanArgs),
    /// Publish exactly the events of a plan on the queue again
    Apply(apply::ApplyArgs),
    /// Plans, newest first
    List(super::ListArgs),
    /// One plan with its payments
    Show {
        /// Hash of the plan
        hash: String,
        #[command(flatten)]
        rows: Rows,
    },
    /// Stop a plan that is being applied; apply it again to go on
    Pause(Stop),
    /// Give a plan up for ever
    Abort(Stop),
}

#[derive(Debug, Args)]
pub struct Rows {
    /// Most payments shown
    #[arg(long, default_value_t = ROWS, value_parser = rows!())]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Stop {
    /// Hash of the plan
    hash: String,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["event", "payment", "channel", "state", "source", "kind", "trigger", "since", "until", "dead", "file"])))]
pub struct PlanArgs {
    /// The provider's event id
    #[arg(long)]
    event: Option<String>,
    /// Payment or transfer key, or a provider id that names the payment
    #[arg(long)]
    payment: Option<String>,
    /// Channel of the payment
    #[arg(long)]
    channel: Option<String>,
    /// State of the payment
    #[arg(long, value_parser = one_of!(PaymentState))]
    state: Option<PaymentState>,
    /// Name of a source
    #[arg(long)]
    source: Option<String>,
    /// The provider's event type
    #[arg(long = "type")]
    kind: Option<String>,
    /// How it came
    #[arg(long, value_parser = one_of!(Trigger))]
    trigger: Option<Trigger>,
    /// Received at or after: a time, or a span before now (1h)
    #[arg(long)]
    since: Option<String>,
    /// Received before
    #[arg(long)]
    until: Option<String>,
    /// What went through the dead queue
    #[arg(long)]
    dead: bool,
    /// Events from a file instead of the ledger: JSON Lines, one raw event of --source a line; - is standard input
    #[arg(long, value_name = "FILE", requires = "source",
        conflicts_with_all = ["event", "payment", "channel", "state", "kind", "trigger", "since", "until", "dead"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    rows: Rows,
}

/// `replay …`
pub async fn run(config: Config, replay: Replay) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let ledger = ledger.as_ref();
    match replay {
        Replay::Plan(args) => plan(&config, ledger, args).await,
        Replay::Apply(args) => apply::apply(&config, ledger, args).await,
        Replay::List(args) => list(ledger, args).await,
        Replay::Show { hash, rows } => {
            let plan = find(ledger, &hash).await?;
            told(ledger, &plan, &rows).await
        }
        Replay::Pause(stop) => halt(ledger, stop, &[PlanState::Running], PlanState::Paused).await,
        Replay::Abort(stop) => {
            let from = [PlanState::Ready, PlanState::Running, PlanState::Paused];
            halt(ledger, stop, &from, PlanState::Aborted).await
        }
    }
}

async fn find(ledger: &Ledger, hash: &str) -> Result<Plan, Failure> {
    let plan = ledger.plan(hash).await?;
    plan.ok_or_else(|| Failure::Failed(format!("no plan {hash}; `daybridge replay list` names them")))
}

async fn plan(config: &Config, ledger: &Ledger, args: PlanArgs) -> Result<(), Failure> {
    let now = clock::now_ms();
    let at = |text: Option<String>| text.map(|t| parse_time(&t, now)).transpose().map_err(Failure::Usage);
    let selection = Selection {
        event: args.event,
        payment: args.payment,
        channel: args.channel,
        state: args.state,
        source: args.source.clone(),
        event_type: args.kind,
        trigger: args.trigger,
        since: at(args.since)?,
        until: at(args.until)?,
        dead: args.dead,
    };
    let interpreter = interpreter(config, ledger).await?;
    let (feed, what) = match (&args.file, &args.source) {
        (Some(path), Some(source)) => {
            let named = Readers::new(config).map_err(|error| Failure::Usage(error.to_string()))?;
            let name = named.namer(source).ok_or_else(|| {
                let there = known::listed(source, interpreter.sources());
                Failure::Usage(format!("no source {source:?} in the settings; {there}"))
            })?;
            let what = serde_json::json!({ "source": source, "file": path.display().to_string() });
            (Feed::File(EventLines::new(source, Box::new(name), open(path)?)), what.to_string())
        }
        _ => (Feed::Selection(&selection), serde_json::to_string(&selection)?),
    };
    if args.file.is_none() {
        typed::source(config, ledger, args.source.as_ref()).await?;
        typed::channel(ledger, selection.channel.as_ref()).await?;
    }
    let who = super::who();
    match replay::plan(ledger, &interpreter, feed, &what, &who, now).await? {
        Some(plan) => told(ledger, &plan, &args.rows).await,
        None if args.rows.json => {
            say_json(&serde_json::json!({ "hash": null, "payments": [] }));
            Ok(())
        }
        None => {
            say("no stored event fits; nothing was planned");
            Ok(())
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

/// What moves days first.
async fn payments(ledger: &Ledger, plan: &Plan, limit: u32) -> Result<Vec<(i64, Planned)>, Failure> {
    let mut rows = Vec::new();
    for verdict in PlanVerdict::ALL {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        rows.extend(ledger.plan_payments(plan.number, Some(*verdict), 0, left).await?);
    }
    Ok(rows)
}

async fn told(ledger: &Ledger, plan: &Plan, rows: &Rows) -> Result<(), Failure> {
    let shown = payments(ledger, plan, rows.limit).await?;
    let short = short_of_days(ledger).await?;
    if rows.json {
        let payments: Vec<&Planned> = shown.iter().map(|(_, one)| one).collect();
        let mut whole = serde_json::to_value(plan)?;
        if let Some(map) = whole.as_object_mut() {
            map.insert("payments".into(), serde_json::to_value(&payments)?);
            map.insert("balance".into(), serde_json::Value::Null);
            map.insert("balance_too_little".into(), short.into());
        }
        say_json(&whole);
        return Ok(());
    }
    table(
        &["PAYMENT", "WOULD", "CHANNEL", "DAYS", "ACTIVETILL", "WHY"],
        shown.iter().map(|(_, p)| {
            [
                p.payment.clone(),
                p.verdict.to_string(),
                or_dash(p.channel.as_ref()),
                or_dash(p.days),
                reach(p),
                p.reason.clone(),
            ]
        }),
    );
    let totals = &plan.totals;
    let more = totals.payments.saturating_sub(u64::try_from(shown.len()).unwrap_or(0));
    if more > 0 {
        say(format!("… and {more} more; --limit shows them"));
    }
    say(format!(
        "\n{} payments, {} events: {} skip, {} extend ({} days), {} held, {} conflict",
        totals.payments, plan.events, totals.skip, totals.extend, totals.days, totals.held, totals.conflict
    ));
    say(if short {
        "balance  too few days on the account for some: `daybridge held list` says how many days wait for a top-up"
    } else {
        "balance  not known: the partner's API does not tell it"
    });
    say(format!("state    {}, {} of {} published", plan.state.as_str(), plan.published, plan.events));
    say(format!("hash     {}", plan.hash));
    if matches!(plan.state, PlanState::Ready | PlanState::Paused | PlanState::Running) {
        say(format!("apply with: daybridge replay apply {}", plan.hash));
    }
    Ok(())
}

async fn short_of_days(ledger: &Ledger) -> Result<bool, Failure> {
    let wanted = HeldQuery { cause: Some(HeldCause::Balance), key: None };
    Ok(ledger.held(&wanted, 1, clock::now_ms()).await?.iter().any(|held| held.kind == HeldKind::Account))
}

fn reach(planned: &Planned) -> String {
    match (planned.active_till_before, planned.active_till_after) {
        (Some(before), Some(after)) => format!("{} -> {}", time(before), time(after)),
        _ => "-".into(),
    }
}

async fn list(ledger: &Ledger, args: super::ListArgs) -> Result<(), Failure> {
    let plans = ledger.plans(&args.page()).await?;
    if args.json {
        say_json(&plans);
        return Ok(());
    }
    table(
        &["HASH", "STATE", "MADE", "BY", "EVENTS", "PUBLISHED", "SKIP", "EXTEND", "DAYS", "HELD", "CONFLICT"],
        plans.iter().map(|p| {
            [
                p.hash.clone(),
                p.state.as_str().to_owned(),
                time(p.created_at),
                p.made_by.clone(),
                p.events.to_string(),
                p.published.to_string(),
                p.totals.skip.to_string(),
                p.totals.extend.to_string(),
                p.totals.days.to_string(),
                p.totals.held.to_string(),
                p.totals.conflict.to_string(),
            ]
        }),
    );
    super::more(plans.len(), &args, plans.last().map(|p| p.hash.as_str()));
    Ok(())
}

async fn halt(ledger: &Ledger, stop: Stop, from: &[PlanState], to: PlanState) -> Result<(), Failure> {
    let plan = find(ledger, &stop.hash).await?;
    let who = super::who();
    let act = Act { who: &who, reason: &stop.reason };
    if !ledger.plan_move(&plan, from, to, &act, clock::now_ms()).await? {
        return Err(Failure::Failed(format!("the plan is {}; nothing was changed", plan.state.as_str())));
    }
    say(format!(
        "{}: {} after {} of {} events; what is on the queue is recorded as usual",
        plan.hash,
        to.as_str(),
        plan.published,
        plan.events
    ));
    Ok(())
}
