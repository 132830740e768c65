//! `run`, `serve` and `work`: the doors opened, joined, and closed in order.

use std::{sync::Arc, time::Duration};

use daybridge::{
    config::{self, Config},
    console::{self, Parts},
    ledger::{self, Ledger, LedgerError, Origin},
    ops::backfill::{self, Asked},
    partner,
    provider::{self, Address, Sources, history},
    queue,
    worker::{self, Doors, millis},
};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Failure, text::time};

fn shown(address: &Address) -> String {
    match address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// Wait between tries to reach the ledger at start.
const LEDGER_RETRY: Duration = Duration::from_secs(2);

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
}

/// Runs a role until SIGTERM or Ctrl-C, then finishes what was accepted.
pub async fn run(config: Config, role: Role) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return Err(Failure::Usage("no [sources.NAME] in the settings: nothing could be received".into()));
    }
    for warning in config::warn::secrets(&config) {
        tracing::warn!("{warning}");
    }
    let metrics = console::record_metrics();
    let sources = if role.receives() { Some(Sources::with_secrets(&config).map_err(usage)?) } else { None };
    let queue = queue::open(&config.queue).await?;
    let mut ledger = None;
    let mut doors = None;
    let mut asked = Vec::new();
    if role.works() {
        let opened = open_ledger(&config).await?;
        say_if_new(opened.as_ref()).await?;
        let partner = partner::open(&config.partner).map_err(usage)?;
        let readers = Sources::readers(&config).map_err(usage)?;
        asked = histories(&config)?;
        ledger = Some(opened.clone());
        doors = Some(Doors { queue: queue.clone(), ledger: opened, partner, reader: Arc::new(readers) });
    }
    let interpreter = match &ledger {
        Some(ledger) if config.console.has_pages() => {
            Some(super::interpreter(&config, ledger.as_ref()).await?)
        }
        _ => None,
    };
    let refused = sources.as_ref().map(Sources::refused);
    let parts = Parts { queue: queue.clone(), ledger: ledger.clone(), interpreter, refused, metrics };
    let console = console::start(&config, parts)?;
    let receiver = match sources {
        Some(sources) => Some(provider::serve(&config.server, sources, queue.clone()).await?),
        None => None,
    };
    tracing::info!(
        role = ?role,
        console = %console.address,
        receiver = receiver.as_ref().map(|r| shown(&r.address)),
        "daybridge is up"
    );

    let stop = CancellationToken::new();
    let mut work = doors.map(|doors| tokio::spawn(worker::run(config.clone(), doors, stop.clone())));
    let asking = ledger.map(|ledger| tokio::spawn(backfill::run(asked, ledger, queue.clone(), stop.clone())));
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
    if let Some(asking) = asking {
        asking.await?;
    }
    // Health answers to the last; replays of the console need the queue.
    console.stop_jobs().await;
    queue.close().await;
    console.stop().await;
    match ended {
        Some(result) => Ok(result??),
        None => Ok(()),
    }
}

/// Waits for a ledger that is a server; a file that cannot be opened is an error.
async fn open_ledger(config: &Config) -> Result<Arc<dyn Ledger>, Failure> {
    let url = config.ledger.url.resolve().map_err(|why| usage(format!("ledger.url: {why}")))?;
    let server = url.expose_secret().starts_with("postgres");
    loop {
        match ledger::open(&config.ledger).await {
            Err(LedgerError::Unavailable(why)) if server => {
                tracing::warn!(%why, "the ledger is away; waiting for it");
                tokio::select! {
                    () = tokio::time::sleep(LEDGER_RETRY) => {}
                    () = signalled() => return Err(Failure::Failed("stopped while waiting for the ledger".into())),
                }
            }
            answer => return Ok(answer?),
        }
    }
}

/// A managed database may not let an ordinary role ask.
pub(super) const FAILOVER_UNNOTICED: &str = "the database does not tell its timeline, so a failover is not noticed: let standbys be synchronous, or declare it with `daybridge ledger restored`";

/// An empty ledger is the first one, or stands where another one was expected: a disk that is not mounted.
async fn say_if_new(ledger: &dyn Ledger) -> Result<(), Failure> {
    let Origin { made_at, grants_since, empty, place, failover_unnoticed } = ledger.origin().await?;
    if failover_unnoticed {
        tracing::warn!(ledger = place, "{FAILOVER_UNNOTICED}");
    }
    if let (Some(made_at), Some(since), true) = (made_at, grants_since, empty) {
        tracing::warn!(
            ledger = place,
            made_at = time(made_at),
            grants_since = time(since),
            "made a new ledger: what was paid before is held with cause before_ledger; if there was one, stop and put it back (is its disk mounted?); if you migrate, `daybridge ledger adopt --since TIME`"
        );
    }
    Ok(())
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
