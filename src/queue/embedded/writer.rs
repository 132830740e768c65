//! The one thread of this process that writes. It takes everything that waits, applies it in one transaction,
//! and tells each caller after the commit: a thousand publishes cost a few syncs, not a thousand.
//!
//! A transaction that fails fails everything in it; each caller hears it, and nothing was stored. The connection is
//! opened anew then, unless the file was only busy: what broke may stay with a connection, and the file may have been
//! put right meanwhile. The same after a panic, which costs its callers their answer and not the thread.
//!
//! A thread of its own, because SQLite waits for the disk.

use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use rusqlite::TransactionBehavior;
use tokio::sync::oneshot;

use super::{
    file::File,
    inbox::{Came, Claimed, Command, Group, Inbox, Shared, Verdict},
    space::{self, Space},
    store::{self, LEASE_MS, Leased},
};
use crate::{
    envelope::Envelope,
    queue::{Lane, NotConfirmed, QueueError},
};

/// How often leases are prolonged.
const RENEW_MS: Duration = Duration::from_millis(LEASE_MS as u64 / 3);

/// What the thread has.
pub(super) struct Writer {
    file: File,
    inbox: Inbox,
    shared: Arc<Shared>,
    delivery_limit: i64,
    /// Consumers that may hold leases.
    sessions: HashSet<i64>,
    renewed_at: Instant,
    space: Space,
    /// When the file may give space back, if nothing is asked before.
    space_at: Option<Instant>,
}

/// What to tell after the commit.
enum Told {
    Claimed(oneshot::Sender<Claimed>, Vec<Leased>),
    Answered(oneshot::Sender<Result<(), QueueError>>, bool),
}

impl Writer {
    pub(super) fn new(file: File, inbox: Inbox, shared: Arc<Shared>, delivery_limit: i64) -> Self {
        Self {
            file,
            inbox,
            shared,
            delivery_limit,
            sessions: HashSet::new(),
            renewed_at: Instant::now(),
            space: Space::default(),
            space_at: Some(Instant::now() + space::QUIET_MS),
        }
    }

    /// Starts the thread. What it returns closes when the thread has ended, and the file is closed.
    pub(super) fn start(self) -> io::Result<oneshot::Receiver<()>> {
        let (running, ended) = oneshot::channel();
        thread::Builder::new().name("queue-writer".into()).spawn(move || {
            self.run();
            drop(running);
        })?;
        Ok(ended)
    }

    /// Until stopped, or until nobody can ask any more.
    fn run(mut self) {
        while !self.shared.abandoned.load(Ordering::Relaxed) {
            match catch_unwind(AssertUnwindSafe(|| self.round())) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    tracing::error!("the writer of the queue file panicked, see standard error; it goes on");
                    self.failed(&rusqlite::Error::UnwindingPanic);
                }
            }
        }
        self.file.close();
    }

    /// Waits, and does what came or what is due. Returns whether it goes on.
    fn round(&mut self) -> bool {
        let renewal = self.renewed_at + RENEW_MS;
        match self.inbox.receive(self.space_at.map_or(renewal, |at| at.min(renewal))) {
            Came::Group(group) => {
                let stop = group.stop;
                self.group(group);
                // Commands put it off, and never shorten a longer wait.
                self.space_at = self.space_at.max(Some(Instant::now() + space::QUIET_MS));
                if stop {
                    return false;
                }
            }
            Came::Nothing if self.space_at.is_some_and(|at| at <= Instant::now()) => self.give_space_back(),
            Came::Nothing => {}
            Came::Over => return false,
        }
        if self.renewed_at.elapsed() >= RENEW_MS {
            self.renew();
        }
        true
    }

    /// One transaction for all commands.
    fn group(&mut self, group: Group) {
        for command in &group.others {
            match command {
                Command::Claim { session, .. } => drop(self.sessions.insert(*session)),
                Command::End { session } => drop(self.sessions.remove(session)),
                _ => {}
            }
        }
        let frees = group.frees();
        // On failure the callers of `others` hear it by their dropped oneshots.
        match self.commit(&group.envelopes, group.others) {
            Ok(told) => {
                for done in group.publishers {
                    let _ = done.send(Ok(()));
                }
                for told in told {
                    self.tell(told);
                }
            }
            Err(error) => {
                tracing::error!(reason = %store::explain(self.file.path(), &error), "the queue file refuses");
                self.failed(&error);
                for done in group.publishers {
                    let _ = done.send(Err(NotConfirmed::Refused));
                }
            }
        }
        if !group.asking.is_empty() {
            let health = self.try_a_write();
            for done in group.asking {
                let _ = done.send(health.clone());
            }
        }
        if frees {
            self.shared.changed.notify_waiters();
        }
    }

    /// A caller that has gone: its consumer gives the lease back, or the lease ends.
    fn tell(&self, told: Told) {
        match told {
            Told::Claimed(done, leased) => drop(done.send(Ok(leased))),
            Told::Answered(done, true) => drop(done.send(Ok(()))),
            Told::Answered(done, false) => drop(done.send(Err(QueueError(format!(
                "queue file {}: the lease is over; the message comes again",
                self.file.path().display()
            ))))),
        }
    }

    fn commit(&mut self, envelopes: &[Envelope], others: Vec<Command>) -> Result<Vec<Told>, rusqlite::Error> {
        let mut told = Vec::with_capacity(others.len());
        if envelopes.is_empty() && others.is_empty() {
            return Ok(told);
        }
        // IMMEDIATE: a transaction that begins as a reader cannot wait for the other process's write.
        let transaction = self.file.db()?.transaction_with_behavior(TransactionBehavior::Immediate)?;
        store::insert(&transaction, envelopes)?;
        for command in others {
            match command {
                Command::Claim { lane, session, messages_max, done } => {
                    let mut leased = store::claim(&transaction, lane, session, messages_max)?;
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
                            store::bury(&transaction, worn.id, session)?;
                        }
                    }
                    told.push(Told::Claimed(done, leased));
                }
                Command::Answer { id, session, verdict, done } => {
                    let held = match verdict {
                        Verdict::Ack => store::ack(&transaction, id, session)?,
                        Verdict::Dead => store::bury(&transaction, id, session)?,
                    };
                    told.push(Told::Answered(done, held));
                }
                Command::GiveBack { id, session, untouched } => {
                    store::give_back(&transaction, id, session, untouched)?;
                }
                Command::End { session } => store::give_all_back(&transaction, session)?,
                Command::Publish { .. } | Command::Health { .. } | Command::Stop => {}
            }
        }
        transaction.commit()?;
        Ok(told)
    }

    /// Writes and takes it back.
    fn try_a_write(&mut self) -> Result<(), QueueError> {
        let tried = self.file.db().and_then(store::try_a_write);
        tried.map_err(|error| {
            self.failed(&error);
            store::explain(self.file.path(), &error)
        })
    }

    /// After a failure: a file that was only busy leaves the connection as it was.
    fn failed(&mut self, error: &rusqlite::Error) {
        if !store::is_busy(error) {
            self.file.spoil();
        }
    }

    fn renew(&mut self) {
        self.renewed_at = Instant::now();
        for session in self.sessions.clone() {
            let renewed = self.file.db().and_then(|db| store::renew(db, session));
            if let Err(error) = renewed {
                tracing::warn!(reason = %store::explain(self.file.path(), &error), "leases were not prolonged");
                self.failed(&error);
            }
        }
    }

    /// One step of it.
    fn give_space_back(&mut self) {
        self.space_at = None;
        let stepped = self.file.db().and_then(|db| self.space.step(db));
        let wait = stepped.unwrap_or_else(|error| {
            tracing::warn!(reason = %store::explain(self.file.path(), &error), "the queue file did not become smaller");
            self.failed(&error);
            Some(space::FAILED_MS)
        });
        self.space_at = wait.map(|wait| Instant::now() + wait);
    }
}
