//! What waits for a person, and what a person decides.

use clap::{ArgGroup, Args, Subcommand};
use daybridge::{
    config::Config,
    domain::settle::Order,
    ledger::{self, Decided},
    worker::{self, clock, millis},
};

use super::{
    Failure, ListArgs,
    text::{or_dash, say, say_json, table, time},
};

#[derive(Debug, Subcommand)]
pub enum Held {
    /// Everything that waits for a person
    List(ListArgs),
    /// One, with its reason and the next step
    Show {
        /// Event id, payment key, transfer key, or the account
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try a refused transfer again
    Retry(Decide),
    /// Decide an open outcome, or what a restored ledger cannot know, after a look at Billing History
    Settle(Settle),
    /// Never extend
    Cancel(Decide),
}

#[derive(Debug, Args)]
pub struct Decide {
    /// Transfer key, payment key or event id
    key: String,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("outcome").required(true).args(["applied", "not_applied"])))]
pub struct Settle {
    /// Transfer key, or payment key where the ledger was restored
    key: String,
    /// Its key stands in Billing History
    #[arg(long)]
    applied: bool,
    /// Its key does not stand in Billing History; the transfer is planned anew
    #[arg(long)]
    not_applied: bool,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
}

/// Most rows looked through by `held show`.
const SHOW_ROWS_MAX: u32 = 100_000;

/// `held …`
pub async fn run(config: Config, held: Held) -> Result<(), Failure> {
    let ledger = ledger::open(&config.ledger).await?;
    let (key, order, reason) = match held {
        Held::List(args) => {
            let rows = ledger.held(args.limit, clock::now_ms()).await?;
            if args.json {
                say_json(&rows);
                return Ok(());
            }
            let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
            let cut = ["account", "transfer", "payment", "event"]
                .into_iter()
                .any(|kind| rows.iter().filter(|h| h.kind == kind).count() == most);
            table(
                &["KIND", "KEY", "CAUSE", "SINCE", "CHANNEL", "DAYS", "WHY", "NEXT"],
                rows.into_iter().map(|h| {
                    [
                        h.kind.to_owned(),
                        h.key,
                        h.cause,
                        time(h.since),
                        or_dash(h.channel),
                        or_dash(h.days),
                        h.reason,
                        h.next,
                    ]
                }),
            );
            if cut {
                say(format!("\nonly the oldest {most} of a kind are shown; --limit shows more"));
            }
            return Ok(());
        }
        Held::Show { key, json } => {
            let rows = ledger.held(SHOW_ROWS_MAX, clock::now_ms()).await?;
            let rows: Vec<_> =
                rows.into_iter().filter(|h| h.key == key || h.payment.as_ref() == Some(&key)).collect();
            if rows.is_empty() {
                return Err(Failure::Failed(format!("{key} is not held; `daybridge payments show {key}`")));
            }
            if json {
                say_json(&rows);
                return Ok(());
            }
            for row in rows {
                say(format!("{}  {}", row.kind, row.key));
                say(format!("since     {}", time(row.since)));
                say(format!("why       {}", row.reason));
                if let Some(outcome) = row.outcome {
                    say(format!("outcome   {outcome}"));
                }
                say(format!("next      {}", row.next));
            }
            return Ok(());
        }
        Held::Retry(decide) => (decide.key, Order::Retry, decide.reason),
        Held::Cancel(decide) => (decide.key, Order::Cancel, decide.reason),
        Held::Settle(settle) => {
            let order = if settle.applied { Order::Applied } else { Order::NotApplied };
            (settle.key, order, settle.reason)
        }
    };
    let who = super::who();
    let decided = Decided {
        order,
        who: &who,
        reason: &reason,
        settle_window_ms: millis(config.partner.settle_window),
        account: &config.partner.account,
        comment: &worker::comment_template(&config)?,
    };
    ledger.decide(&key, &decided, clock::now_ms()).await?;
    say(format!(
        "{key}: decided and recorded as {who}'s; `daybridge payments show {key}` tells what follows"
    ));
    Ok(())
}
