//! `replay apply`: with a progress bar where a person looks, and a word for each payment that is skipped.

use std::io::IsTerminal as _;

use clap::Args;
use daybridge::{
    clock,
    config::Config,
    ledger::{
        Act, Ledger,
        plan::{PlanState, PlanVerdict},
    },
    ops::replay::{self, Applied, Applying, PER_SECOND},
    queue,
};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::{
    super::{Failure, interpreter, roles::signalled},
    ROWS,
};
use crate::cli::output::text::{or_dash, say, say_json, time};

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Hash of the plan
    hash: String,
    /// Events a second
    #[arg(long, default_value_t = PER_SECOND)]
    per_second: u32,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `replay apply`
pub(super) async fn apply(config: &Config, ledger: &Ledger, args: ApplyArgs) -> Result<(), Failure> {
    let interpreter = interpreter(config, ledger).await?;
    let queue = queue::open(&config.queue).await?;
    let stop = CancellationToken::new();
    let guard = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        guard.cancel();
    });
    let who = super::super::who();
    let with = Applying {
        ledger,
        queue: queue.as_ref(),
        interpreter: &interpreter,
        act: Act { who: &who, reason: &args.reason },
        clock: &clock::Machine,
        per_second: args.per_second,
        stop: &stop,
    };
    let bar = bar(!args.json);
    let applied = replay::apply(&with, &args.hash, |plan, published| {
        bar.set_length(plan.events);
        bar.set_position(published);
    })
    .await;
    bar.finish_and_clear();
    queue.close().await;
    outcome(ledger, applied?, args.json).await
}

/// Shown where a person looks.
fn bar(wanted: bool) -> ProgressBar {
    if !wanted || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events, {per_sec}, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn outcome(ledger: &Ledger, applied: Applied, json: bool) -> Result<(), Failure> {
    let (plan, published) = match &applied {
        Applied::Published(plan, published) | Applied::Stopped(plan, published) => (plan, *published),
        Applied::Before(plan) => (plan, 0),
    };
    let skipped = ledger.plan_payments(plan.number, Some(PlanVerdict::Skip), 0, ROWS).await?;
    if json {
        let before = matches!(applied, Applied::Before(_));
        say_json(&serde_json::json!({
            "hash": plan.hash,
            "state": plan.state,
            "published": published,
            "skipped": plan.totals.skip,
            "applied_before_at": before.then_some(plan.changed_at),
            "skipped_payments": skipped.iter().map(|(_, one)| one).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    match &applied {
        Applied::Before(_) => {
            let (hash, at, who) = (&plan.hash, time(plan.changed_at), or_dash(plan.applied_by.as_ref()));
            say(format!("plan {hash} was applied at {at} by {who}; nothing was published"));
            return Ok(());
        }
        Applied::Stopped(..) if plan.state == PlanState::Aborted => {
            say(format!(
                "aborted: {} of {} events are on the queue; it never goes on",
                plan.published, plan.events
            ));
            return Ok(());
        }
        Applied::Stopped(..) => {
            say(format!(
                "{}: {} of {} events are on the queue; `daybridge replay apply {}` goes on where it is paused",
                plan.state.as_str(),
                plan.published,
                plan.events,
                plan.hash
            ));
            return Ok(());
        }
        Applied::Published(..) => {}
    }
    for (_, payment) in &skipped {
        say(format!("{}  skipped: {}", payment.payment, payment.reason));
    }
    let more = plan.totals.skip.saturating_sub(u64::try_from(skipped.len()).unwrap_or(0));
    if more > 0 {
        say(format!("… and {more} more are skipped"));
    }
    say(format!(
        "{published} events are on the queue again with trigger replay; {} payments skipped",
        plan.totals.skip
    ));
    Ok(())
}
