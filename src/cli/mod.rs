//! Roles and commands from arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub mod check;
pub mod decide;
pub mod demo;
pub mod ledger;
pub mod reconcile;
pub mod replay;
pub mod roles;
pub mod send;
pub mod show;
pub mod sim;
pub mod text;

/// Turns signed payment webhooks into days on Whapi.Cloud channels, once per payment.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    /// Settings file [default: daybridge.toml]; any key can be set by a variable (DAYBRIDGE_QUEUE__URL)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job on this machine, with no server to install
    Demo(demo::Demo),
    /// Receiver, worker and console in one process
    Run,
    /// Receiver only: verifies and queues
    Serve,
    /// Worker only: records and extends
    Work,
    /// Validate the settings and reach every dependency
    Check,
    /// Sign and post a test event to a running receiver
    Send(send::Send),
    /// Payments: what happened to each
    #[command(subcommand)]
    Payments(Read),
    /// Transfers of days to channels
    #[command(subcommand)]
    Transfers(Read),
    /// Events as the provider sent them
    #[command(subcommand)]
    Events(Read),
    /// What waits for a person
    #[command(subcommand)]
    Held(decide::Held),
    /// The record itself
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Put stored events on the queue again, with a preview
    #[command(subcommand)]
    Replay(replay::Replay),
    /// Compare what was paid with what was extended: four answers, exit 1 when anything is open
    Reconcile(reconcile::Reconcile),
    /// The partner API simulator on its own
    Sim(sim::SimArgs),
}

impl Command {
    /// Roles tell what they do; commands answer on standard output.
    pub fn log_level(&self) -> tracing::Level {
        match self {
            Command::Run | Command::Serve | Command::Work => tracing::Level::INFO,
            _ => tracing::Level::WARN,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Read {
    /// Newest first
    List(ListArgs),
    /// One, with all that is known of it
    Show {
        /// Payment key, transfer key, provider id, event id or delivery id
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Most rows
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How a command ended badly.
#[derive(Debug)]
pub enum Failure {
    /// Exit 1; the text is for the operator.
    Failed(String),
    /// Exit 2: wrong usage or settings.
    Usage(String),
    /// Exit 1; the command has said why.
    Said,
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Failed(error.to_string())
    }
}

/// Who decides, for the record.
fn who() -> String {
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".into())
}

/// Runs a command.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let config = || {
        daybridge::config::load::load(cli.config.as_deref())
            .map_err(|wrong| Failure::Usage(wrong.to_string()))
    };
    match cli.command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Run => roles::run(config()?, roles::Role::Run).await,
        Command::Serve => roles::run(config()?, roles::Role::Serve).await,
        Command::Work => roles::run(config()?, roles::Role::Work).await,
        Command::Check => check::run(config()?).await,
        Command::Send(send) => send::run(config()?, send).await,
        Command::Payments(read) => show::payments(config()?, read).await,
        Command::Transfers(read) => show::transfers(config()?, read).await,
        Command::Events(read) => show::events(config()?, read).await,
        Command::Held(held) => decide::run(config()?, held).await,
        Command::Ledger(ledger) => ledger::run(config()?, ledger).await,
        Command::Replay(replay) => replay::run(config()?, replay).await,
        Command::Reconcile(reconcile) => reconcile::run(config()?, reconcile).await,
        Command::Sim(sim) => sim::run(sim).await,
    }
}
