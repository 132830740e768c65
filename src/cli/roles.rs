//! `run`, `serve` and `work`: the doors opened, joined, and closed in order.

use std::sync::Arc;

use daybridge::{
    config::Config,
    console::{self, Looks},
    ledger, partner,
    provider::{self, Sources, source::Readers},
    queue,
    worker::{self, Doors},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;

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
    let metrics = console::record_metrics();
    let sources = if role.receives() { Some(Sources::with_secrets(&config).map_err(usage)?) } else { None };
    let queue = queue::open(&config.queue).await?;
    let mut ledger = None;
    let mut doors = None;
    if role.works() {
        let opened = ledger::open(&config.ledger).await?;
        let partner = partner::open(&config.partner).map_err(usage)?;
        let readers = Sources::readers(&config).map_err(usage)?;
        ledger = Some(opened.clone());
        doors = Some(Doors { queue: queue.clone(), ledger: opened, partner, reader: reader(readers) });
    }
    let console = console::start(&config.console.listen, Looks { queue: queue.clone(), ledger }, metrics)?;
    let receiver = match sources {
        Some(sources) => Some(provider::serve(&config.server, sources, queue.clone()).await?),
        None => None,
    };
    tracing::info!(
        role = ?role,
        console = %console.address,
        receiver = ?receiver.as_ref().map(|r| &r.address),
        "daybridge is up"
    );

    let stop = CancellationToken::new();
    let mut work = doors.map(|doors| tokio::spawn(worker::run(config.clone(), doors, stop.clone())));
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
    queue.close().await;
    console.stop().await;
    match ended {
        Some(result) => Ok(result??),
        None => Ok(()),
    }
}

/// What the worker needs of the sources.
pub fn reader(readers: Readers) -> worker::Reader {
    Arc::new(move |source, body| readers.read(source, body).map_err(|unreadable| unreadable.to_string()))
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
