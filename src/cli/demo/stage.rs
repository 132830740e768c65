//! All parts of daybridge and a simulated partner, in one process and one temporary folder.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use daybridge::{
    clock,
    config::{self, Config},
    console::{self, Console, Parts, password},
    ledger::{self, Ledger},
    partner,
    provider::Readers,
    queue::{self, Queue},
    simulator::{self, Sim, SimSettings},
    webhook::{self, Address, Running, Sources},
    worker::{self, Doors, Interpreter, meters},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::Failure;
use crate::cli::output::text::say;

/// Signing secret of the demo's source.
pub const SECRET: &str = "whsec_demo_only_0123456789abcdef";

/// Partner token that the simulator accepts.
const TOKEN: &str = "demo-only-token";

/// Days on the simulated account.
const BALANCE_DAYS: i64 = 365;

/// Channels of the simulated partner: id, days left, mode.
pub const CHANNELS: [(&str, i64, &str); 3] =
    [("DEMOCH-AAAAA", 3, "live"), ("DEMOCH-BBBBB", 5, "trial"), ("DEMOCH-CCCCC", -2, "live")];

/// Everything that runs.
pub struct Stage {
    /// The settings all parts were opened with.
    pub config: Config,
    /// The partner.
    pub sim: simulator::SimRunning,
    /// The record.
    pub ledger: Arc<Ledger>,
    /// Base of the receiver.
    pub receiver_url: String,
    queue: Arc<dyn Queue>,
    receiver: Running,
    console: Console,
    /// Of the console's user `demo`; made at each start.
    password: String,
    worker: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
    folder: TempDir,
}

impl Stage {
    /// Starts all parts.
    pub async fn set() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("daybridge-demo-").tempdir()?;
        let sim = partner_with_channels().await?;
        let password = password::random()?;
        let settings = SettingsFile::in_folder(&folder, &sim, &password)?;
        let config = settings.parsed()?;
        let opened = Opened::by(&config).await?;
        let sources = Sources::with_secrets(&config)?;
        let (queue, ledger) = (opened.doors.queue.clone(), opened.doors.ledger.clone());
        let console = console::start(&config, opened.console_parts(&sources))?;
        console.arrival().ledger(ledger.clone(), Some(opened.interpreter))?;
        let receiver = webhook::serve(&config.server, sources, queue.clone()).await?;
        let Address::Tcp(address) = receiver.address else {
            return Err(Failure::Failed("the demo's receiver has no TCP address".into()));
        };
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::run(config.clone(), opened.doors, stop.clone()));
        settings.write(address, console.address)?;
        let receiver_url = format!("http://{address}");
        Ok(Self {
            config,
            sim,
            ledger,
            receiver_url,
            queue,
            receiver,
            console,
            password,
            worker,
            stop,
            folder,
        })
    }

    /// What a visitor can open and try.
    pub fn tell_urls(&self) {
        let config = self.folder.path().join("daybridge.toml");
        let command = format!("daybridge --config {}", config.display());
        say(format!("\nreceiver     {}/webhooks/stripe", self.receiver_url));
        say(format!(
            "console      http://{}/  name: demo  password: {}",
            self.console.address, self.password
        ));
        say(format!("metrics      http://{}/metrics  /healthz  /readyz", self.console.address));
        say(format!("partner API  {}", self.sim.base_url()));
        say(format!("its truth    http://{}/_sim/state", self.sim.admin_addr));
        say("\ntry, from another terminal (target/release/daybridge):");
        say(format!("  {command} payments list"));
        say(format!("  {command} payments show stripe/pi_demo1"));
        say(format!("  {command} held list"));
        say(format!("  {command} send --source stripe --channel DEMOCH-BBBBB --days 7"));
        say(format!("  {command} replay plan --payment stripe/pi_demo1"));
        say("\nCtrl-C ends the demo and removes its folder.");
    }

    /// Stops all parts in order.
    pub async fn strike(self) {
        if let Err(error) = self.receiver.stop().await {
            tracing::warn!(%error, "the receiver did not stop cleanly");
        }
        self.stop.cancel();
        let _ = self.worker.await;
        self.console.stop_jobs().await;
        self.queue.close().await;
        self.console.stop().await;
        self.sim.stop().await;
    }
}

/// A partner that has the demo's channels.
async fn partner_with_channels() -> Result<simulator::SimRunning, Failure> {
    let sim = Sim::start(SimSettings::local(TOKEN, BALANCE_DAYS)).await?;
    for (id, days, mode) in CHANNELS {
        sim.control.add_channel(id, days, Some(mode));
    }
    Ok(sim)
}

/// What the settings open.
struct Opened {
    metrics: Option<PrometheusHandle>,
    interpreter: Interpreter,
    doors: Doors,
}

impl Opened {
    async fn by(config: &Config) -> Result<Self, Failure> {
        let metrics = console::record_metrics();
        meters::begin(config.sources.keys().map(String::as_str));
        let queue = queue::open(&config.queue).await?;
        let ledger = ledger::open(&config.ledger).await?;
        let readers = Arc::new(Readers::new(config)?);
        let interpreter =
            Interpreter::looking(config, ledger.as_ref(), readers.clone(), clock::now_ms()).await?;
        let partner = partner::open(&config.partner)?;
        let doors = Doors { queue, ledger, partner, readers, clock: Arc::new(clock::Machine) };
        Ok(Self { metrics, interpreter, doors })
    }

    fn console_parts(&self, sources: &Sources) -> Parts {
        Parts {
            role: "demo",
            queue: self.doors.queue.clone(),
            with_ledger: true,
            refused: Some(sources.refused()),
            backfilled: Vec::new(),
            metrics: self.metrics.clone(),
        }
    }
}

/// The file that an operator's commands can be tried with.
struct SettingsFile {
    path: PathBuf,
    ledger: PathBuf,
    /// Base of the partner's API.
    partner: String,
    /// Of the password.
    hash: String,
}

impl SettingsFile {
    fn in_folder(folder: &TempDir, sim: &simulator::SimRunning, password: &str) -> Result<Self, Failure> {
        let place = |name| folder.path().join(name);
        let (path, ledger) = (place("daybridge.toml"), place("daybridge.db"));
        let hash = password::hash(password).map_err(Failure::Failed)?;
        Ok(Self { path, ledger, partner: sim.base_url(), hash })
    }

    /// What all parts are opened with: ports are taken as they are free.
    fn parsed(&self) -> Result<Config, Failure> {
        let text = self.text("127.0.0.1:0", "127.0.0.1:0");
        config::load::parse(&text, Vec::new()).map_err(Failure::Failed)
    }

    /// Writes it with the ports that were found.
    fn write(&self, server: SocketAddr, console: SocketAddr) -> std::io::Result<()> {
        std::fs::write(&self.path, self.text(&server.to_string(), &console.to_string()))
    }

    /// Times are short, so that doubt is settled while somebody watches.
    fn text(&self, server: &str, console: &str) -> String {
        let Self { ledger, partner, hash, .. } = self;
        format!(
            r#"[server]
listen = "{server}"
[console]
listen = "{console}"
secure_cookie = false
[console.users.demo]
password = "{hash}"
role = "operator"
[ledger]
url = "sqlite:{}"
[partner]
base_url = "{partner}"
token = "{TOKEN}"
call_timeout = "2s"
settle_window = "4s"
[sources.stripe]
provider = "stripe"
secrets = ["{SECRET}"]
"#,
            ledger.display()
        )
    }
}
