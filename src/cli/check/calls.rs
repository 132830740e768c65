//! What is configured of sources, and the APIs that are called: the partner's, and the providers'.

use daybridge::{
    config::{Config, Source},
    domain::reply::ReadError,
    partner,
    provider::Readers,
    provider::history,
    webhook::Sources,
};

use super::Line;

pub(super) fn sources(config: &Config) -> Line {
    if config.sources.is_empty() {
        return Line::failed(
            "sources",
            "none",
            "add [sources.stripe] with provider = \"stripe\" and its secrets",
        );
    }
    if let Err(error) = Sources::with_secrets(config) {
        return Line::fail("sources", error.to_string());
    }
    let paths: Vec<String> = config.sources.keys().map(|name| format!("/webhooks/{name}")).collect();
    Line::ok("sources", format!("secrets found; served at {}", paths.join(", ")))
}

/// What is accepted, and may go wrong.
pub(super) fn warnings(config: &Config) -> Vec<Line> {
    let mut warnings = Vec::new();
    let mut warn = |text: String, to_do: &str| warnings.push(Line::warn("sources", text, to_do));
    for (name, source) in &config.sources {
        if let Some(how) = source.days_unbound() {
            warn(
                format!(
                    "sources.{name}: whoever pays may choose the days ({how}), and nothing holds them to what was paid"
                ),
                "set per_day, or prices where the events carry lines; where they differ, the payment is held",
            );
        }
        if source.takes_every_account() {
            warn(
                format!(
                    "sources.{name} has no accounts: if its endpoint listens to connected accounts (Connect), whoever owns one chooses channel and days of its payments"
                ),
                "set accounts to those that may, or let the endpoint listen to your own account alone",
            );
        }
        let others = config.sources.iter().filter(|(other, another)| {
            *other > name && another.provider == source.provider && another.realm(other) != source.realm(name)
        });
        for (other, _) in others {
            warn(
                format!("{name} and {other} are two accounts of {} by their realms", source.provider),
                "if both are of one account, give them one realm",
            );
        }
        if !source.events.tells_paid_at(source.money_in.as_str()) {
            warn(
                format!(
                    "{name} tells no time of its money: after `ledger restored` each of its payments is held"
                ),
                "set paid_at of events.objects where there is one",
            );
        }
    }
    warnings
}

pub(super) async fn partner(config: &Config) -> Line {
    let base = &config.partner.base_url;
    let partner = match partner::open(&config.partner) {
        Ok(partner) => partner,
        Err(error) => return Line::fail("partner", format!("{error:#}")),
    };
    match partner.health().await {
        Ok(()) if config.partner.proxy.is_some() && base.starts_with("https") => {
            Line::ok("partner", format!("{base} accepts the token, through outbound.proxy"))
        }
        Ok(()) => Line::ok("partner", format!("{base} accepts the token")),
        Err(ReadError::Unauthorized) => {
            Line::failed("partner", format!("{base} refuses the token"), "renew partner.token")
        }
        Err(ReadError::UnknownChannel) => {
            Line::failed("partner", format!("{base} answers 404"), "correct partner.base_url")
        }
        Err(ReadError::Failed(why)) => {
            Line::failed("partner", format!("{base}: {why}"), "check partner.base_url and the network")
        }
    }
}

/// The lists of events that the providers keep.
pub(super) async fn histories(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, source) in &config.sources {
        lines.push(Line::of("backfill", reach_history(name, source).await));
    }
    lines
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

/// The APIs from which events are fetched before they count.
pub(super) async fn fetches(config: &Config) -> Vec<Line> {
    let readers = match Readers::new(config) {
        Ok(readers) => readers,
        Err(error) => return vec![Line::fail("fetch", error.to_string())],
    };
    let mut lines = Vec::new();
    for (name, source) in &config.sources {
        let base = &source.api_base;
        match readers.reach(name).await {
            None => {}
            Some(Ok(how)) => lines.push(Line::ok("fetch", format!("sources.{name}: {base} {how}"))),
            Some(Err(why)) => lines.push(Line::failed(
                "fetch",
                format!("sources.{name}: {base}: {why}"),
                "check api_base and the network",
            )),
        }
    }
    lines
}
