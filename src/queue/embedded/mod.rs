//! The broker on this machine: one SQLite file, for a partner who wants no server.
//!
//! ```text
//! publish, claim, ack, dead, give back ─▶ bounded channel ─▶ one writer task ─▶ one transaction for all that wait
//! ```
//!
//! WAL with `synchronous=FULL`: a commit is synced before anyone is told. The writer takes up to
//! [`GROUP_COMMANDS_MAX`](writer::GROUP_COMMANDS_MAX) commands into one commit, so many publishes share one
//! sync. `serve` and `work` may be two processes on the same file; a message in a consumer's hands is leased
//! and comes again when its process is gone ([`LEASE_MS`](store::LEASE_MS)). A lease is not a lock: nobody
//! behind the door may rely on once.
//!
//! Rejected: the ledger's own file (the receiver must work while the ledger is locked or restored); files in
//! a folder (one sync each). Not for network file systems: WAL needs shared memory.

/// The file: schema and statements.
mod store;

/// The one task that writes.
mod writer;

/// Leases and hands out.
mod consumer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::SqlitePool;
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use self::{
    consumer::LaneConsumer,
    writer::{Command, Writer},
};
use super::{Consumer, Found, Lane, NotConfirmed, Queue, QueueError};
use crate::{config, disk, envelope::Envelope};

/// File where the settings name none; the loader names one beside the ledger.
const FILE: &str = "daybridge-queue.db";

/// Longest time publishes in flight may take when the process stops.
const DRAIN_MS_MAX: Duration = Duration::from_secs(10);

/// The door to the file.
pub struct Embedded {
    path: PathBuf,
    readers: SqlitePool,
    commands: mpsc::Sender<Command>,
    shared: Arc<writer::Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the file, creating it where it is missing, and starts the writer.
    pub async fn open(path: &Option<PathBuf>, settings: &config::Queue) -> Result<Self, QueueError> {
        let path = path.clone().unwrap_or_else(|| PathBuf::from(FILE));
        let failed = |error: sqlx::Error| store::explain(&path, &error);
        let mut connection = store::open(&path).await.map_err(failed)?;
        store::prepare(&path, &mut connection).await?;
        let readers = store::readers(&path);
        // Opened here, so that a later look at the depth needs no new file handle.
        drop(readers.acquire().await.map_err(failed)?);
        let (commands, inbox) = mpsc::channel(settings.in_flight_max.max(1));
        let shared = Arc::new(writer::Shared::default());
        let writer =
            Writer::new(connection, inbox, shared.clone(), path.clone(), settings.delivery_limit.into());
        Ok(Self { path, readers, commands, shared, writer: Mutex::new(Some(tokio::spawn(writer.run()))) })
    }
}

/// Whether the file is there; nothing is made.
pub(super) async fn look(path: &Option<PathBuf>) -> Result<Found, QueueError> {
    let path = path.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(&path) {
        Ok(file) if file.len() > 0 => return Ok(Found::Whole),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(QueueError(format!("queue file {}: {error}", path.display()))),
    }
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
        return Err(QueueError(format!(
            "queue file {} cannot be made: its folder is missing or not writable for this user",
            path.display()
        )));
    }
    Ok(Found::Missing(format!("queue file {}", path.display())))
}

#[async_trait]
impl Queue for Embedded {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        if self.shared.closed.load(Ordering::Relaxed) {
            return Err(NotConfirmed::Unreachable);
        }
        let (done, committed) = oneshot::channel();
        self.commands.try_send(Command::Publish { envelope, done }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotConfirmed::Busy,
            mpsc::error::TrySendError::Closed(_) => NotConfirmed::Unreachable,
        })?;
        committed.await.unwrap_or(Err(NotConfirmed::Unreachable))
    }

    async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        if self.shared.closed.load(Ordering::Relaxed) {
            return Err(QueueError("the queue is closed".into()));
        }
        let commands = self.commands.clone();
        let consumer = LaneConsumer::open(&self.path, lane, prefetch, commands, self.shared.clone()).await?;
        Ok(Box::new(consumer))
    }

    async fn health(&self) -> Result<(), QueueError> {
        disk::has_room(&self.path).map_err(QueueError)?;
        let gone = || QueueError("the queue is closed".into());
        let (done, told) = oneshot::channel();
        self.commands.send(Command::Health { done }).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    async fn depth(&self, lane: Lane) -> Option<u64> {
        store::depth(&self.readers, lane).await.ok()
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let Some(mut writer) = self.writer.lock().await.take() else { return };
        let drained = timeout(DRAIN_MS_MAX, async {
            // Behind everything handed over before. An error means that the writer is gone already.
            let _ = self.commands.send(Command::Stop).await;
            let _ = (&mut writer).await;
        });
        if drained.await.is_err() {
            tracing::warn!(limit = ?DRAIN_MS_MAX, "publishes in flight were not committed in time");
            writer.abort();
        }
        self.readers.close().await;
    }
}
