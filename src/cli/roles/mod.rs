//! `run`, `serve` and `work`: the doors opened, joined, and closed in order.

pub mod opening;

use std::sync::Arc;

use daybridge::{
    clock::{self, millis},
    config::{self, Config},
    console::{self, Arrival, Parts},
    machine::open_files,
    ops::backfill::{self, Asked},
    partner::{self, Partner},
    provider::{history, readers::Readers},
    queue::{self, Queue},
    webhook::{self, Address, Sources},
    worker::{self, Doors, meters},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;

fn shown(address: &Address) -> String {
    match address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// Which parts a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Receiver and worker.
    Run,
    /// Receiver.
    Serve,
    /// Worker.
    Work,
}

impl Role {
    fn receives(self) -> bool {
        self != Role::Work
    }

    fn works(self) -> bool {
        self != Role::Serve
    }

    fn word(self) -> &'static str {
        match self {
            Role::Run => "run",
            Role::Serve => "serve",
            Role::Work => "work",
        }
    }
}

/// Runs a role until SIGTERM or Ctrl-C, then finishes what was accepted.
///
/// Health and the receiver are open before the ledger is there: webhooks are taken while it is away, and the worker
/// begins when it comes.
pub async fn run(config: Config, role: Role) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return Err(Failure::Usage("no [sources.NAME] in the settings: nothing could be received".into()));
    }
    open_files::raise();
    for warning in config::warn::secrets(&config) {
        tracing::warn!("{warning}");
    }
    let metrics = console::record_metrics();
    let sources = if role.receives() { Some(Sources::with_secrets(&config).map_err(usage)?) } else { None };
    let later = if role.works() { Some(Later::of(&config)?) } else { None };
    let queue = queue::open(&config.queue).await?;
    let parts = Parts {
        role: role.word(),
        queue: queue.clone(),
        with_ledger: role.works(),
        refused: sources.as_ref().map(Sources::refused),
        backfilled: later.as_ref().map(Later::backfilled).unwrap_or_default(),
        metrics,
    };
    let console = console::start(&config, parts)?;
    let receiver = match sources {
        Some(sources) => Some(webhook::serve(&config.server, sources, queue.clone()).await?),
        None => None,
    };
    tracing::info!(
        role = ?role,
        console = %console.address,
        receiver = receiver.as_ref().map(|r| shown(&r.address)),
        "daybridge is up"
    );

    let stop = CancellationToken::new();
    let arrival = console.arrival();
    let mut work =
        later.map(|later| tokio::spawn(later.work(config.clone(), queue.clone(), arrival, stop.clone())));
    let mut ended = None;
    tokio::select! {
        () = signalled() => tracing::info!("stopping: finishing what was accepted"),
        result = async { match &mut work { Some(work) => work.await, None => std::future::pending().await } } => {
            ended = Some(result);
        }
    }
    // First no new requests, then no new turns, then the queue's last confirms and acks.
    if let Some(receiver) = receiver {
        receiver.stop().await?;
    }
    stop.cancel();
    if let (None, Some(work)) = (&ended, work) {
        ended = Some(work.await);
    }
    // Health answers to the last; replays of the console need the queue.
    console.stop_jobs().await;
    queue.close().await;
    console.stop().await;
    match ended {
        Some(result) => result?,
        None => Ok(()),
    }
}

/// What a worker needs beside the ledger, opened before that is waited for: wrong settings are said at once.
struct Later {
    partner: Arc<dyn Partner>,
    readers: Arc<Readers>,
    histories: Vec<Asked>,
}

impl Later {
    fn of(config: &Config) -> Result<Self, Failure> {
        let later = Self {
            partner: partner::open(&config.partner).map_err(usage)?,
            readers: Arc::new(Readers::new(config).map_err(usage)?),
            histories: histories(config)?,
        };
        meters::begin(config.sources.keys().map(String::as_str));
        backfill::meters(&later.histories);
        Ok(later)
    }

    fn backfilled(&self) -> Vec<String> {
        self.histories.iter().map(|asked| asked.source.clone()).collect()
    }

    /// Works from when the ledger has come until `stop`.
    async fn work(
        self,
        config: Config,
        queue: Arc<dyn Queue>,
        console: Arrival,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let Some((ledger, interpreter)) = opening::ledger(&config, &stop).await? else { return Ok(()) };
        console.ledger(ledger.clone(), interpreter)?;
        let clock = Arc::new(clock::Machine);
        let asking =
            backfill::run(self.histories, ledger.clone(), queue.clone(), clock.clone(), stop.clone());
        let asking = tokio::spawn(asking);
        let doors = Doors { queue, ledger, partner: self.partner, readers: self.readers, clock };
        let worked = worker::run(config, doors, stop.clone()).await;
        stop.cancel();
        asking.await?;
        Ok(worked?)
    }
}

/// The sources whose provider can be asked for what never came.
fn histories(config: &Config) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    for (name, source) in &config.sources {
        let Some(history) = history::open(name, source).map_err(usage)? else {
            tracing::info!(
                source = name,
                "no api_key, or no list to ask: events that never arrive are not asked for"
            );
            continue;
        };
        let realm = source.realm(name);
        let of_realm = config.sources.iter().filter(|(name, source)| source.realm(name) == realm);
        asked.push(Asked {
            source: name.clone(),
            realm_sources: of_realm.map(|(name, _)| name.clone()).collect(),
            every_ms: millis(source.backfill_every),
            sweep_ms: millis(source.backfill_sweep),
            history,
        });
    }
    Ok(asked)
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

/// Waits for SIGTERM or Ctrl-C.
pub async fn signalled() {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
