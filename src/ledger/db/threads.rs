//! Threads that own a connection each. A whole transaction is handed to one of them as a closure, so that it costs two
//! switches however many statements it has, and nothing in it waits for the runtime.
//!
//! A closure runs again where it met another transaction, so it owns what it needs and changes nothing but the database.
//! What was begun ends, also where its caller is gone: a step that was told to the ledger is not taken back.
//!
//! A connection may outlive what broke on it: SQLite rolls a transaction back by itself when the disk is full, a session of
//! a PostgreSQL that was demoted stays read-only. So after a failure that is neither a conflict nor the statement's own
//! fault, every connection made before it is closed instead of used again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::sleep};

use super::{
    fault::{self, Fault},
    place::Place,
    tx::{Begin, Connection, Tx},
};
use crate::ledger::LedgerError;

/// Longest wait for a connection; then the ledger counts as not available.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Longest time in which one transaction is tried again; then the ledger counts as not available.
const TRIES_MAX: Duration = Duration::from_secs(6);

/// Makes a connection.
pub(super) type Opener = Arc<dyn Fn() -> Result<Connection, Fault> + Send + Sync>;

type Job = Box<dyn FnOnce(&mut Thread) + Send>;

/// See the module.
#[derive(Clone)]
pub(super) struct Threads {
    jobs: mpsc::Sender<Job>,
}

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

impl Threads {
    /// They end when this and all its clones are dropped.
    pub(super) fn start(
        name: &str,
        count: u32,
        open: &Opener,
        failures: &Failures,
        place: &Arc<Place>,
    ) -> Result<Self, LedgerError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..count.max(1) {
            let inbox = inbox.clone();
            let mut own = Thread {
                open: open.clone(),
                failures: failures.clone(),
                place: place.clone(),
                connection: None,
            };
            let started = thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                loop {
                    let job = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    job(&mut own);
                }
            });
            started
                .map_err(|error| LedgerError::Unavailable(format!("no thread can be started: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Runs a transaction until it meets nobody.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        begin: Begin,
        mut work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let taken = Arc::new(AtomicBool::new(false));
        let (done, mut told) = oneshot::channel();
        let gone = || LedgerError::Unavailable("the ledger's thread has ended".to_owned());
        let job: Job = {
            let taken = taken.clone();
            Box::new(move |thread| {
                if !done.is_closed() && !taken.swap(true, Ordering::SeqCst) {
                    let _ = done.send(thread.tries(begin, &mut work));
                }
            })
        };
        self.jobs.send(job).map_err(|_| gone())?;
        tokio::select! {
            biased;
            told = &mut told => return told.map_err(|_| gone())?,
            () = sleep(WAIT_MAX) => {}
        }
        if !taken.swap(true, Ordering::SeqCst) {
            return Err(LedgerError::Unavailable("every connection is busy, or none can be made".to_owned()));
        }
        told.await.map_err(|_| gone())?
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
        if self.connection.as_ref().is_some_and(|(_, made)| self.failures.spoil(*made)) {
            self.connection = None;
        }
        if let Some((tx, _)) = &mut self.connection {
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
