//! What a person decides about what is held.

use clap::{ArgGroup, Args, Subcommand};
use daybridge::{
    clock::{self, millis},
    config::Config,
    domain::{Ms, closed::HeldCause, id::ChannelId},
    ledger::{
        self, Act, Correction, Ledger,
        query::HeldQuery,
        view::{self, HeldKind, Several},
    },
    ops::held::{BULK_MAX, Choice, Desk, HeldDecision},
    queue::{self, Queue},
    worker::Interpreter,
};

use super::HeldList;
use crate::cli::{
    Failure, held, interpreter,
    output::{
        confirm::{self, Confirm, Go, Sure},
        text::say,
        typed::one_of,
    },
};

#[derive(Debug, Subcommand)]
pub enum Held {
    /// Everything that waits for a person, by cause
    List(HeldList),
    /// One, with its reason and the next step
    Show {
        /// Event id, payment key, transfer key, the channel as listed, or the account
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try again: a refused transfer, or a payment or event with today's settings
    Retry(Decide),
    /// Decide an open outcome, or what a restored ledger cannot know, after a look at Billing History
    #[command(alias = "settle")]
    Resolve(Resolve),
    /// Never extend; it cannot be taken back
    Cancel(Cancel),
    /// Say which channel, or how many days, a payment or transfer is for; it is tried again at once
    Set(Set),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["keys", "cause"])))]
pub struct Which {
    /// Transfer keys, payment keys, event ids, or channels as listed
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Everything that is held for this cause now; with keys, only where they are held for it
    #[arg(long, value_parser = one_of!(HeldCause))]
    cause: Option<HeldCause>,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Debug, Args)]
pub struct Decide {
    #[command(flatten)]
    which: Which,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    which: Which,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("outcome").required(true).args(["applied", "not_applied"])))]
pub struct Resolve {
    #[command(flatten)]
    which: Which,
    /// Its key stands in Billing History
    #[arg(long)]
    applied: bool,
    /// Its key does not stand in Billing History; the transfer is planned anew
    #[arg(long)]
    not_applied: bool,
    /// Applied: the days that Billing History shows, where they are others than those held; of one key
    #[arg(long, conflicts_with = "not_applied", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["channel", "days"])))]
pub struct Set {
    /// Payment key or transfer key
    key: String,
    /// Channel id
    #[arg(long)]
    channel: Option<String>,
    /// Days
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// Remember the channel: the next payments of this customer go there by themselves
    #[arg(long, requires = "channel")]
    remember: bool,
    /// Take a channel that the partner does not list
    #[arg(long, requires = "channel")]
    force: bool,
    /// Only where it is held for this cause
    #[arg(long, value_parser = one_of!(HeldCause))]
    cause: Option<HeldCause>,
    /// Why; kept with your name and the time
    #[arg(long)]
    reason: String,
}

/// `held …`
pub async fn run(config: Config, held: Held) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let ledger = ledger.as_ref();
    match held {
        Held::List(args) => held::list(ledger, args).await,
        Held::Show { key, json } => held::show(ledger, &key, json).await,
        Held::Retry(args) => {
            decide(&config, ledger, args.which, (HeldDecision::Retry, None), args.reason).await
        }
        Held::Cancel(args) => {
            decide(&config, ledger, args.which, (HeldDecision::Cancel, None), args.reason).await
        }
        Held::Resolve(args) => {
            let decision = if args.applied { HeldDecision::Applied } else { HeldDecision::NotApplied };
            decide(&config, ledger, args.which, (decision, args.days), args.reason).await
        }
        Held::Set(args) => set(&config, ledger, args).await,
    }
}

/// What is acted on: the keys as typed, or what is held for a cause at this moment and is shown before. `None`: it was
/// only to be shown.
async fn keys(
    ledger: &Ledger,
    which: Which,
    verb: &str,
    confirm: Confirm,
) -> Result<Option<Vec<String>>, Failure> {
    let now = clock::now_ms();
    let (keys, of, all) = match which.cause {
        Some(cause) if which.keys.is_empty() => {
            let wanted = HeldQuery { cause: Some(cause), key: None };
            let rows = ledger.held(&wanted, BULK_MAX, now).await?;
            let rows: Vec<view::Held> =
                rows.into_iter().filter(|held| held.kind != HeldKind::Account).collect();
            if rows.is_empty() {
                return Err(Failure::Failed(format!("nothing is held for {cause}; `daybridge held list`")));
            }
            let all = sum(&rows);
            let keys = rows.into_iter().map(|held| held.key).collect();
            (keys, format!(" held for {cause}"), all)
        }
        _ => {
            let all = named(ledger, &which.keys, now).await?;
            (which.keys, String::new(), all)
        }
    };
    let things = match keys.as_slice() {
        [one] => one.clone(),
        several => format!("{} held things", several.len()),
    };
    let what = format!("{verb} {things}{of}, {}", confirm::in_words(&all));
    let go = confirm::ask(&which.sure, confirm, keys.len(), &what)?;
    Ok((go == Go::On).then_some(keys))
}

/// Days and age of what is named; a transfer that is planned can be cancelled, too.
async fn named(ledger: &Ledger, keys: &[String], now: Ms) -> Result<Several, Failure> {
    let mut rows = Vec::new();
    let mut others = Several::default();
    for key in keys {
        let wanted = HeldQuery { cause: None, key: Some(key.clone()) };
        let held = ledger.held(&wanted, 1, now).await?;
        if !held.is_empty() {
            rows.extend(held);
        } else if let Some(whole) = ledger.payment(key).await? {
            let days = whole.transfers.iter().find(|t| t.key == *key).map(|t| t.days).or(whole.payment.days);
            others.days = others.days.saturating_add(days.unwrap_or(0).into());
            others.oldest_at = others.oldest_at.into_iter().chain([whole.payment.first_seen_at]).min();
        }
    }
    let held = sum(&rows);
    Ok(Several {
        count: u64::try_from(keys.len()).unwrap_or(u64::MAX),
        days: held.days.saturating_add(others.days),
        oldest_at: held.oldest_at.into_iter().chain(others.oldest_at).min(),
    })
}

fn sum(rows: &[view::Held]) -> Several {
    Several {
        count: u64::try_from(rows.len()).unwrap_or(u64::MAX),
        days: rows.iter().filter_map(|held| held.days).map(u64::from).sum(),
        oldest_at: rows.iter().map(|held| held.since).min(),
    }
}

async fn decide(
    config: &Config,
    ledger: &Ledger,
    which: Which,
    (decision, days): (HeldDecision, Option<u32>),
    reason: String,
) -> Result<(), Failure> {
    let (verb, confirm) = match decision {
        HeldDecision::Retry => ("retry", Confirm::Several),
        HeldDecision::Applied => ("settle as applied", Confirm::Several),
        HeldDecision::NotApplied => ("settle as not applied", Confirm::Several),
        HeldDecision::Cancel => ("cancel", Confirm::Always),
    };
    let choice = Choice { decision, cause: which.cause, days };
    if days.is_some() && which.keys.len() != 1 {
        return Err(Failure::Usage("--days is what Billing History shows for one key: name that one".into()));
    }
    let Some(keys) = keys(ledger, which, verb, confirm).await? else { return Ok(()) };
    let interpreter = interpreter(config, ledger).await?;
    let queue = queue::open(&config.queue).await?;
    let desk = desk(config, ledger, queue.as_ref(), &interpreter);
    let who = crate::cli::who();
    let act = Act { who: &who, reason: &reason };
    let mut refused = 0_usize;
    for key in &keys {
        match desk.decide(key, choice, act, clock::now_ms()).await {
            Ok(()) => say(format!(
                "{key}: decided and recorded as {who}'s; `daybridge payments show {key}` tells what follows"
            )),
            Err(error) if keys.len() == 1 => {
                queue.close().await;
                return Err(error.into());
            }
            Err(error) => {
                refused = refused.saturating_add(1);
                say(format!("{key}: not done: {error}"));
            }
        }
    }
    queue.close().await;
    if refused > 0 {
        return Err(Failure::Failed(format!("{refused} of {} were not done; see above", keys.len())));
    }
    Ok(())
}

pub(in crate::cli) fn desk<'a>(
    config: &Config,
    ledger: &'a Ledger,
    queue: &'a dyn Queue,
    interpreter: &'a Interpreter,
) -> Desk<'a> {
    Desk { ledger, queue, interpreter, settle_window_ms: millis(config.partner.settle_window) }
}

async fn set(config: &Config, ledger: &Ledger, args: Set) -> Result<(), Failure> {
    let channel = args
        .channel
        .map(|text| {
            ChannelId::parse(&text).ok_or_else(|| Failure::Usage(format!("{text:?} is not a channel id")))
        })
        .transpose()?;
    let interpreter = interpreter(config, ledger).await?;
    let queue = queue::open(&config.queue).await?;
    let desk = desk(config, ledger, queue.as_ref(), &interpreter);
    let who = crate::cli::who();
    let correction = Correction {
        cause: args.cause,
        channel,
        days: args.days,
        remember: args.remember,
        force: args.force,
        account: interpreter.account(),
        act: Act { who: &who, reason: &args.reason },
        comment: interpreter.comment(),
    };
    let done = desk.correct(&args.key, &correction, clock::now_ms()).await;
    queue.close().await;
    let others = done?;
    say(format!(
        "{0}: corrected and recorded as {who}'s; it is tried again: `daybridge payments show {0}`",
        args.key
    ));
    if args.remember {
        say(format!(
            "remembered; {others} more held payments of this customer are replayed, by their stored events through the queue: `daybridge held list`"
        ));
    }
    Ok(())
}
