//! `customers import|export`: many names at once, in a CSV file.

use std::{collections::BTreeMap, io::Read as _};

use clap::Args;
use daybridge::{
    clock,
    config::Config,
    domain::payment::directory::Name,
    ledger::{
        Assignment, DirectoryGo, DirectoryPlan, Ledger, Place,
        query::{DirectoryQuery, Page},
        view::{Action, DirectoryEntry},
    },
    ops::customers::{CustomerLine, FILE_BYTES_MAX, read},
};

use super::{change, changes, order, realm};
use crate::cli::{
    Failure,
    output::text::{say, say_json, write_out},
};

#[derive(Debug, Args)]
pub struct Import {
    /// CSV file with the columns id and channel, and where needed kind, source and account; - reads standard input
    file: String,
    /// The source of lines that name none; may be left out where there is one
    #[arg(long)]
    source: Option<String>,
    /// Do what the plan of this hash says
    #[arg(long, value_name = "HASH")]
    apply: Option<String>,
    /// Take channels that the partner does not list
    #[arg(long)]
    force: bool,
    /// Why; kept with your name and the time
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Rows that are exported in one go.
pub(super) const EXPORT_PAGE: u32 = 1_000;

pub(super) async fn import(config: &Config, ledger: &Ledger, args: Import) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Failed(format!("{}: {why}; nothing was changed", args.file));
    let mut bytes = Vec::new();
    let most = FILE_BYTES_MAX.saturating_add(1);
    let told = if args.file == "-" {
        std::io::stdin().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&args.file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    told.map_err(|error| wrong(error.to_string()))?;
    let lines = read(&bytes).map_err(wrong)?;
    let mut wanted = Vec::with_capacity(lines.len());
    for line in &lines {
        let source = line.source.as_deref().or(args.source.as_deref());
        let realm = realm(config, source).map_err(|why| wrong(format!("line {}: {why}", line.number)))?;
        let (account, name) = (line.account.clone(), line.name.clone());
        wanted.push(Assignment { place: Place { realm, account, name }, channels: line.channels.clone() });
    }
    let mut order = order(config, wanted, Action::CustomersImport, args.reason, args.force);
    order.go = DirectoryGo::Look;
    let plan = ledger.change_directory(order.clone(), clock::now_ms()).await?;
    if !args.force
        && let Some(why) = unlisted(&lines, &plan)
    {
        return Err(wrong(why));
    }
    match args.apply {
        Some(hash) => {
            order.go = DirectoryGo::AsPlanned(hash);
            change(config, ledger, order, args.json).await
        }
        None => {
            if args.json {
                say_json(&plan);
                return Ok(());
            }
            changes(&plan);
            say(format!("{} change, {} stay as they are", plan.changes.len(), plan.unchanged));
            if plan.synced_at.is_none() {
                say(
                    "the channels were not checked: `daybridge channels sync` reads the partner's list first",
                );
            }
            say(format!("nothing was changed yet; the same command with --apply {} does it", plan.hash));
            Ok(())
        }
    }
}

/// The first lines whose channels the partner does not list.
fn unlisted(lines: &[CustomerLine], plan: &DirectoryPlan) -> Option<String> {
    let named: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let channel = line.channels.iter().find(|channel| plan.unlisted.contains(channel.as_str()))?;
            Some(format!("line {}: the partner lists no channel {channel}", line.number))
        })
        .take(10)
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "{}; correct them, or read the list again with `daybridge channels sync`, or use --force",
            named.join("; ")
        )
    })
}

/// A line a name, in the order in which it was said.
pub(super) async fn export(config: &Config, ledger: &Ledger) -> Result<(), Failure> {
    let mut lines: Vec<(Place, Vec<String>)> = Vec::new();
    let mut at = BTreeMap::new();
    let mut page = Page::first(EXPORT_PAGE);
    loop {
        let rows = ledger.directory(&DirectoryQuery::default(), &page).await?;
        let Some(last) = rows.last() else { break };
        page.after = Some(last.number.to_string());
        for DirectoryEntry { realm, account, kind, id, channel, .. } in rows {
            let place = Place { realm, account, name: Name { kind, id } };
            let line = *at.entry(place.clone()).or_insert(lines.len());
            if line == lines.len() {
                lines.push((place, Vec::new()));
            }
            if let Some((_, channels)) = lines.get_mut(line) {
                channels.push(channel);
            }
        }
    }
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["source", "account", "kind", "id", "channel"])?;
    for (place, channels) in lines {
        let source = config.sources.iter().find(|(name, source)| source.realm(name) == place.realm);
        let source = source.map_or(place.realm.as_str(), |(name, _)| name.as_str());
        file.write_record([
            source,
            &place.account,
            place.name.kind.as_str(),
            &place.name.id,
            &channels.join(" "),
        ])?;
    }
    write_out(&file.into_inner()?)
}
