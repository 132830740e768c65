//! Payments: what happened to this one, in one look.

pub mod agreements;
pub mod allocation;
pub mod grant;
pub mod show;

use clap::{Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::{closed::PaymentState, money},
    ledger::{self, query::PaymentQuery, view},
};

use self::{
    allocation::Do,
    show::{event_table, missing, movements, transfer},
};
use super::{
    Failure, ListArgs, ShowArgs, more,
    output::{
        text::{listing, next, or_dash, parse_time, say, say_json, table, time},
        typed::{self, one_of},
    },
};

#[derive(Debug, Subcommand)]
pub enum Payments {
    /// Newest first
    List(PaymentList),
    /// One, with all that is known of it
    Show(ShowArgs),
    /// Let no more days of one move; later payments of its channel go on
    Stop(allocation::Why),
    /// Let one go on that was stopped, or whose agreement ended
    Go(allocation::Why),
    /// Give what is left of one to another channel
    Move(allocation::Move),
    /// Send one slice of one now
    Slice(allocation::Slice),
}

#[derive(Debug, Args)]
pub struct PaymentList {
    /// A payment or transfer key, a provider id, a channel, a customer, an agreement, or an amount in the smallest unit
    search: Option<String>,
    /// Where they stand
    #[arg(long, value_parser = one_of!(PaymentState))]
    state: Option<PaymentState>,
    /// Source name
    #[arg(long)]
    source: Option<String>,
    /// Channel
    #[arg(long)]
    channel: Option<String>,
    /// The provider's id of the customer
    #[arg(long)]
    customer: Option<String>,
    /// The provider's id of the agreement (subscription)
    #[arg(long)]
    agreement: Option<String>,
    /// Amount in the smallest unit
    #[arg(long)]
    amount: Option<i64>,
    /// First seen at or after: a time, or a span before now (1h)
    #[arg(long)]
    since: Option<String>,
    /// First seen before
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// `payments …`
pub async fn payments(config: Config, payments: Payments) -> Result<(), Failure> {
    match payments {
        Payments::List(args) => list(&config, args).await,
        Payments::Show(args) => show(&config, &args).await,
        Payments::Stop(why) => allocation::payment(&config, Do::Stop(why)).await,
        Payments::Go(why) => allocation::payment(&config, Do::Go(why)).await,
        Payments::Move(args) => allocation::payment(&config, Do::Move(args)).await,
        Payments::Slice(args) => allocation::payment(&config, Do::Slice(args)).await,
    }
}

async fn list(config: &Config, args: PaymentList) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let list = args.list;
    let now = clock::now_ms();
    let at = |text: Option<String>| text.map(|t| parse_time(&t, now)).transpose().map_err(Failure::Usage);
    let wanted = PaymentQuery {
        text: args.search,
        state: args.state,
        source: args.source,
        channel: args.channel,
        customer: args.customer,
        agreement: args.agreement,
        amount: args.amount,
        since: at(args.since)?,
        until: at(args.until)?,
        ..PaymentQuery::default()
    };
    let rows = ledger.payments(&wanted, &list.page()).await?;
    if rows.is_empty() {
        typed::source(config, ledger.as_ref(), wanted.source.as_ref()).await?;
        typed::channel(ledger.as_ref(), wanted.channel.as_ref()).await?;
    }
    if list.json {
        say_json(&rows);
        return Ok(());
    }
    let (count, last) = (rows.len(), rows.last().map(|row| row.key.clone()));
    payment_table(rows);
    more(count, &list, last.as_deref());
    Ok(())
}

fn payment_table(rows: Vec<view::Payment>) {
    listing(
        "no payment fits",
        &["PAYMENT", "STATE", "CHANNEL", "DAYS", "FIRST SEEN", "NEXT"],
        rows.into_iter().map(|p| {
            [
                p.key,
                p.state.to_string(),
                or_dash(p.channel),
                or_dash(p.days),
                time(p.first_seen_at),
                next(p.reason.or(p.next).as_deref(), p.next_at),
            ]
        }),
    );
}

async fn show(config: &Config, args: &ShowArgs) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let whole = ledger.payment(&args.key).await?.ok_or_else(|| missing("payment", &args.key))?;
    if args.json {
        say_json(&whole);
    } else {
        payment(&whole);
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
    say(format!("days      {} ({} moved, {} owed)", or_dash(payment.days), payment.moved, payment.owed));
    let money = payment.amount.zip(payment.currency.as_ref());
    say(format!("amount    {}", or_dash(money.map(|(amount, currency)| money::shown(amount, currency)))));
    if let Some(out) = &whole.money_out {
        money_out(out);
    }
    say(format!("customer  {}", or_dash(payment.customer.as_ref())));
    if let Some(agreement) = &payment.agreement {
        let state = whole.agreement_state.zip(whole.agreement_since);
        let state = state.map_or(String::new(), |(state, since)| format!(", {state} since {}", time(since)));
        say(format!("agreement {agreement}{state}"));
    }
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
    adjustments(&whole.adjustments, payment.currency.as_deref());
    for one in &whole.transfers {
        say("");
        transfer(one);
    }
    movements(&whole.movements);
}

fn money_out(out: &view::ReversalReport) {
    say(format!("money out {}", out.words));
    let waits = if out.waits.is_some() { ", for a person to decide" } else { "" };
    say(format!(
        "          {} days due, {} taken off, {} spent already that are not covered, {} owed{waits}",
        or_dash(out.days_due),
        out.days_reduced,
        out.days_spent,
        out.days_owed
    ));
}

fn adjustments(adjustments: &[view::Adjustment], currency: Option<&str>) {
    if adjustments.is_empty() {
        return;
    }
    say("\nadjustments");
    table(
        &["AT", "KIND", "AMOUNT", "DAYS", "EVENT", "WHAT"],
        adjustments.iter().map(|a| {
            [
                time(a.at),
                a.kind.to_string(),
                currency.map_or_else(|| a.amount.to_string(), |currency| money::shown(a.amount, currency)),
                or_dash(a.days),
                a.event.clone(),
                a.note.clone(),
            ]
        }),
    );
}
