//! Signs an event as its provider would and posts it to a running receiver.

use std::path::PathBuf;

use clap::Args;
use daybridge::{
    config::{self, Config},
    provider::{WEBHOOKS, sample::Sample, signature, source},
    worker::clock,
};

use super::{Failure, text::say};

#[derive(Debug, Args)]
pub struct Send {
    /// Source of the settings; its first secret signs
    #[arg(long)]
    source: String,
    /// File with a raw body, sent as it is
    #[arg(long, conflicts_with_all = ["payment", "channel", "days"])]
    file: Option<PathBuf>,
    /// Event type of a sample
    #[arg(long = "type", default_value = "charge.succeeded")]
    event_type: String,
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
    let name = &send.source;
    let source = config.sources.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.sources.keys().map(String::as_str).collect();
        Failure::Usage(format!("no source {name} in the settings; there are: {}", known.join(", ")))
    })?;
    let body = match &send.file {
        Some(path) => std::fs::read(path)
            .map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", path.display())))?,
        None => sample(&send, source)?,
    };
    let (header, signature) = sign(name, source, &body)?;
    let (client, base) = match (&send.url, config.server.listen.strip_prefix("unix:")) {
        (Some(url), _) => (client().build()?, url.trim_end_matches('/').to_owned()),
        (None, Some(path)) => (client().unix_socket(path).build()?, "http://localhost".to_owned()),
        (None, None) => (client().build()?, format!("http://{}", config.server.listen)),
    };
    let url = format!("{base}{WEBHOOKS}{name}");
    let answer = client
        .post(&url)
        .header(header, signature)
        .header("content-type", "application/json; charset=utf-8")
        .body(body)
        .send()
        .await
        .map_err(|error| {
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

/// The header and its value with which a source's provider would sign.
pub fn sign(name: &str, source: &config::Source, body: &[u8]) -> Result<(&'static str, String), Failure> {
    let scheme = &source::preset(name, source).map_err(|e| Failure::Usage(e.to_string()))?.scheme;
    let secret =
        source.secrets.first().ok_or_else(|| Failure::Usage(format!("source {name} has no secret")))?;
    let secret = secret.resolve().map_err(|why| Failure::Usage(format!("source {name}: {why}")))?;
    let now_s = clock::now_ms() / 1000;
    let value = signature::sign(scheme, &secret, body, now_s)
        .ok_or_else(|| Failure::Usage(format!("the secret of source {name} cannot sign")))?;
    Ok((scheme.header, value))
}

fn sample(send: &Send, source: &config::Source) -> Result<Vec<u8>, Failure> {
    let fresh = |prefix: &str| format!("{prefix}{:016x}", fastrand::u64(..));
    let sample = Sample {
        event_id: send.event.clone().unwrap_or_else(|| fresh("evt_")),
        payment: send.payment.clone().unwrap_or_else(|| fresh("pi_")),
        channel: send.channel.clone().unwrap_or_default(),
        days: send.days.clone().unwrap_or_default(),
        amount: SAMPLE_AMOUNT,
        currency: "usd".into(),
        livemode: source.livemode,
        created_s: clock::now_ms() / 1000,
    };
    sample.body(&send.event_type).map_err(Failure::Usage)
}
