//! Payments, transfers and events: what happened to this payment, in one look.

use daybridge::{
    config::Config,
    ledger::{self, view},
};

use super::{
    Failure, Read,
    text::{next, or_dash, say, say_json, table, time},
};

fn missing(what: &str, key: &str) -> Failure {
    Failure::Failed(format!("no {what} {key}"))
}

/// `payments list|show`
pub async fn payments(config: Config, read: Read) -> Result<(), Failure> {
    let ledger = ledger::open(&config.ledger).await?;
    match read {
        Read::List(args) => {
            let rows = ledger.payments(args.limit).await?;
            if args.json {
                say_json(&rows);
            } else {
                table(
                    &["PAYMENT", "STATE", "CHANNEL", "DAYS", "FIRST SEEN", "NEXT"],
                    rows.into_iter().map(|p| {
                        [
                            p.key,
                            p.state,
                            or_dash(p.channel),
                            or_dash(p.days),
                            time(p.first_seen_at),
                            next(p.reason.or(p.next).as_deref(), p.next_at),
                        ]
                    }),
                );
            }
        }
        Read::Show { key, json } => {
            let whole = ledger.payment(&key).await?.ok_or_else(|| missing("payment", &key))?;
            if json {
                say_json(&whole);
            } else {
                payment(&whole);
            }
        }
    }
    Ok(())
}

fn payment(whole: &view::PaymentWhole) {
    let payment = &whole.payment;
    say(format!("payment   {}", payment.key));
    say(format!("state     {}", payment.state));
    if let Some(reason) = &payment.reason {
        say(format!("reason    {reason}"));
    }
    say(format!("next      {}", next(payment.next.as_deref(), payment.next_at)));
    say(format!("channel   {}", or_dash(payment.channel.as_ref())));
    say(format!("days      {}", or_dash(payment.days)));
    let money = payment.amount.zip(payment.currency.as_ref());
    say(format!(
        "amount    {}",
        or_dash(money.map(|(amount, currency)| format!("{amount} {currency} (smallest unit)")))
    ));
    say(format!(
        "source    {} (realm {}, {}{})",
        payment.source,
        whole.realm,
        if whole.livemode { "live" } else { "test" },
        whole.account.as_ref().map_or(String::new(), |account| format!(", account {account}")),
    ));
    say(format!("ids       {}", whole.ids.join(", ")));
    say("\nevents");
    event_table(&whole.events);
    for one in &whole.transfers {
        say("");
        transfer(one);
    }
    movements(&whole.movements);
}

fn movements(movements: &[view::Movement]) {
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

fn event_table(events: &[view::Event]) {
    table(
        &["RECEIVED", "EVENT", "TYPE", "TRIGGER", "OUTCOME", "PAYMENT", "REASON"],
        events.iter().map(|e| {
            [
                time(e.received_at),
                e.event.clone(),
                e.event_type.clone(),
                e.trigger.clone(),
                e.outcome.clone(),
                or_dash(e.payment.as_ref()),
                e.reason.clone().unwrap_or_default(),
            ]
        }),
    );
}

fn transfer(transfer: &view::Transfer) {
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
                [time(s.at), s.state.clone(), s.attempt.to_string(), format!("{}{who}", s.note)]
            }),
        );
    }
}

/// `transfers list|show`
pub async fn transfers(config: Config, read: Read) -> Result<(), Failure> {
    let ledger = ledger::open(&config.ledger).await?;
    match read {
        Read::List(args) => {
            let rows = ledger.transfers(args.limit).await?;
            if args.json {
                say_json(&rows);
                return Ok(());
            }
            table(
                &["TRANSFER", "STATE", "CHANNEL", "DAYS", "ATTEMPTS", "BEFORE", "AFTER", "NEXT"],
                rows.into_iter().map(|t| {
                    [
                        t.key,
                        t.state,
                        t.channel,
                        t.days.to_string(),
                        t.attempt.to_string(),
                        or_dash(t.before.map(time)),
                        or_dash(t.after.map(time)),
                        next(t.reason.or(t.next).as_deref(), t.next_at),
                    ]
                }),
            );
            movements(&ledger.movements(args.limit).await?);
        }
        Read::Show { key, json } => {
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
pub async fn events(config: Config, read: Read) -> Result<(), Failure> {
    let ledger = ledger::open(&config.ledger).await?;
    match read {
        Read::List(args) => {
            let rows = ledger.events(args.limit).await?;
            if args.json {
                say_json(&rows);
            } else {
                event_table(&rows);
            }
        }
        Read::Show { key, json } => {
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
                say(first.body.as_deref().unwrap_or("(not UTF-8)"));
            }
        }
    }
    Ok(())
}
