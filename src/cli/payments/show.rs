//! Transfers and events: what was done, and what the providers sent.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    domain::closed::TransferState,
    envelope::Trigger,
    ledger::{
        self, DeliveryOutcome, Ledger, Selection,
        query::{EventQuery, TransferQuery},
        view,
    },
};

use crate::cli::{
    Failure, ListArgs, ShowArgs, more,
    output::{
        text::{listing, next, or_dash, say, say_json, say_lines, table, time, write_out},
        typed::{self, one_of},
    },
};

#[derive(Debug, Subcommand)]
pub enum Transfers {
    /// Newest first
    List(TransferList),
    /// One, with its steps
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub struct TransferList {
    /// Where they stand
    #[arg(long, value_parser = one_of!(TransferState))]
    state: Option<TransferState>,
    /// Channel
    #[arg(long)]
    channel: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Newest first, a row for each delivery
    List(EventList),
    /// One, with its body
    Show {
        #[command(flatten)]
        which: ShowArgs,
        /// Print nothing but the body, byte for byte; what is printed else has control characters written out
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
}

#[derive(Debug, Args)]
pub struct EventList {
    /// Source name
    #[arg(long)]
    source: Option<String>,
    /// The provider's event type
    #[arg(long = "type")]
    kind: Option<String>,
    /// How they ended; granted is credited, or on its way
    #[arg(long, value_parser = one_of!(DeliveryOutcome))]
    outcome: Option<DeliveryOutcome>,
    /// How they came
    #[arg(long, value_parser = one_of!(Trigger))]
    trigger: Option<Trigger>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn missing(what: &str, key: &str) -> Failure {
    Failure::Failed(format!("no {what} {key}"))
}

pub(super) fn movements(movements: &[view::MovementRow]) {
    for movement in movements {
        say(format!(
            "\nunexplained movement of {} read at {}: activeTill {} -> {}",
            movement.channel,
            time(movement.at),
            movement.from,
            movement.to
        ));
    }
}

pub(super) fn event_table(events: &[view::Event]) {
    listing(
        "no event fits",
        &["RECEIVED", "EVENT", "TYPE", "TRIGGER", "OUTCOME", "PAYMENT", "REASON"],
        events.iter().map(|e| {
            [
                time(e.received_at),
                e.event.clone(),
                e.event_type.clone(),
                e.trigger.to_string(),
                e.outcome.to_string(),
                or_dash(e.payment.as_ref()),
                e.reason.clone().unwrap_or_default(),
            ]
        }),
    );
}

pub(super) fn transfer(transfer: &view::TransferRow) {
    say(format!("transfer  {}", transfer.key));
    let outcome = transfer.outcome.as_ref().map_or(String::new(), |o| format!(", outcome {o}"));
    let how = transfer.how.as_ref().map_or(String::new(), |how| format!(", {how}"));
    say(format!("state     {}{outcome}{how}", transfer.state));
    if let Some(reason) = &transfer.reason {
        say(format!("reason    {reason}"));
    }
    say(format!("next      {}", next(transfer.next.as_deref(), transfer.next_at)));
    say(format!("channel   {} (account {}), {} days", transfer.channel, transfer.account, transfer.days));
    say(format!("attempts  {}", transfer.attempt));
    say(format!(
        "activeTill before {} after {}",
        or_dash(transfer.before.map(|ms| format!("{ms} = {}", time(ms)))),
        or_dash(transfer.after.map(|ms| format!("{ms} = {}", time(ms)))),
    ));
    say(format!("comment   {}", transfer.comment));
    if !transfer.steps.is_empty() {
        table(
            &["AT", "STATE", "ATTEMPT", "WHAT"],
            transfer.steps.iter().map(|s| {
                let who = s.who.as_ref().map_or(String::new(), |who| format!(" ({who})"));
                [time(s.at), s.state.to_string(), s.attempt.to_string(), format!("{}{who}", s.note)]
            }),
        );
    }
}

/// `transfers list|show`
pub async fn transfers(config: Config, transfers: Transfers) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    match transfers {
        Transfers::List(args) => {
            let wanted = TransferQuery { state: args.state, channel: args.channel };
            let rows = ledger.transfers(&wanted, &args.list.page()).await?;
            if rows.is_empty() {
                typed::channel(ledger.as_ref(), wanted.channel.as_ref()).await?;
            }
            if args.list.json {
                say_json(&rows);
                return Ok(());
            }
            let (count, last) = (rows.len(), rows.last().map(|row| row.key.clone()));
            listing(
                "no transfer fits",
                &["TRANSFER", "STATE", "CHANNEL", "DAYS", "ATTEMPTS", "BEFORE", "AFTER", "NEXT"],
                rows.into_iter().map(|t| {
                    [
                        t.key,
                        t.state.to_string(),
                        t.channel,
                        t.days.to_string(),
                        t.attempt.to_string(),
                        or_dash(t.before.map(time)),
                        or_dash(t.after.map(time)),
                        next(t.reason.or(t.next).as_deref(), t.next_at),
                    ]
                }),
            );
            more(count, &args.list, last.as_deref());
            movements(&ledger.movements(args.list.limit).await?);
        }
        Transfers::Show(ShowArgs { key, json }) => {
            let whole = ledger.payment(&key).await?.ok_or_else(|| missing("transfer", &key))?;
            let one = whole.transfers.iter().find(|t| t.key == key).or(whole.transfers.first());
            let one = one.ok_or_else(|| missing("transfer", &key))?;
            if json {
                say_json(one);
            } else {
                transfer(one);
                movements(&whole.movements);
            }
        }
    }
    Ok(())
}

/// `events list|show`
pub async fn events(config: Config, events: Events) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    match events {
        Events::List(args) => {
            let wanted = EventQuery {
                source: args.source,
                event_type: args.kind,
                outcome: args.outcome,
                trigger: args.trigger,
            };
            let rows = ledger.events(&wanted, &args.list.page()).await?;
            if rows.is_empty() {
                typed::source(&config, ledger.as_ref(), wanted.source.as_ref()).await?;
            }
            if args.list.json {
                say_json(&rows);
            } else {
                event_table(&rows);
                more(rows.len(), &args.list, rows.last().map(|row| row.delivery.as_str()));
            }
        }
        Events::Show { which: ShowArgs { key, .. }, raw: true } => {
            let body =
                raw_body(ledger.as_ref(), &key).await?.ok_or_else(|| missing("body of event", &key))?;
            write_out(&body)?;
        }
        Events::Show { which: ShowArgs { key, json }, raw: false } => {
            let deliveries = ledger.event(&key).await?;
            if deliveries.is_empty() {
                return Err(missing("event", &key));
            }
            if json {
                say_json(&deliveries);
                return Ok(());
            }
            event_table(&deliveries.iter().map(|d| d.event.clone()).collect::<Vec<_>>());
            if let Some(first) = deliveries.first() {
                say(format!("\nbody      {} bytes, SHA-256 {}", first.bytes, first.digest));
                say_lines(first.body.as_deref().unwrap_or("(not UTF-8)"));
            }
        }
    }
    Ok(())
}

/// The body as it was received; `None`: there is no such event, or its body was dropped.
async fn raw_body(ledger: &Ledger, key: &str) -> Result<Option<Vec<u8>>, Failure> {
    let deliveries = ledger.event(key).await?;
    let Some(view::EventWhole { event, .. }) = deliveries.first() else { return Ok(None) };
    let name = format!("{}/{}", event.source, event.event);
    let selection = Selection { event: Some(name), ..Selection::default() };
    let found = ledger.select(&selection, None, 1).await?;
    let numbers: Vec<i64> = found.iter().map(|event| event.number).collect();
    let stored = ledger.envelopes(&numbers).await?;
    Ok(stored.into_iter().next().map(|envelope| envelope.body.to_vec()))
}
