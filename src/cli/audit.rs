//! `audit list`: who did what, when and why.

use clap::{Args, Subcommand};
use daybridge::{config::Config, ledger};

use super::{
    Failure, ListArgs,
    output::text::{listing, or_dash, say_json, time},
};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Newest first
    List(AuditList),
}

#[derive(Debug, Args)]
pub struct AuditList {
    /// Only acts on this: a key, a plan's hash, a scope
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// `audit …`
pub async fn run(config: Config, audit: Audit) -> Result<(), Failure> {
    let Audit::List(args) = audit;
    let ledger = ledger::open_existing(&config.ledger).await?;
    let rows = ledger.audit(args.key.as_deref(), &args.list.page()).await?;
    if args.list.json {
        say_json(&rows);
        return Ok(());
    }
    let last = rows.last().map(|row| row.number.to_string());
    let count = rows.len();
    listing(
        "nobody did anything that fits",
        &["AT", "WHO", "ACTION", "ON", "BEFORE", "AFTER", "WHY"],
        rows.into_iter().map(|a| {
            [time(a.at), a.who, a.action.to_string(), a.key, or_dash(a.before), or_dash(a.after), a.reason]
        }),
    );
    super::more(count, &args.list, last.as_deref());
    Ok(())
}
