//! `replay plan` and `replay apply`.

use clap::{ArgGroup, Args, Subcommand};
use daybridge::{
    config::Config,
    ledger::{self, Plan, Selection},
    ops::replay::{self, Applied},
    queue,
    worker::clock,
};

use super::{
    Failure,
    text::{or_dash, parse_time, say, say_json, table, time},
};

#[derive(Debug, Subcommand)]
pub enum Replay {
    /// Show per payment what would happen, and keep it under a hash
    Plan(PlanArgs),
    /// Publish exactly the events of a plan on the queue again
    Apply {
        /// Hash of the plan
        hash: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["event", "payment", "source", "since", "until", "dead"])))]
pub struct PlanArgs {
    /// The provider's event id
    #[arg(long)]
    event: Option<String>,
    /// Payment or transfer key, or a provider id that names the payment
    #[arg(long)]
    payment: Option<String>,
    /// Name of a source
    #[arg(long)]
    source: Option<String>,
    /// Received at or after: a time, or a span before now (1h)
    #[arg(long)]
    since: Option<String>,
    /// Received before
    #[arg(long)]
    until: Option<String>,
    /// What went through the dead queue
    #[arg(long)]
    dead: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `replay …`
pub async fn run(config: Config, replay: Replay) -> Result<(), Failure> {
    let ledger = ledger::open(&config.ledger).await?;
    let now = clock::now_ms();
    match replay {
        Replay::Plan(args) => {
            let time =
                |text: Option<String>| text.map(|t| parse_time(&t, now)).transpose().map_err(Failure::Usage);
            let selection = Selection {
                event: args.event,
                payment: args.payment,
                source: args.source,
                since: time(args.since)?,
                until: time(args.until)?,
                dead: args.dead,
            };
            let plan = replay::plan(ledger.as_ref(), &selection, now).await?;
            if args.json {
                say_json(&plan);
            } else {
                tell(&plan);
            }
        }
        Replay::Apply { hash, json } => {
            let queue = queue::open(&config.queue).await?;
            let applied = replay::apply(ledger.as_ref(), queue.as_ref(), &hash, now).await;
            queue.close().await;
            told(applied?, json);
        }
    }
    Ok(())
}

fn count(plan: &Plan, verdict: &str) -> usize {
    plan.payments.iter().filter(|p| p.verdict == verdict).count()
}

fn tell(plan: &Plan) {
    if plan.payments.is_empty() {
        say("no stored event fits; nothing was planned");
        return;
    }
    rows(plan);
    say(format!(
        "\n{} skip, {} extend, {} held\nhash {}\napply with: daybridge replay apply {}",
        count(plan, "skip"),
        count(plan, "extend"),
        count(plan, "held"),
        plan.hash,
        plan.hash
    ));
}

fn rows(plan: &Plan) {
    table(
        &["PAYMENT", "WOULD", "CHANNEL", "DAYS", "EVENTS", "WHY"],
        plan.payments.iter().map(|p| {
            [
                p.payment.clone(),
                p.verdict.clone(),
                or_dash(p.channel.as_ref()),
                or_dash(p.days),
                p.events.len().to_string(),
                p.reason.clone(),
            ]
        }),
    );
}

fn told(applied: Applied, json: bool) {
    let (plan, published) = match &applied {
        Applied::Published(plan, published) => (plan, *published),
        Applied::Before(plan) => (plan, 0),
    };
    if json {
        say_json(&serde_json::json!({
            "hash": plan.hash,
            "published": published,
            "skipped": count(plan, "skip"),
            "applied_before_at": plan.applied_at,
            "payments": plan.payments,
        }));
        return;
    }
    if let Some(at) = plan.applied_at {
        say(format!("plan {} was applied at {}; nothing was published", plan.hash, time(at)));
        return;
    }
    for payment in plan.payments.iter().filter(|p| p.verdict == "skip") {
        say(format!("{}  skipped: {}", payment.payment, payment.reason));
    }
    say(format!(
        "{published} events are on the queue again with trigger replay; {} payments skipped",
        count(plan, "skip")
    ));
}
