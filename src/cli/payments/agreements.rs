//! `agreements list`: subscriptions, where they stand, and the channels that they pay for.

use clap::{Args, Subcommand};
use daybridge::{
    config::Config,
    domain::payment::agreement::AgreementState,
    ledger::{self, query::AgreementQuery},
};

use crate::cli::{
    Failure, ListArgs,
    output::{
        text::{listing, or_dash, say_json, time},
        typed::one_of,
    },
};

#[derive(Debug, Subcommand)]
pub enum Agreements {
    /// The one whose state changed last first
    List(AgreementList),
}

#[derive(Debug, Args)]
pub struct AgreementList {
    /// Where they stand
    #[arg(long, value_parser = one_of!(AgreementState))]
    state: Option<AgreementState>,
    #[command(flatten)]
    list: ListArgs,
}

/// `agreements …`
pub async fn run(config: Config, agreements: Agreements) -> Result<(), Failure> {
    let Agreements::List(args) = agreements;
    let ledger = ledger::open_existing(&config.ledger).await?;
    let wanted = AgreementQuery { state: args.state, ..AgreementQuery::default() };
    let rows = ledger.agreements(&wanted, &args.list.page()).await?;
    if args.list.json {
        say_json(&rows);
        return Ok(());
    }
    let (count, last) = (rows.len(), rows.last().map(|row| row.key.clone()));
    listing(
        "no agreement fits",
        &["AGREEMENT", "STATE", "SINCE", "CUSTOMER", "LAST PAYMENT", "CHANNEL", "ACTIVETILL"],
        rows.into_iter().map(|a| {
            [
                a.key,
                a.state.to_string(),
                time(a.since),
                or_dash(a.customer),
                or_dash(a.payment),
                or_dash(a.channel),
                or_dash(a.active_till.map(time)),
            ]
        }),
    );
    crate::cli::more(count, &args.list, last.as_deref());
    Ok(())
}
