//! Threads that own a connection each. A whole transaction is handed to one of them as a closure, so that it costs two
//! switches however many statements it has, and nothing in it waits for the runtime.
//!
//! A closure runs again where it met another transaction, so it owns what it needs and changes nothing but the database.
//! What was begun ends, also where its caller is gone: a step that was told to the ledger is not taken back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use tokio::time::sleep;

use super::{
    fault::Fault,
    group::{self, Job},
    thread::Thread,
    tx::{Begin, Tx},
};
use crate::ledger::LedgerError;

/// Longest wait for a connection; then the ledger counts as not available.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Clone)]
pub(super) struct Threads {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Threads {
    /// So many, each of which runs at most `together_max` transactions in one. They end when this and all its clones are
    /// dropped.
    pub(super) fn start(
        name: &str,
        count: u32,
        together_max: usize,
        own: impl Fn() -> Thread,
    ) -> Result<Self, LedgerError> {
        let (jobs, inbox) = mpsc::channel();
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..count.max(1) {
            let (inbox, own) = (inbox.clone(), own());
            let started = thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || serve(&inbox, own, together_max));
            started
                .map_err(|error| LedgerError::Unavailable(format!("no thread can be started: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Runs a transaction until it meets nobody.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        begin: Begin,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (job, mut answer) = group::job(begin, work);
        self.jobs.send(job).map_err(|_| gone())?;
        tokio::select! {
            biased;
            told = &mut answer.told => return told.map_err(|_| gone())?,
            () = sleep(WAIT_MAX) => {}
        }
        if answer.give_up() {
            return Err(LedgerError::Unavailable("every connection is busy, or none can be made".to_owned()));
        }
        answer.told.await.map_err(|_| gone())?
    }
}

fn gone() -> LedgerError {
    LedgerError::Unavailable("the ledger's thread has ended".to_owned())
}

/// Runs what comes, as long as anybody may send.
fn serve(inbox: &Mutex<mpsc::Receiver<Box<dyn Job>>>, mut own: Thread, together_max: usize) {
    let mut waiting = VecDeque::new();
    loop {
        {
            let inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_empty() {
                let Ok(job) = inbox.recv() else { return };
                waiting.push_back(job);
            }
            while waiting.len() < together_max
                && let Ok(job) = inbox.try_recv()
            {
                waiting.push_back(job);
            }
        }
        group::run(&mut waiting, &mut own, group::JOINING_MAX);
    }
}
