//! Reaches every dependency and says what to do about a failure.

use std::{net::TcpListener, time::Duration};

use daybridge::{
    config::{self, Config, QueueUrl, Source},
    console,
    domain::reply::ReadError,
    ledger::{self, FAILOVER, LedgerError},
    partner,
    provider::{Sources, history},
    queue::{self, Policies},
};
use serde::Deserialize;

use super::{
    Failure,
    roles::FAILOVER_UNNOTICED,
    send::client,
    text::{say, time},
};

/// Longest wait for what a running process tells of itself.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(2);

/// `check`: a line each; the settings themselves were checked while loading.
pub async fn run(config: Config) -> Result<(), Failure> {
    let mut failed = false;
    let mut line = |part: &str, result: Result<String, String>| match result {
        Ok(text) => say(format!("ok    {part:<9} {text}")),
        Err(text) => {
            failed = true;
            say(format!("FAIL  {part:<9} {text}"));
        }
    };
    line("settings", Ok("no contradictions".into()));
    line("sources", sources(&config));
    for warning in config::warn::secrets(&config) {
        say(format!("warn  {:<9} {warning}", "secrets"));
    }
    for warning in warnings(&config) {
        say(format!("warn  {:<9} {warning}", "sources"));
    }
    line("receiver", bindable(&config.server.listen));
    let console = bindable(&config.console.listen);
    line("console", console.and_then(|free| Ok(format!("{free}; {}", console::check(&config)?))));
    for refused in refused(&config).await {
        line("refused", Ok(refused));
    }
    let (queue, policies) = reach_queue(&config).await;
    line("queue", queue);
    match policies {
        Policies::None => {}
        Policies::Unseen { shield } => say(format!(
            "warn  {:<9} cannot be seen: one that expires messages, or drops the oldest, loses what was accepted. Set [queue] \
             management_url, or keep those of users away: {shield}",
            "policies"
        )),
        Policies::Seen { losses, shield } => line("policies", no_loss(&losses, &shield)),
    }
    line("ledger", reach_ledger(&config).await);
    if let Ok(brake) = super::brake::comes_to(&config).await {
        line("brake", Ok(brake));
    }
    line("partner", reach_partner(&config).await);
    for (name, source) in &config.sources {
        line("backfill", reach_history(name, source).await);
    }
    match Sources::readers(&config) {
        Ok(readers) => {
            for (name, source) in &config.sources {
                let Some(reached) = readers.reach(name).await else { continue };
                let base = &source.api_base;
                line(
                    "fetch",
                    match reached {
                        Ok(how) => Ok(format!("sources.{name}: {base} {how}")),
                        Err(why) => {
                            Err(format!("sources.{name}: {base}: {why}; check api_base and the network"))
                        }
                    },
                );
            }
        }
        Err(error) => line("fetch", Err(error.to_string())),
    }
    if failed { Err(Failure::Said) } else { Ok(()) }
}

fn sources(config: &Config) -> Result<String, String> {
    if config.sources.is_empty() {
        return Err("none; add [sources.stripe] with provider = \"stripe\" and its secrets".into());
    }
    Sources::with_secrets(config).map_err(|error| error.to_string())?;
    let paths: Vec<String> = config.sources.keys().map(|name| format!("/webhooks/{name}")).collect();
    let mut said = format!("secrets found; served at {}", paths.join(", "));
    for (name, source) in &config.sources {
        let others = config.sources.iter().filter(|(other, another)| {
            *other > name && another.provider == source.provider && another.realm(other) != source.realm(name)
        });
        for (other, _) in others {
            said.push_str(&format!(
                "; {name} and {other} are two accounts of {} by their realms: if both are of one account, give them one realm",
                source.provider
            ));
        }
        if !source.events.tells_paid_at(source.money_in.as_str()) {
            said.push_str(&format!(
                "; {name} tells no time of its money: after `ledger restored` each of its payments is held (set paid_at of events.objects where there is one)"
            ));
        }
    }
    Ok(said)
}

/// A line of what the receiver has refused.
#[derive(Deserialize)]
struct Refused {
    source: String,
    words: String,
    count: u64,
    last_at_ms: i64,
}

/// What the process with these settings has refused since it was started; nothing where none runs, or none receives.
async fn refused(config: &Config) -> Vec<String> {
    let told = async {
        let client = client().timeout(REFUSED_TIMEOUT).build().ok()?;
        let url = format!("http://{}/refused", config.console.listen);
        let answer = client.get(url).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice::<Vec<Refused>>(&answer.bytes().await.ok()?).ok()
    };
    let line = |row: Refused| {
        format!("{}: {} refused: {} (last {})", row.source, row.count, row.words, time(row.last_at_ms))
    };
    told.await.unwrap_or_default().into_iter().map(line).collect()
}

/// What is accepted, and may let others than the seller choose channel or days.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, source) in &config.sources {
        if let Some(how) = source.days_unbound() {
            warnings.push(format!(
                "sources.{name}: whoever pays may choose the days ({how}), and nothing holds them to what was paid: set per_day, or prices where the events carry lines; where they differ, the payment is held"
            ));
        }
        if source.takes_every_account() {
            warnings.push(format!(
                "sources.{name} has no accounts: if its endpoint listens to connected accounts (Connect), whoever owns one chooses channel and days of its payments; set accounts to those that may, or let the endpoint listen to your own account alone"
            ));
        }
    }
    warnings
}

fn bindable(listen: &str) -> Result<String, String> {
    if let Some(path) = listen.strip_prefix("unix:") {
        let folder = std::path::Path::new(path).parent().filter(|p| p.is_dir());
        return match folder {
            Some(_) => Ok(listen.to_owned()),
            None => Err(format!("the folder of {path} does not exist; create it")),
        };
    }
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{listen} is taken; fine if daybridge runs, else stop what holds it"))
        }
        Err(error) => Err(format!("{listen}: {error}; set an address of this machine")),
    }
}

fn no_loss(losses: &[String], shield: &str) -> Result<String, String> {
    if losses.is_empty() {
        return Ok("none in force loses messages".into());
    }
    Err(format!(
        "{}. If it is a user's policy: {shield}; an operator policy must be changed by who set it",
        losses.join("; ")
    ))
}

async fn reach_queue(config: &Config) -> (Result<String, String>, Policies) {
    let hint = match config.queue.url {
        QueueUrl::Embedded(_) => "create its folder and let this user write there",
        QueueUrl::Amqp(_) => "start RabbitMQ, or correct host, user, password and vhost of queue.url",
    };
    let queue = match queue::open(&config.queue).await {
        Ok(queue) => queue,
        Err(error) => return (Err(format!("{error}; {hint}")), Policies::None),
    };
    let health = queue.health().await.map_err(|error| format!("{error}; {hint}"));
    let depth = queue.depth(queue::Lane::Events).await;
    let policies = queue.policies().await;
    queue.close().await;
    let waiting = depth.map_or("?".into(), |d| d.to_string());
    match (health, policies) {
        (Ok(()), Ok(policies)) => (Ok(format!("reached, {waiting} messages waiting")), policies),
        (Ok(()), Err(error)) => (Err(error.to_string()), Policies::None),
        (Err(error), _) => (Err(error), Policies::None),
    }
}

async fn reach_ledger(config: &Config) -> Result<String, String> {
    let ledger = match ledger::open_existing(&config.ledger).await {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing(place)) => {
            return Ok(format!(
                "none yet at {place}; `run` or `work` makes it; if there was one, put it back first"
            ));
        }
        Err(error) => return Err(error.to_string()),
    };
    ledger.health().await.map_err(|error| error.to_string())?;
    let pauses = ledger.pauses().await.map_err(|error| error.to_string())?;
    if let Some(moved) = pauses.into_iter().find(|pause| pause.cause == FAILOVER) {
        return Err(moved.reason);
    }
    let counts = ledger.counts().await.map_err(|error| error.to_string())?;
    let origin = ledger.origin().await.map_err(|error| error.to_string())?;
    let unnoticed = if origin.failover_unnoticed { format!("; {FAILOVER_UNNOTICED}") } else { String::new() };
    Ok(format!(
        "reached: {} credited, {} planned, {} doubtful, {} held{unnoticed}",
        counts.credited, counts.planned, counts.doubtful, counts.held
    ))
}

async fn reach_partner(config: &Config) -> Result<String, String> {
    let partner = partner::open(&config.partner).map_err(|error| error.to_string())?;
    match partner.health().await {
        Ok(()) => Ok(format!("{} accepts the token", config.partner.base_url)),
        Err(ReadError::Unauthorized) => {
            Err(format!("{} refuses the token; renew partner.token", config.partner.base_url))
        }
        Err(ReadError::UnknownChannel) => {
            Err(format!("{} answers 404; correct partner.base_url", config.partner.base_url))
        }
        Err(ReadError::Failed(why)) => {
            Err(format!("{}: {why}; check partner.base_url and the network", config.partner.base_url))
        }
    }
}

async fn reach_history(name: &str, source: &Source) -> Result<String, String> {
    let history = history::open(name, source).map_err(|error| error.to_string())?;
    let Some(history) = history else {
        if source.provider != "stripe" {
            return Ok(format!("sources.{name}: events that never arrive are not found; only Stripe's are"));
        }
        return Ok(format!(
            "sources.{name} has no api_key: events that never arrive are not found; to find them, make a restricted key"
        ));
    };
    match history.health().await {
        Ok(()) => Ok(format!("{} lists what sources.{name} needs", source.api_base)),
        Err(error) => Err(format!("sources.{name}: {}: {error}", source.api_base)),
    }
}
