//! Reaches every dependency and says what to do about a failure.

use std::net::TcpListener;

use daybridge::{
    config::{Config, QueueUrl, Source},
    console,
    domain::reply::ReadError,
    ledger, partner,
    provider::{Sources, history},
    queue,
};

use super::{Failure, text::say};

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
    for warning in warnings(&config) {
        say(format!("warn  {:<9} {warning}", "sources"));
    }
    line("receiver", bindable(&config.server.listen));
    let console = bindable(&config.console.listen);
    line("console", console.and_then(|free| Ok(format!("{free}; {}", console::check(&config)?))));
    line("queue", reach_queue(&config).await);
    line("ledger", reach_ledger(&config).await);
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
    Ok(format!("secrets found; served at {}", paths.join(", ")))
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

async fn reach_queue(config: &Config) -> Result<String, String> {
    let hint = match config.queue.url {
        QueueUrl::Embedded(_) => "create its folder and let this user write there",
        QueueUrl::Amqp(_) => "start RabbitMQ, or correct host, user, password and vhost of queue.url",
    };
    let queue = queue::open(&config.queue).await.map_err(|error| format!("{error}; {hint}"))?;
    let health = queue.health().await.map_err(|error| format!("{error}; {hint}"));
    let depth = queue.depth(queue::Lane::Events).await;
    queue.close().await;
    health.map(|()| format!("reached, {} messages waiting", depth.map_or("?".into(), |d| d.to_string())))
}

async fn reach_ledger(config: &Config) -> Result<String, String> {
    let ledger = ledger::open(&config.ledger).await.map_err(|error| error.to_string())?;
    ledger.health().await.map_err(|error| error.to_string())?;
    let counts = ledger.counts().await.map_err(|error| error.to_string())?;
    Ok(format!(
        "reached: {} credited, {} planned, {} doubtful, {} held",
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
