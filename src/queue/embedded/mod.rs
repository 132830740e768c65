//! The broker on this machine: one SQLite file, for a partner who wants no server.
//!
//! ```text
//! publish, claim, ack, dead, give back ─▶ bounded channel ─▶ one writer thread ─▶ one transaction for all that wait
//! ```
//!
//! WAL with `synchronous=FULL`: a commit is synced before anyone is told. The writer takes up to
//! [`GROUP_COMMANDS_MAX`](inbox::GROUP_COMMANDS_MAX) commands into one commit, so many publishes share one
//! sync. `serve` and `work` may be two processes on the same file; a message in a consumer's hands is leased
//! and comes again when its process is gone ([`LEASE_MS`](store::LEASE_MS)). A lease is not a lock: nobody
//! behind the door may rely on once. What was taken off the queue is given back to the disk ([`space`]).
//!
//! Rejected: the ledger's own file (the receiver must work while the ledger is locked or restored); files in
//! a folder (one sync each). Not for network file systems: WAL needs shared memory.

/// The file, open.
mod file;

/// Its schema and statements.
mod store;

/// What the writer is asked.
mod inbox;

/// The one thread that writes.
mod writer;

/// Gives free pages back to the disk.
mod space;

/// Leases and hands out.
mod consumer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use self::{
    consumer::LaneConsumer,
    file::File,
    inbox::{Command, Inbox, Shared},
    writer::Writer,
};
use super::{Consumer, Lane, NotConfirmed, Queue, QueueError, QueueState};
use crate::{config, envelope::Envelope, machine::disk};

/// File where the settings name none; the loader names one beside the ledger.
const FILE: &str = "daybridge-queue.db";

/// Longest time publishes in flight may take when the process stops.
const DRAIN_MS_MAX: Duration = Duration::from_secs(10);

/// The door to the file.
pub struct Embedded {
    path: PathBuf,
    reader: Arc<Reader>,
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    /// Closed when the writer has ended; taken by the first who closes the queue.
    writer: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Embedded {
    /// Opens the file, creating it where it is missing, and starts the writer.
    pub async fn open(path: &Option<PathBuf>, settings: &config::QueueSettings) -> Result<Self, QueueError> {
        let path = path.clone().unwrap_or_else(|| PathBuf::from(FILE));
        let file = path.clone();
        let (writes, reads) = store::apart(move || {
            let failed = |error: rusqlite::Error| store::explain(&file, &error);
            let mut writes = File::make(&file).map_err(failed)?;
            store::prepare(&file, writes.db().map_err(failed)?)?;
            // Opened here, so that a later look at the depth needs no new file handle.
            let reads = File::open(&file).map_err(failed)?;
            Ok::<_, QueueError>((writes, reads))
        })
        .await??;
        let reader = Arc::new(Reader { file: Mutex::new(Some(reads)) });
        let (commands, inbox) = Inbox::new(settings.in_flight_max.max(1));
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(writes, inbox, shared.clone(), settings.delivery_limit.into());
        let ended = writer.start().map_err(|error| {
            QueueError(format!("queue file {}: no thread can be started: {error}", path.display()))
        })?;
        Ok(Self { path, reader, commands, shared, writer: Mutex::new(Some(ended)) })
    }
}

/// Counts for metrics, on a connection of its own; `None`: closed.
struct Reader {
    file: Mutex<Option<File>>,
}

impl Reader {
    fn depth(&self, lane: Lane) -> Option<u64> {
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = held.as_mut()?;
        let depth = file.db().and_then(|db| store::depth(db, lane));
        if depth.is_err() {
            file.spoil();
        }
        depth.ok()
    }

    fn close(&self) {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Whether the file is there; nothing is made.
pub(super) async fn look(path: &Option<PathBuf>) -> Result<QueueState, QueueError> {
    let path = path.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(&path) {
        Ok(file) if file.len() > 0 => return Ok(QueueState::Whole),
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
    Ok(QueueState::Missing(format!("queue file {}", path.display())))
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
        if self.shared.closed.load(Ordering::Relaxed) {
            return None;
        }
        let reader = self.reader.clone();
        store::apart(move || reader.depth(lane)).await.ok()?
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let ended = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(ended) = ended else { return };
        let drained = timeout(DRAIN_MS_MAX, async {
            // Behind everything handed over before. An error means that the writer is gone already.
            let _ = self.commands.send(Command::Stop).await;
            let _ = ended.await;
        });
        if drained.await.is_err() {
            tracing::warn!(limit = ?DRAIN_MS_MAX, "publishes in flight were not committed in time");
            self.shared.abandoned.store(true, Ordering::Relaxed);
        }
        let reader = self.reader.clone();
        let _ = store::apart(move || reader.close()).await;
    }
}
