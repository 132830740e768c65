//! Signs an event as its provider would and posts it to a running receiver.

use std::path::PathBuf;

use clap::Args;
use daybridge::{
    config::{self, Config, preset::events::Format},
    provider::{
        WEBHOOKS,
        sample::{self, Sample},
        signature::{self, Signed},
    },
    worker::clock,
};

use super::{Failure, text::say};

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
}

/// Amount in the sample, in the smallest unit.
const SAMPLE_AMOUNT: i64 = 900;

/// `send …`
pub async fn run(config: Config, send: Send) -> Result<(), Failure> {
    let (name, source) = chosen(&config, &send)?;
    let event_id = send.event.clone().unwrap_or_else(|| fresh("evt_"));
    let body = match &send.file {
        Some(path) => std::fs::read(path)
            .map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", path.display())))?,
        None => sample(&send, source, &event_id)?,
    };
    let signed = sign(name, source, &body, &event_id)?;
    let (client, base) = match (&send.url, config.server.listen.strip_prefix("unix:")) {
        (Some(url), _) => (client().build()?, url.trim_end_matches('/').to_owned()),
        (None, Some(path)) => (client().unix_socket(path).build()?, "http://localhost".to_owned()),
        (None, None) => (client().build()?, format!("http://{}", config.server.listen)),
    };
    let url = format!("{base}{WEBHOOKS}{name}");
    let answer = post(&client, &url, source, signed).send().await.map_err(|error| {
        let error = error.without_url();
        Failure::Failed(format!("{url} cannot be reached: {error}; is the receiver running?"))
    })?;
    let status = answer.status();
    say(format!("{} {}", status.as_u16(), answer.text().await.unwrap_or_default().trim()));
    if status.is_success() { Ok(()) } else { Err(Failure::Said) }
}

/// A client that posts to receivers of this machine.
pub fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
    reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(30))
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
            (Some(name), _) => format!("no source {name} in the settings; there are: {}", known()),
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

fn sample(send: &Send, source: &config::Source, event_id: &str) -> Result<Vec<u8>, Failure> {
    let kind = send.event_type.as_deref().or_else(|| sample::kinds(&source.provider).next());
    let kind = kind.ok_or_else(|| {
        Failure::Usage(format!("there is no sample for provider {}; send one with --file", source.provider))
    })?;
    let sample = Sample {
        event_id: event_id.to_owned(),
        payment: send.payment.clone().unwrap_or_else(|| fresh("pi_")),
        channel: send.channel.clone().unwrap_or_default(),
        days: send.days.clone().unwrap_or_default(),
        amount: SAMPLE_AMOUNT,
        currency: "usd".into(),
        livemode: source.livemode,
        created_s: clock::now_ms() / 1000,
    };
    sample.body(source, kind).map_err(Failure::Usage)
}
