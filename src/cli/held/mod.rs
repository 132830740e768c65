//! What waits for a person, listed and shown.

pub mod decide;

use clap::Args;
use daybridge::{
    clock,
    domain::closed::HeldCause,
    ledger::{Ledger, query::HeldQuery, view::HeldKind},
};

use super::{
    Failure,
    output::{
        text::{or_dash, say, say_json, table, time},
        typed::{one_of, rows},
    },
};

#[derive(Debug, Args)]
pub struct HeldList {
    /// Only this cause
    #[arg(long, value_parser = one_of!(HeldCause))]
    cause: Option<HeldCause>,
    /// Most rows of a kind
    #[arg(long, default_value_t = 100, value_parser = rows!())]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `held list`
pub(super) async fn list(ledger: &Ledger, args: HeldList) -> Result<(), Failure> {
    let now = clock::now_ms();
    let wanted = HeldQuery { cause: args.cause, key: None };
    let rows = ledger.held(&wanted, args.limit, now).await?;
    if args.json {
        say_json(&rows);
        return Ok(());
    }
    if rows.is_empty() {
        say("nothing waits for a person");
        return Ok(());
    }
    let mut groups = ledger.held_groups(now).await?;
    groups.retain(|group| wanted.cause.is_none_or(|cause| cause == group.cause));
    // An account that is held is in no group.
    if !groups.is_empty() {
        table(
            &["CAUSE", "KIND", "COUNT", "DAYS", "OLDEST"],
            groups.into_iter().map(|g| {
                [
                    g.cause.to_string(),
                    g.kind.to_string(),
                    g.count.to_string(),
                    g.days.to_string(),
                    time(g.oldest),
                ]
            }),
        );
        say("");
    }
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let full = |kind: &HeldKind| rows.iter().filter(|h| h.kind == *kind).count() == most;
    let cut = HeldKind::ALL.iter().any(|kind| *kind != HeldKind::Ledger && full(kind));
    table(
        &["KIND", "KEY", "CAUSE", "SINCE", "CUSTOMER", "AMOUNT", "LAST", "CHANNEL", "DAYS", "WHY", "NEXT"],
        rows.into_iter().map(|h| {
            [
                h.kind.to_string(),
                h.key,
                h.cause.to_string(),
                time(h.since),
                or_dash(h.payer.customer),
                or_dash(h.payer.amount),
                or_dash(h.payer.last_channel),
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
    Ok(())
}

/// `held show`
pub(super) async fn show(ledger: &Ledger, key: &str, json: bool) -> Result<(), Failure> {
    let now = clock::now_ms();
    let wanted = |key: &str| HeldQuery { cause: None, key: Some(key.to_owned()) };
    let mut rows = ledger.held(&wanted(key), 1, now).await?;
    // A payment's key also finds what is held of it.
    let payment = ledger.payment(key).await?;
    for transfer in payment.into_iter().flat_map(|p| p.transfers).filter(|t| t.key != key) {
        rows.extend(ledger.held(&wanted(&transfer.key), 1, now).await?);
    }
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
        if let Some(customer) = row.payer.customer {
            say(format!("customer  {customer}"));
        }
        if let Some(amount) = row.payer.amount {
            say(format!("amount    {amount} {}", row.payer.currency.unwrap_or_default()));
        }
        if let Some(last) = row.payer.last_channel {
            say(format!("last      paid for {last} last"));
        }
        if let Some(outcome) = row.outcome {
            say(format!("outcome   {outcome}"));
        }
        say(format!("next      {}", row.next));
    }
    Ok(())
}
