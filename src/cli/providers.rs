//! `providers list|show`: the providers that come with us, and the page of data that each of them is.

use clap::{Args, Subcommand};
use daybridge::{
    config::{Source, preset},
    provider::sample,
};
use serde::Serialize;

use super::{
    Failure,
    output::text::{say, say_json, table},
};

#[derive(Debug, Subcommand)]
pub enum Providers {
    /// Every word that `provider = "…"` of a source may be
    List(List),
    /// What one of them is: signature, events, objects; any key can be set in a source, over this one
    Show(Show),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// Word of the settings
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A provider in one row.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    title: String,
    /// What proves that an event is true.
    proof: &'static str,
    /// Words of `money_in`, the default first.
    money_in: Vec<String>,
    channel: Vec<String>,
    days: Vec<String>,
    /// Event types that `send` can make.
    samples: Vec<&'static str>,
}

/// `providers …`
pub fn run(providers: Providers) -> Result<(), Failure> {
    match providers {
        Providers::List(args) => list(&args),
        Providers::Show(args) => show(&args),
    }
}

fn list(args: &List) -> Result<(), Failure> {
    let rows: Vec<Row> = preset::PRESETS.iter().map(|(name, _)| row(name)).collect::<Result<_, _>>()?;
    if args.json {
        say_json(&rows);
        return Ok(());
    }
    table(
        &["PROVIDER", "", "PROOF", "MONEY_IN", "CHANNEL", "DAYS"],
        rows.into_iter().map(|row| {
            [
                row.name.to_owned(),
                row.title,
                row.proof.to_owned(),
                row.money_in.join(" "),
                first(&row.channel),
                if row.days.is_empty() { "per_day".to_owned() } else { first(&row.days) },
            ]
        }),
    );
    say(
        "\n`daybridge providers show PROVIDER` prints all of one; \"custom\" declares another in the settings",
    );
    Ok(())
}

fn first(pointers: &[String]) -> String {
    match pointers {
        [] => "-".to_owned(),
        [one] => one.clone(),
        [one, ..] => format!("{one} …"),
    }
}

fn row(name: &'static str) -> Result<Row, Failure> {
    let source = Source::of_preset(name).map_err(Failure::Failed)?;
    let mut money_in = vec![source.money_in.as_str().to_owned()];
    let others = source.events.families().filter(|family| *family != source.money_in.as_str());
    money_in.extend(others.map(str::to_owned));
    Ok(Row {
        name,
        proof: source.proof().as_str(),
        money_in,
        samples: sample::kinds(name).collect(),
        title: source.title,
        channel: source.channel,
        days: source.days.to_vec(),
    })
}

fn show(args: &Show) -> Result<(), Failure> {
    let Some(text) = preset::text(&args.name) else {
        return Err(Failure::Usage(preset::unknown(&args.name)));
    };
    if args.json {
        let page: toml::Table = text.parse()?;
        say_json(&page);
    } else {
        say(text.trim_end());
    }
    Ok(())
}
