//! The one task of this process that writes. It takes everything that waits, applies it in one transaction,
//! and tells each caller after the commit: a thousand publishes cost a few syncs, not a thousand.
//!
//! A transaction that fails fails everything in it; each caller hears it, and nothing was stored. The connection is
//! opened anew then, unless the file was only busy: SQLite rolls back by itself where the disk is full, sqlx still counts
//! that transaction, and would never begin another.

use std::{collections::HashSet, path::PathBuf, sync::Arc, sync::atomic::AtomicBool, time::Duration};

use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::store::{self, LEASE_MS, Leased};
use crate::{
    envelope::Envelope,
    queue::{Lane, NotConfirmed, QueueError},
};

/// Commands of one commit.
pub(super) const GROUP_COMMANDS_MAX: usize = 512;

/// How often leases are prolonged.
const RENEW_MS: Duration = Duration::from_millis(LEASE_MS as u64 / 3);

/// What the writer is asked to do.
pub(super) enum Command {
    Publish { envelope: Envelope, done: oneshot::Sender<Result<(), NotConfirmed>> },
    Claim { lane: Lane, session: i64, messages_max: i64, done: oneshot::Sender<Claimed> },
    Answer { id: i64, session: i64, verdict: Verdict, done: oneshot::Sender<Result<(), QueueError>> },
    GiveBack { id: i64, session: i64, untouched: bool },
    End { session: i64 },
    Health { done: oneshot::Sender<Result<(), QueueError>> },
    Stop,
}

/// Messages of one claim.
pub(super) type Claimed = Result<Vec<Leased>, QueueError>;

/// How a consumer answers a message.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    Ack,
    Dead,
}

/// What the writer and the others of this process share.
#[derive(Default)]
pub(super) struct Shared {
    /// Set once; later publishes are refused.
    pub(super) closed: AtomicBool,
    /// Something in the file may be free now.
    pub(super) changed: Notify,
}

/// The task.
pub(super) struct Writer {
    db: SqliteConnection,
    /// The connection failed and could not be opened anew yet.
    broken: bool,
    inbox: mpsc::Receiver<Command>,
    shared: Arc<Shared>,
    path: PathBuf,
    delivery_limit: i64,
    /// Consumers that may hold leases.
    sessions: HashSet<i64>,
}

/// What to tell after the commit.
enum Told {
    Claimed(oneshot::Sender<Claimed>, Vec<Leased>),
    Answered(oneshot::Sender<Result<(), QueueError>>, bool),
}

impl Writer {
    pub(super) fn new(
        db: SqliteConnection,
        inbox: mpsc::Receiver<Command>,
        shared: Arc<Shared>,
        path: PathBuf,
        delivery_limit: i64,
    ) -> Self {
        Self { db, broken: false, inbox, shared, path, delivery_limit, sessions: HashSet::new() }
    }

    /// Until stopped, or until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut commands = Vec::with_capacity(GROUP_COMMANDS_MAX);
        let mut renewal = interval(RENEW_MS);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stop = tokio::select! {
                received = self.inbox.recv_many(&mut commands, GROUP_COMMANDS_MAX) => {
                    if received == 0 {
                        break;
                    }
                    self.group(&mut commands).await
                }
                _ = renewal.tick() => {
                    self.renew().await;
                    false
                }
            };
            if stop {
                break;
            }
        }
        // Checkpoints the file. An error leaves a WAL that the next open reads.
        let _ = self.db.close().await;
    }

    /// One transaction for all commands. Returns whether one of them was to stop.
    async fn group(&mut self, commands: &mut Vec<Command>) -> bool {
        let mut envelopes = Vec::new();
        let mut publishers = Vec::new();
        let mut others = Vec::new();
        let mut asking = Vec::new();
        let mut stop = false;
        for command in commands.drain(..) {
            match command {
                Command::Publish { envelope, done } => {
                    envelopes.push(envelope);
                    publishers.push(done);
                }
                Command::Stop => stop = true,
                Command::Health { done } => asking.push(done),
                Command::Claim { session, .. } => {
                    self.sessions.insert(session);
                    others.push(command);
                }
                Command::End { session } => {
                    self.sessions.remove(&session);
                    others.push(command);
                }
                Command::Answer { .. } | Command::GiveBack { .. } => others.push(command),
            }
        }
        let frees = !envelopes.is_empty()
            || others
                .iter()
                .any(|c| !matches!(c, Command::Claim { .. } | Command::Answer { verdict: Verdict::Ack, .. }));
        // On failure the callers of `others` hear it by their dropped oneshots.
        match self.commit(&envelopes, others).await {
            Ok(told) => {
                for done in publishers {
                    let _ = done.send(Ok(()));
                }
                let path = &self.path;
                for told in told {
                    // A caller that has gone: its consumer gives the lease back, or the lease ends.
                    match told {
                        Told::Claimed(done, leased) => drop(done.send(Ok(leased))),
                        Told::Answered(done, true) => drop(done.send(Ok(()))),
                        Told::Answered(done, false) => drop(done.send(Err(QueueError(format!(
                            "queue file {}: the lease is over; the message comes again",
                            path.display()
                        ))))),
                    }
                }
            }
            Err(error) => {
                tracing::error!(reason = %store::explain(&self.path, &error), "the queue file refuses");
                self.failed(&error).await;
                for done in publishers {
                    let _ = done.send(Err(NotConfirmed::Refused));
                }
            }
        }
        if !asking.is_empty() {
            let health = self.try_a_write().await;
            for done in asking {
                let _ = done.send(health.clone());
            }
        }
        if frees {
            self.shared.changed.notify_waiters();
        }
        stop
    }

    async fn commit(
        &mut self,
        envelopes: &[Envelope],
        others: Vec<Command>,
    ) -> Result<Vec<Told>, sqlx::Error> {
        let mut told = Vec::with_capacity(others.len());
        if envelopes.is_empty() && others.is_empty() {
            return Ok(told);
        }
        self.reopen().await?;
        // IMMEDIATE: a transaction that begins as a reader cannot wait for the other process's write.
        let mut transaction = self.db.begin_with("BEGIN IMMEDIATE").await?;
        store::insert(&mut transaction, envelopes).await?;
        for command in others {
            match command {
                Command::Claim { lane, session, messages_max, done } => {
                    let mut leased = store::claim(&mut transaction, lane, session, messages_max).await?;
                    if lane != Lane::Dead {
                        let limit = self.delivery_limit;
                        for worn in
                            leased.extract_if(.., |message| message.deliveries > limit.saturating_add(1))
                        {
                            tracing::warn!(
                                message = worn.id,
                                tries = limit,
                                "the message is dead after its last try"
                            );
                            store::bury(&mut transaction, worn.id, session).await?;
                        }
                    }
                    told.push(Told::Claimed(done, leased));
                }
                Command::Answer { id, session, verdict, done } => {
                    let held = match verdict {
                        Verdict::Ack => store::ack(&mut transaction, id, session).await?,
                        Verdict::Dead => store::bury(&mut transaction, id, session).await?,
                    };
                    told.push(Told::Answered(done, held));
                }
                Command::GiveBack { id, session, untouched } => {
                    store::give_back(&mut transaction, id, session, untouched).await?;
                }
                Command::End { session } => store::give_all_back(&mut transaction, session).await?,
                Command::Publish { .. } | Command::Health { .. } | Command::Stop => {}
            }
        }
        transaction.commit().await?;
        Ok(told)
    }

    /// Writes and takes it back.
    async fn try_a_write(&mut self) -> Result<(), QueueError> {
        let tried = async {
            self.reopen().await?;
            store::try_a_write(&mut self.db).await
        };
        match tried.await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.failed(&error).await;
                Err(store::explain(&self.path, &error))
            }
        }
    }

    /// After a failure: a file that was only busy leaves the connection as it was.
    async fn failed(&mut self, error: &sqlx::Error) {
        if !store::is_busy(error) {
            self.broken = true;
            // Told already; the next transaction tries again.
            let _ = self.reopen().await;
        }
    }

    async fn reopen(&mut self) -> Result<(), sqlx::Error> {
        if self.broken {
            self.db = store::open(&self.path).await?;
            self.broken = false;
        }
        Ok(())
    }

    async fn renew(&mut self) {
        for session in self.sessions.clone() {
            if let Err(error) = store::renew(&mut self.db, session).await {
                tracing::warn!(reason = %store::explain(&self.path, &error), "leases were not prolonged");
                self.failed(&error).await;
            }
        }
    }
}
