//! A connection, and how a transaction runs on it until it meets nobody.
//!
//! A connection may outlive what broke on it: SQLite rolls a transaction back by itself when the disk is full, a session of
//! a PostgreSQL that was demoted stays read-only. So after a failure that is neither a conflict nor the statement's own
//! fault, every connection made before it is closed instead of used again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    fault::{self, Fault},
    place::Place,
    tx::{Begin, Connection, Tx},
};
use crate::ledger::LedgerError;

/// Longest time in which one transaction is tried again; then the ledger counts as not available.
const TRIES_MAX: Duration = Duration::from_secs(6);

/// Makes a connection.
pub(super) type Opener = Arc<dyn Fn() -> Result<Connection, Fault> + Send + Sync>;

/// When a connection failed last; shared by all that reach the same database.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures(Arc<Mutex<Option<Instant>>>);

impl Failures {
    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this time was there when one failed.
    fn spoil(&self, made: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|failed| made <= failed)
    }
}

/// What a thread has.
pub(super) struct Thread {
    open: Opener,
    failures: Failures,
    place: Arc<Place>,
    connection: Option<(Tx, Instant)>,
}

impl Thread {
    /// One that makes its connection when it needs it.
    pub(super) fn new(open: Opener, failures: Failures, place: Arc<Place>) -> Self {
        Self { open, failures, place, connection: None }
    }

    /// One that has its connection, and gets no other.
    pub(super) fn with(connection: Connection, place: Arc<Place>) -> Self {
        let open: Opener =
            Arc::new(|| Err(LedgerError::Unavailable("it had one connection".to_owned()).into()));
        let connection = Some((Tx::new(connection, place.clone()), Instant::now()));
        Self { open, failures: Failures::default(), place, connection }
    }

    /// What it has.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut().map(|(tx, _)| tx.connection())
    }

    /// The connection that it has, where nothing spoiled it.
    pub(super) fn sound(&mut self) -> Option<&mut Tx> {
        if self.connection.as_ref().is_some_and(|(_, made)| self.failures.spoil(*made)) {
            self.connection = None;
        }
        self.connection.as_mut().map(|(tx, _)| tx)
    }

    /// Several transactions were lost at once: no connection of before is used again.
    pub(super) fn lost(&mut self) {
        self.failures.note();
        self.connection = None;
    }

    /// Runs a transaction until it meets nobody.
    pub(super) fn tries<T>(
        &mut self,
        begin: Begin,
        work: &mut dyn FnMut(&mut Tx) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        let (mut tries, begun) = (0_u32, Instant::now());
        loop {
            let fault = match catch_unwind(AssertUnwindSafe(|| self.once(begin, work))) {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(fault)) => fault,
                Err(_) => {
                    self.connection = None;
                    return Err(LedgerError::Unavailable(
                        "a transaction ended in a panic, see above".to_owned(),
                    ));
                }
            };
            if matches!(fault, Fault::Broken(_)) {
                self.failures.note();
                self.connection = None;
            }
            if matches!(fault, Fault::Full(_)) {
                self.connection = None;
            }
            tries = tries.saturating_add(1);
            // Each try of a file that another process has locked waits for that by itself.
            if !fault.may_pass(tries) || begun.elapsed() >= TRIES_MAX {
                return Err(fault.report());
            }
            self.place.counts.retries.fetch_add(1, Ordering::Relaxed);
            thread::sleep(fault::wait(tries));
        }
    }

    fn once<T>(
        &mut self,
        begin: Begin,
        work: &mut dyn FnMut(&mut Tx) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if let Some(tx) = self.sound() {
            match tx.run(begin, work) {
                // It broke while it was idle: nothing was answered, and what is asked first begins or reads.
                Err(Fault::Broken(_)) if !tx.was_answered() => self.connection = None,
                done => return done,
            }
        }
        let tx = Tx::new((self.open)()?, self.place.clone());
        if tx.is_elsewhere() {
            // All go there, or what one has written the next one would not find.
            self.failures.note();
        }
        self.connection.insert((tx, Instant::now())).0.run(begin, work)
    }
}
