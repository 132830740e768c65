//! Roles and commands from arguments.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use daybridge::{
    clock,
    config::Config,
    ledger::{Ledger, query::Page},
    provider::Readers,
    worker::Interpreter,
};

pub mod audit;
pub mod brake;
pub mod channels;
pub mod check;
pub mod console;
pub mod customers;
pub mod demo;
pub mod held;
pub mod ledger;
pub mod output;
pub mod payments;
pub mod providers;
pub mod reconcile;
pub mod replay;
pub mod roles;
pub mod send;
pub mod sim;

use output::typed::rows;

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
    Check(check::Check),
    /// Sign and post a test event to a running receiver
    Send(send::Send),
    /// Payments: what happened to each
    #[command(subcommand)]
    Payments(payments::Payments),
    /// Transfers of days to channels
    #[command(subcommand)]
    Transfers(payments::show::Transfers),
    /// Events as the provider sent them
    #[command(subcommand)]
    Events(payments::show::Events),
    /// Channels: what each has, what is owed on it, and who pays for it
    #[command(subcommand)]
    Channels(channels::Channels),
    /// Days for a channel without a payment: a trial, goodwill, money that came in another way
    Grant(payments::grant::GrantArgs),
    /// Days that were granted by hand in a month, by reason
    Grants(payments::grant::Grants),
    /// The partner account's balance of days, and how long it lasts
    #[command(subcommand)]
    Balance(payments::allocation::Balance),
    /// Agreements (subscriptions): active, behind or ended
    #[command(subcommand)]
    Agreements(payments::agreements::Agreements),
    /// Which channel each customer, subscription or alias stands for
    #[command(subcommand)]
    Customers(customers::Customers),
    /// What waits for a person
    #[command(subcommand)]
    Held(held::decide::Held),
    /// Make no new extend call; what is doubtful is still read
    Pause(channels::pause::Where),
    /// Make calls again, also after the brake
    Resume(channels::pause::Where),
    /// Where no new extend call is made now
    Pauses(channels::pause::List),
    /// The words that these three had before
    #[command(subcommand, hide = true)]
    Settle(channels::pause::Settle),
    /// Who did what, when and why
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Passwords of the web console
    #[command(subcommand)]
    Console(console::Console),
    /// Payment providers that are known
    #[command(subcommand)]
    Providers(providers::Providers),
    /// The record itself
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Put stored events on the queue again, with a preview
    #[command(subcommand)]
    Replay(replay::Replay),
    /// Compare what was paid with what was extended: six answers, exit 1 when anything is open
    Reconcile(reconcile::Reconcile),
    /// The partner API simulator on its own
    Sim(sim::SimArgs),
    /// Print completions for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Print the manual as a man page, or write a page a command
    Man {
        /// Folder to write them into
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

impl Command {
    /// Roles tell what they do; commands answer on standard output.
    pub fn log_level(&self) -> tracing::Level {
        match self {
            Command::Run | Command::Serve | Command::Work => tracing::Level::INFO,
            // It tells a story, and part of that is what would be a warning elsewhere.
            Command::Demo(_) => tracing::Level::ERROR,
            _ => tracing::Level::WARN,
        }
    }
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Payment key, transfer key, provider id, event id or delivery id
    pub key: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Most rows
    #[arg(long, default_value_t = 100, value_parser = rows!())]
    pub limit: u32,
    /// Go on after this row of the page before
    #[arg(long, value_name = "KEY")]
    pub after: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl ListArgs {
    fn page(&self) -> Page {
        Page { after: self.after.clone(), limit: self.limit }
    }
}

/// Says how to go on where a list was cut.
fn more(shown: usize, args: &ListArgs, last: Option<&str>) {
    if let Some(last) = last
        && u32::try_from(shown).is_ok_and(|shown| shown == args.limit)
    {
        output::text::say(format!("\nthere may be more: --after '{last}'"));
    }
}

/// What bodies mean by the settings of today.
async fn interpreter(config: &Config, ledger: &Ledger) -> Result<Interpreter, Failure> {
    let readers = Readers::new(config).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Interpreter::looking(config, ledger, Arc::new(readers), clock::now_ms()).await?)
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

/// Who decides, for the record: the operating system's user, and who became it by sudo.
fn who() -> String {
    let uid = uzers::get_current_uid();
    let name = uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| format!("uid {uid}"));
    match std::env::var("SUDO_USER") {
        Ok(before) if uid == 0 && !before.is_empty() => format!("{name} (sudo by {before})"),
        _ => name,
    }
}

fn man(out: Option<PathBuf>) -> Result<(), Failure> {
    match out {
        Some(folder) => Ok(clap_mangen::generate_to(Cli::command(), folder)?),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            output::text::write_out(&page)
        }
    }
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
        Command::Check(check) => check::run(config(), check).await,
        Command::Send(send) => send::run(config()?, send).await,
        Command::Payments(read) => payments::payments(config()?, read).await,
        Command::Transfers(read) => payments::show::transfers(config()?, read).await,
        Command::Events(read) => payments::show::events(config()?, read).await,
        Command::Channels(channels) => channels::run(config()?, channels).await,
        Command::Grant(args) => payments::grant::grant(&config()?, args).await,
        Command::Grants(args) => payments::grant::grants(&config()?, args).await,
        Command::Balance(balance) => payments::allocation::balance(&config()?, balance).await,
        Command::Agreements(agreements) => payments::agreements::run(config()?, agreements).await,
        Command::Customers(customers) => customers::run(config()?, customers).await,
        Command::Pause(args) => channels::pause::pause(config()?, args).await,
        Command::Resume(args) => channels::pause::resume(config()?, args).await,
        Command::Pauses(args) => channels::pause::list(config()?, args).await,
        Command::Settle(settle) => channels::pause::run(config()?, settle).await,
        Command::Audit(audit) => audit::run(config()?, audit).await,
        Command::Held(held) => held::decide::run(config()?, held).await,
        Command::Console(console) => console::run(console),
        Command::Providers(providers) => providers::run(providers),
        Command::Ledger(ledger) => ledger::run(config()?, ledger).await,
        Command::Replay(replay) => replay::run(config()?, replay).await,
        Command::Reconcile(reconcile) => reconcile::run(config()?, reconcile).await,
        Command::Sim(sim) => sim::run(sim).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "daybridge", &mut script);
            output::text::write_out(&script)
        }
        Command::Man { out } => man(out),
    }
}
