//! Signs an event as its provider would and posts it to a running receiver.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::Args;
use daybridge::{
    clock,
    config::{self, Config, preset::events::Format},
    ledger::{
        self, LedgerError,
        view::{self, EventOutcome},
    },
    ops::known::listed,
    provider::Readers,
    provider::sample::{self, Sample},
    webhook::{
        WEBHOOKS,
        signature::{self, Signed},
    },
};

use tokio::time::Instant;

use super::{Failure, output::text::say};

#[derive(Debug, Args)]
pub struct Send {
    /// Source of the settings; its first secret signs
    #[arg(long, required_unless_present = "provider")]
    source: Option<String>,
    /// Provider; instead of a source, where only one is of this provider
    #[arg(long, conflicts_with = "source")]
    provider: Option<String>,
    /// File with a raw body, sent as it is
    #[arg(long, conflicts_with_all = ["payment", "channel", "days"])]
    file: Option<PathBuf>,
    /// Event type of a sample [default: one that tells of money in]
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Payment id of the sample [default: a fresh one]
    #[arg(long)]
    payment: Option<String>,
    /// Channel id in the sample's metadata
    #[arg(long, required_unless_present = "file")]
    channel: Option<String>,
    /// Days in the sample's metadata
    #[arg(long, required_unless_present = "file")]
    days: Option<String>,
    /// Event id of the sample [default: a fresh one]
    #[arg(long)]
    event: Option<String>,
    /// Where to post instead of [server] listen, such as http://proxy.example
    #[arg(long)]
    url: Option<String>,
    /// Wait until the worker has recorded what became of it, at most so long; exit 1 where it is held
    #[arg(long, value_name = "SPAN", num_args = 0..=1, default_missing_value = "2m", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,
}

/// Amount in the sample, in the smallest unit.
const SAMPLE_AMOUNT: i64 = 900;

/// `send …`
pub async fn run(config: Config, send: Send) -> Result<(), Failure> {
    let (name, source) = chosen(&config, &send)?;
    let event_id = send.event.clone().unwrap_or_else(|| fresh("evt_"));
    let payment = send.payment.clone().unwrap_or_else(|| fresh("pi_"));
    let body = match &send.file {
        Some(path) => std::fs::read(path)
            .map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", path.display())))?,
        None => sample(&send, source, &event_id, &payment)?,
    };
    let signed = sign(name, source, &body, &event_id)?;
    let (client, base) = match (&send.url, config.server.listen.strip_prefix("unix:")) {
        (Some(url), _) => (client_for(url).build(), url.trim_end_matches('/').to_owned()),
        (None, Some(path)) => (client().unix_socket(path).build(), "http://localhost".to_owned()),
        (None, None) => (client().build(), format!("http://{}", config.server.listen)),
    };
    let client = client.map_err(|error| {
        Failure::Failed(format!(
            "no HTTPS without certificates to trust: {}; install ca-certificates",
            why(&error)
        ))
    })?;
    let sent =
        Sent { source: name, event: named(&config, name, &body), payment, of_file: send.file.is_some() };
    let before = match send.wait {
        Some(_) => sent.deliveries(&config).await?.into_iter().map(|event| event.delivery).collect(),
        None => BTreeSet::new(),
    };
    let url = format!("{base}{WEBHOOKS}{name}");
    let answer = post(&client, &url, source, signed).send().await.map_err(|error| {
        let error = error.without_url();
        Failure::Failed(format!("{url} cannot be reached: {}; is the receiver running?", why(&error)))
    })?;
    let status = answer.status();
    say(format!("{} {}", status.as_u16(), answer.text().await.unwrap_or_default().trim()));
    if !status.is_success() {
        return Err(Failure::Said);
    }
    sent.tell();
    match send.wait {
        Some(patience) => sent.outcome(&config, &before, patience).await,
        None => Ok(()),
    }
}

/// How often `--wait` looks.
const LOOK: Duration = Duration::from_millis(200);

/// An event on its way.
struct Sent<'a> {
    source: &'a str,
    /// Its id, where its source's settings tell it.
    event: Option<String>,
    /// The payment's id in a sample.
    payment: String,
    /// A body of a file, whose payment is known when it is recorded.
    of_file: bool,
}

/// The event id in a body.
fn named(config: &Config, source: &str, body: &[u8]) -> Option<String> {
    let readers = Readers::new(config).ok()?;
    readers.namer(source)?(body).ok().map(|(event, _)| event)
}

impl Sent<'_> {
    fn tell(&self) {
        let event = self.event.as_deref().unwrap_or("unknown");
        if self.of_file {
            say(format!("event {event}; `daybridge events show {}/{event}` tells its payment", self.source));
        } else {
            say(format!(
                "payment {}, event {event}; `daybridge payments show {}`",
                self.payment, self.payment
            ));
        }
    }

    /// Its deliveries as far as they are recorded; none where there is no ledger yet.
    async fn deliveries(&self, config: &Config) -> Result<Vec<view::Event>, Failure> {
        let Some(event) = &self.event else {
            return Err(Failure::Usage(
                "--wait cannot tell this body's event id, so nothing can be waited for: `daybridge events list`".into(),
            ));
        };
        let ledger = match ledger::open_existing(&config.ledger).await {
            Err(LedgerError::Missing(_)) => return Ok(Vec::new()),
            opened => opened?,
        };
        let found = ledger.event(&format!("{}/{event}", self.source)).await?;
        Ok(found.into_iter().map(|whole| whole.event).collect())
    }

    /// Waits for what becomes of the delivery that is not among those of before.
    async fn outcome(
        &self,
        config: &Config,
        before: &BTreeSet<String>,
        patience: Duration,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let deliveries = self.deliveries(config).await?;
            let fresh = deliveries.into_iter().find(|event| !before.contains(&event.delivery));
            match fresh {
                Some(event) if event.outcome != EventOutcome::Pending => return told(&event),
                Some(event) if Instant::now() >= deadline => {
                    let payment = event.payment.unwrap_or_default();
                    return Err(Failure::Failed(format!(
                        "no outcome within {}: it is on its way; `daybridge payments show {payment}`",
                        humantime::format_duration(patience)
                    )));
                }
                None if Instant::now() >= deadline => {
                    return Err(Failure::Failed(format!(
                        "not recorded within {}: does a worker run, with this ledger?",
                        humantime::format_duration(patience)
                    )));
                }
                Some(_) | None => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

fn told(event: &view::Event) -> Result<(), Failure> {
    let reason = event.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let payment = event.payment.as_deref().unwrap_or("no payment");
    say(format!("{payment}  {}{reason}", event.outcome));
    if event.outcome == EventOutcome::Held { Err(Failure::Said) } else { Ok(()) }
}

/// What went wrong, down to the innermost cause, which says most: of TLS, why it failed.
fn why(error: &reqwest::Error) -> String {
    let mut whole = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !whole.contains(&text) {
            whole = format!("{whole}: {text}");
        }
        cause = inner.source();
    }
    whole
}

/// A client that posts to receivers of this machine: over plain HTTP, so that it asks for no certificates to trust.
pub fn client() -> reqwest::ClientBuilder {
    client_for("http://localhost")
}

fn client_for(url: &str) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
    if url.starts_with("http://") { builder.tls_certs_only([]) } else { builder }
}

/// The source that is meant.
fn chosen<'c>(config: &'c Config, send: &Send) -> Result<(&'c str, &'c config::Source), Failure> {
    let known = || config.sources.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let fits = |(name, source): &(&String, &config::Source)| match (&send.source, &send.provider) {
        (Some(wanted), _) => *name == wanted,
        (None, provider) => Some(&source.provider) == provider.as_ref(),
    };
    let mut fitting = config.sources.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some((name, source)), None) => Ok((name, source)),
        (Some(_), Some(_)) => Err(Failure::Usage(format!(
            "several sources are of this provider: name one with --source; there are: {}",
            known()
        ))),
        (None, _) => Err(Failure::Usage(match (&send.source, &send.provider) {
            (Some(name), _) => format!(
                "no source {name:?} in the settings; {}",
                listed(name, config.sources.keys().map(String::as_str))
            ),
            (None, provider) => format!(
                "no source of provider {} in the settings; add [sources.NAME] with it; there are: {}",
                provider.as_deref().unwrap_or_default(),
                known()
            ),
        })),
    }
}

/// A body signed as a source's provider would; the first secret signs.
pub fn sign(name: &str, source: &config::Source, body: &[u8], event_id: &str) -> Result<Signed, Failure> {
    let secret =
        source.secrets.first().ok_or_else(|| Failure::Usage(format!("source {name} has no secret")))?;
    let secret = secret.resolve().map_err(|why| Failure::Usage(format!("source {name}: {why}")))?;
    signature::sign(source, &secret, body, event_id, clock::now_ms())
        .map_err(|why| Failure::Usage(format!("source {name} cannot sign: {why}")))
}

/// The request of a signed body.
pub fn post(
    client: &reqwest::Client,
    url: &str,
    source: &config::Source,
    signed: Signed,
) -> reqwest::RequestBuilder {
    let query = if signed.query.is_empty() { String::new() } else { format!("?{}", signed.query) };
    let content_type = match source.events.format {
        Format::Json => "application/json; charset=utf-8",
        Format::Form => "application/x-www-form-urlencoded",
    };
    let mut request =
        client.post(format!("{url}{query}")).header("content-type", content_type).body(signed.body);
    // Believed where this machine is a trusted proxy, as it is unless the settings say otherwise.
    if let Some(caller) = source.signature.addresses.first() {
        request = request.header("x-forwarded-for", caller.addr().to_string());
    }
    signed.headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn fresh(prefix: &str) -> String {
    format!("{prefix}{:016x}", fastrand::u64(..))
}

fn sample(send: &Send, source: &config::Source, event_id: &str, payment: &str) -> Result<Vec<u8>, Failure> {
    let kind = send.event_type.as_deref().or_else(|| sample::kinds(&source.provider).next());
    let kind = kind.ok_or_else(|| {
        Failure::Usage(format!("there is no sample for provider {}; send one with --file", source.provider))
    })?;
    let sample = Sample {
        event_id: event_id.to_owned(),
        payment: payment.to_owned(),
        channel: send.channel.clone().unwrap_or_default(),
        days: send.days.clone().unwrap_or_default(),
        amount: SAMPLE_AMOUNT,
        currency: "usd".into(),
        livemode: source.livemode,
        created_s: clock::now_ms() / 1000,
    };
    sample.body(source, kind).map_err(Failure::Usage)
}
