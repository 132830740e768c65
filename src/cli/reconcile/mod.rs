//! `reconcile`: the three lists are opened here, in the order that keeps them honest: the channels are read before
//! the ledger, so that whatever moved them is in the ledger by then.

use std::{collections::BTreeMap, fs::File, io::Read as _};

use clap::Args;
use daybridge::{
    clock,
    config::{Config, Source},
    domain::{Ms, id::CommentTemplate, reply::ReadError},
    ledger,
    ops::{
        known as named,
        reconcile::{
            CHANNELS_MAX, EDGE_MS, Pages, Range,
            export::{Export, Reads},
            history::{BillingHistory, HISTORY_BYTES_MAX},
            listing::PaymentListing,
            moved::{KnownTills, known},
            run::{Question, run as compare},
        },
    },
    partner,
    provider::history,
};

use super::{Failure, output::text::parse_time};
use tell::Teller;

mod tell;

/// Channels of one page of the partner's list.
const LIST_COUNT: u32 = 200;

#[derive(Debug, Args)]
pub struct Reconcile {
    /// Name of a source
    #[arg(long)]
    source: String,
    /// Paid at or after: a time, or a span before now (30days)
    #[arg(long)]
    since: String,
    /// Paid before [default: now]
    #[arg(long)]
    until: Option<String>,
    /// The provider's payments as a CSV file exported from its dashboard; begin it an hour before --since
    #[arg(long, value_name = "CSV")]
    file: Option<String>,
    /// The partner's Billing History from --since to --until or to when it was saved, as text, CSV or HTML; - for
    /// standard input
    #[arg(long, value_name = "FILE", num_args = 1..)]
    history: Vec<String>,
    /// Do not read the channels as they are now; they are not read either where --until lies in the past
    #[arg(long)]
    no_channels: bool,
    /// Print every row and the sums as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print every row as CSV
    #[arg(long)]
    csv: bool,
}

/// `reconcile …`
pub async fn run(config: Config, args: Reconcile) -> Result<(), Failure> {
    let now = clock::now_ms();
    let time = |text: &str| parse_time(text, now).map_err(Failure::Usage);
    let range = Range {
        since: time(&args.since)?,
        until: args.until.as_deref().map(time).transpose()?.unwrap_or(now),
    };
    if range.since >= range.until {
        return Err(Failure::Usage("--since must lie before --until".into()));
    }
    let source = config.sources.get(&args.source).ok_or_else(|| {
        let there = named::listed(&args.source, config.sources.keys().map(String::as_str));
        Failure::Usage(format!("no source {:?} in the settings; {there}", args.source))
    })?;
    let (mut pages, record_at) = pages(&args, source, range, now)?;
    let (history, history_at) = read_history(&args.history, now)?;

    let readings =
        if args.no_channels || range.until < now { BTreeMap::new() } else { channels(&config).await? };
    let ledger = ledger::open_existing(&config.ledger).await?;
    let account = &config.partner.account;
    let known = known(ledger.as_ref(), account).await?;
    let realm = source.realm(&args.source);
    let comment = CommentTemplate::parse(&config.partner.comment, 0, 0)
        .map_err(|why| Failure::Usage(format!("partner.comment {why}")))?;
    let history = found_in(&history, realm, range, &comment, &known, &readings);
    let question = Question {
        realm,
        livemode: source.livemode,
        account,
        range,
        record_at,
        history_at,
        known: &known,
        readings: &readings,
        now,
    };
    let mut teller = Teller::new(args.json, args.csv);
    let sums = compare(ledger.as_ref(), &question, pages.as_mut(), history, &mut |row| teller.row(row)).await;
    let sums = sums.map_err(|error| Failure::Failed(error.to_string()))?;
    teller.end(&sums);
    if sums.open == 0 { Ok(()) } else { Err(Failure::Said) }
}

/// The provider's record, and when it was made: a file, or its API, which is asked from before the range on, so that the
/// first hour can be judged.
fn pages(args: &Reconcile, source: &Source, range: Range, now: Ms) -> Result<(Box<dyn Pages>, Ms), Failure> {
    let Some(path) = &args.file else {
        let history =
            history::open(&args.source, source).map_err(|error| Failure::Usage(error.to_string()))?;
        let history = history.ok_or_else(|| {
            Failure::Usage(format!("needs --file FILE, or sources.{}.api_key", args.source))
        })?;
        let from = range.since.saturating_sub(EDGE_MS);
        return Ok((Box::new(PaymentListing::new(history, from, range.until)), now));
    };
    let file = File::open(path).map_err(|error| Failure::Usage(format!("{path}: {error}")))?;
    let made_at = saved_at(&file, now);
    let reads =
        Reads { livemode: source.livemode, channel: source.channel.clone(), days: source.days.to_vec() };
    let export = Export::open(std::io::BufReader::new(file), &reads);
    Ok((Box::new(export.map_err(|why| Failure::Usage(format!("{path}: {why}")))?), made_at))
}

/// When a file was last written; now where its system does not say, or it lies in the future.
fn saved_at(file: &File, now: Ms) -> Ms {
    let written = file.metadata().and_then(|about| about.modified()).ok();
    let since_epoch = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.map_or(now, daybridge::clock::millis).min(now)
}

/// Every file, and when the last of them was saved.
fn read_history(paths: &[String], now: Ms) -> Result<(Vec<String>, Ms), Failure> {
    let mut texts = Vec::new();
    let mut saved: Option<Ms> = None;
    let mut left = HISTORY_BYTES_MAX;
    for path in paths {
        let wrong = |error: std::io::Error| Failure::Usage(format!("{path}: {error}"));
        let mut bytes = Vec::new();
        let most = left.saturating_add(1);
        let at = if path == "-" {
            std::io::stdin().take(most).read_to_end(&mut bytes).map_err(wrong)?;
            now
        } else {
            let file = File::open(path).map_err(wrong)?;
            (&file).take(most).read_to_end(&mut bytes).map_err(wrong)?;
            saved_at(&file, now)
        };
        saved = saved.max(Some(at));
        left =
            u64::try_from(bytes.len()).ok().and_then(|bytes| left.checked_sub(bytes)).ok_or_else(|| {
                Failure::Usage(format!(
                    "more than {HISTORY_BYTES_MAX} bytes of history: give the time asked only"
                ))
            })?;
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok((texts, saved.unwrap_or(now)))
}

/// `None` where no history was given.
fn found_in(
    files: &[String],
    realm: &str,
    range: Range,
    comment: &CommentTemplate,
    known: &KnownTills,
    readings: &BTreeMap<String, Ms>,
) -> Option<BillingHistory> {
    let is_channel = |word: &str| known.contains_key(word) || readings.contains_key(word);
    let mut history = BillingHistory::default();
    for file in files {
        history.read(file, realm, range, comment, &is_channel);
    }
    (!files.is_empty()).then_some(history)
}

/// `activeTill` of every channel that the partner lists. Ends also where a page brings nothing new, should the
/// partner not know `offset`.
async fn channels(config: &Config) -> Result<BTreeMap<String, Ms>, Failure> {
    let partner = partner::open(&config.partner).map_err(|error| Failure::Usage(error.to_string()))?;
    let mut readings = BTreeMap::new();
    let mut offset = 0_u32;
    loop {
        let page = partner.list(offset, LIST_COUNT).await.map_err(|error| unread(&error))?;
        let before = readings.len();
        let read =
            page.channels.into_iter().filter_map(|one| Some((String::from(one.channel), one.active_till?)));
        readings.extend(read);
        offset = offset.saturating_add(page.shown);
        if page.shown == 0 || readings.len() == before {
            return Ok(readings);
        }
        if readings.len() > CHANNELS_MAX {
            return Err(Failure::Failed(format!("more than {CHANNELS_MAX} channels: use --no-channels")));
        }
    }
}

fn unread(error: &ReadError) -> Failure {
    let why = match error {
        ReadError::Unauthorized => "the partner token was refused",
        ReadError::UnknownChannel => "the partner answers 404; correct partner.base_url",
        ReadError::Failed(why) => why,
    };
    Failure::Failed(format!("the channels cannot be read: {why}; --no-channels goes without"))
}
