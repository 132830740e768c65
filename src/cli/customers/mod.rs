//! `customers …`: which channel a customer, a subscription or an alias stands for.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use daybridge::{
    clock,
    config::Config,
    domain::{
        id::ChannelId,
        payment::directory::{Name, NameKind},
    },
    ledger::{
        self, Assignment, DirectoryGo, DirectoryOrder, DirectoryPlan, Ledger, Place,
        query::DirectoryQuery,
        view::{Action, DirectoryEntry},
    },
    queue,
};

use super::{
    Failure, ListArgs,
    held::decide,
    interpreter,
    output::{
        text::{listing, say, say_json, time},
        typed::one_of,
    },
};

/// `customers import|export`.
mod file;

/// `customers show`.
mod found;

#[derive(Debug, Subcommand)]
pub enum Customers {
    /// What is known, in the order in which it was said
    List(CustomerList),
    /// What is known of one customer, subscription or alias
    Show {
        /// Its id; the e-mail or phone that the provider told finds the customer
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say which channel one stands for, instead of what was said before; what is held for want of it is tried again
    Set(Set),
    /// Forget what one stands for
    Unset(Unset),
    /// Say it of many by a CSV file: prints a plan, and with --apply does exactly that
    Import(file::Import),
    /// Print it all as a CSV file that `import` reads
    Export,
}

#[derive(Debug, Args)]
pub struct CustomerList {
    /// Only for this channel
    #[arg(long)]
    channel: Option<String>,
    /// Only of this customer, subscription or alias; an e-mail or phone finds the customer
    #[arg(long)]
    id: Option<String>,
    /// Only this kind
    #[arg(long, value_parser = one_of!(NameKind))]
    kind: Option<NameKind>,
    #[command(flatten)]
    list: ListArgs,
}

/// Whose name it is.
#[derive(Debug, Args)]
pub struct Whose {
    /// What the id names
    #[arg(long, default_value = "customer", value_parser = one_of!(NameKind))]
    kind: NameKind,
    /// The source whose provider account it belongs to; may be left out where there is one
    #[arg(long)]
    source: Option<String>,
    /// The connected account that it belongs to
    #[arg(long, default_value = "")]
    account: String,
}

#[derive(Debug, Args)]
pub struct Set {
    /// Id of the customer, subscription or alias
    id: String,
    /// Channel id; several make a question of each payment that says no more
    #[arg(long, required = true)]
    channel: Vec<String>,
    #[command(flatten)]
    whose: Whose,
    /// Take a channel that the partner does not list
    #[arg(long)]
    force: bool,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Unset {
    /// Id of the customer, subscription or alias
    id: String,
    #[command(flatten)]
    whose: Whose,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Changes of a plan that a person is shown.
const SHOWN_MAX: usize = 100;

/// `customers …`
pub async fn run(config: Config, customers: Customers) -> Result<(), Failure> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    let ledger = ledger.as_ref();
    match customers {
        Customers::List(args) => {
            let ids = match &args.id {
                Some(typed) => found::ids(typed, &found::customers(ledger, typed).await?),
                None => Vec::new(),
            };
            let wanted =
                DirectoryQuery { channel: args.channel, kind: args.kind, ids, ..DirectoryQuery::default() };
            let rows = ledger.directory(&wanted, &args.list.page()).await?;
            let last = rows.last().map(|row| row.number.to_string());
            let count = rows.len();
            show(rows, args.list.json);
            if !args.list.json {
                super::more(count, &args.list, last.as_deref());
            }
            Ok(())
        }
        Customers::Show { id, json } => found::show(ledger, &id, json).await,
        Customers::Set(args) => {
            let channels = args.channel.iter().map(|text| channel(text)).collect::<Result<_, _>>()?;
            let one = Assignment { place: place(&config, args.whose, args.id)?, channels };
            let order = order(&config, vec![one], Action::CustomersSet, args.reason, args.force);
            change(&config, ledger, order, args.json).await
        }
        Customers::Unset(args) => {
            let one = Assignment { place: place(&config, args.whose, args.id)?, channels: BTreeSet::new() };
            let order = order(&config, vec![one], Action::CustomersUnset, args.reason, true);
            change(&config, ledger, order, args.json).await
        }
        Customers::Import(args) => file::import(&config, ledger, args).await,
        Customers::Export => file::export(&config, ledger).await,
    }
}

fn channel(text: &str) -> Result<ChannelId, Failure> {
    ChannelId::parse(text).ok_or_else(|| Failure::Usage(format!("{text:?} is not a channel id")))
}

/// The realm of a source; of the only one where none is named.
fn realm(config: &Config, source: Option<&str>) -> Result<String, String> {
    let realms: BTreeSet<&str> = config.sources.iter().map(|(name, source)| source.realm(name)).collect();
    match (source, realms.iter().next(), realms.len()) {
        (Some(name), ..) => match config.sources.get(name) {
            Some(source) => Ok(source.realm(name).to_owned()),
            None => Err(format!("there is no source {name:?} in the settings")),
        },
        (None, Some(only), 1) => Ok((*only).to_owned()),
        (None, ..) => Err("there are several provider accounts: say which with --source NAME".into()),
    }
}

fn place(config: &Config, whose: Whose, id: String) -> Result<Place, Failure> {
    let realm = realm(config, whose.source.as_deref()).map_err(Failure::Usage)?;
    Ok(Place { realm, account: whose.account, name: Name { kind: whose.kind, id } })
}

fn order(
    config: &Config,
    wanted: Vec<Assignment>,
    action: Action,
    reason: String,
    force: bool,
) -> DirectoryOrder {
    DirectoryOrder {
        wanted,
        partner: config.partner.account.clone(),
        force,
        go: DirectoryGo::Now,
        action,
        who: super::who(),
        reason,
    }
}

/// Does it, and lets go what waited for it.
async fn change(config: &Config, ledger: &Ledger, order: DirectoryOrder, json: bool) -> Result<(), Failure> {
    let names = order.wanted.iter().map(|one| one.place.clone()).collect();
    let interpreter = interpreter(config, ledger).await?;
    let queue = queue::open(&config.queue).await?;
    let done = async {
        let plan = ledger.change_directory(order, clock::now_ms()).await?;
        let desk = decide::desk(config, ledger, queue.as_ref(), &interpreter);
        let replayed = desk.learnt(&names, None, clock::now_ms()).await?;
        Ok::<_, Failure>((plan, replayed))
    };
    let done = done.await;
    queue.close().await;
    let (plan, replayed) = done?;
    if json {
        say_json(&serde_json::json!({ "plan": plan, "replayed": replayed }));
        return Ok(());
    }
    changes(&plan);
    say(format!(
        "done; {replayed} held payments are replayed, by their stored events through the queue: `daybridge held list`"
    ));
    Ok(())
}

fn changes(plan: &DirectoryPlan) {
    let joined = |channels: &BTreeSet<String>| {
        let all = channels.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        if all.is_empty() { "-".to_owned() } else { all }
    };
    listing(
        "nothing changes",
        &["KIND", "ID", "REALM", "ACCOUNT", "BEFORE", "AFTER"],
        plan.changes.iter().take(SHOWN_MAX).map(|change| {
            let (before, after) = (joined(&change.before), joined(&change.after));
            let [id, realm, account] = [&change.id, &change.realm, &change.account].map(Clone::clone);
            [change.kind.to_string(), id, realm, account, before, after]
        }),
    );
    if plan.changes.len() > SHOWN_MAX {
        say(format!("… and {} more", plan.changes.len().saturating_sub(SHOWN_MAX)));
    }
}

fn show(rows: Vec<DirectoryEntry>, json: bool) {
    if json {
        say_json(&rows);
        return;
    }
    listing(
        "nothing is known",
        &["KIND", "ID", "CHANNEL", "REALM", "ACCOUNT", "WHO", "WHEN", "WHY"],
        rows.into_iter().map(|row| {
            [
                row.kind.to_string(),
                row.id,
                row.channel,
                row.realm,
                row.account,
                row.who,
                time(row.at),
                row.reason,
            ]
        }),
    );
}
