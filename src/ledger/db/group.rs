//! Transactions that one commit ends. What came while the connection wrote goes into its next transaction together, each
//! in a savepoint of its own, and is answered after the commit: one sync of the disk serves all of them. Nothing waits
//! for company: what is alone runs alone.
//!
//! What fails among others is taken back by itself, and runs again alone, as what met another transaction does. Where the
//! whole is lost, all of them do.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::oneshot;

use super::{
    fault::Fault,
    thread::Thread,
    tx::{Begin, Tx},
};
use crate::ledger::LedgerError;

/// Most transactions of one commit: each waits for the others' statements too.
pub(super) const TOGETHER_MAX: usize = 64;

/// A transaction that somebody waits for.
pub(super) trait Job: Send {
    /// Whether its caller still waits; if so, it is not given up any more.
    fn take(&mut self) -> bool;
    /// Runs it among others, whose commit it needs.
    fn join(&mut self, tx: &mut Tx) -> Result<(), Fault>;
    /// Tells what it came to among others, now that they are committed.
    fn tell(self: Box<Self>);
    /// Tells that it cannot run.
    fn refuse(self: Box<Self>, why: LedgerError);
    /// Runs it by itself, until it meets nobody, and tells.
    fn alone(self: Box<Self>, thread: &mut Thread);
}

/// Runs what waits, or the first of it where nothing can run together.
pub(super) fn run(waiting: &mut VecDeque<Box<dyn Job>>, thread: &mut Thread) {
    let apart = if waiting.len() > 1 { together(waiting, thread) } else { waiting.drain(..).collect() };
    for mut job in apart {
        if job.take() {
            job.alone(thread);
        }
    }
}

/// Runs them in one transaction; returns those that have to run alone.
fn together(waiting: &mut VecDeque<Box<dyn Job>>, thread: &mut Thread) -> Vec<Box<dyn Job>> {
    // The first makes a connection by itself.
    let Some(tx) = thread.sound() else { return waiting.pop_front().into_iter().collect() };
    match tx.begin_group() {
        Ok(()) => {}
        Err(Fault::Ledger(why)) => {
            // Each waits for another process's write once, as it would alone.
            if let Some(mut first) = waiting.pop_front()
                && first.take()
            {
                first.refuse(why);
            }
            return Vec::new();
        }
        Err(_) => return waiting.pop_front().into_iter().collect(),
    }
    let (mut joined, mut apart) = (Vec::new(), Vec::new());
    while let Some(mut job) = waiting.pop_front() {
        if !job.take() {
            continue;
        }
        let done = catch_unwind(AssertUnwindSafe(|| job.join(tx)));
        if !tx.is_in_group()
            || !matches!(done, Ok(Ok(()) | Err(Fault::Conflict(_) | Fault::Taken(_) | Fault::Ledger(_))))
        {
            thread.disconnect();
            joined.push(job);
            joined.append(&mut apart);
            joined.extend(waiting.drain(..));
            return joined;
        }
        match done {
            Ok(Ok(())) => joined.push(job),
            Ok(Err(_)) | Err(_) => apart.push(job),
        }
    }
    if tx.end_group().is_err() {
        thread.disconnect();
        joined.append(&mut apart);
        return joined;
    }
    joined.into_iter().for_each(|job| job.tell());
    apart
}

/// A transaction's closure, and where its caller waits.
struct Work<T, F> {
    begin: Begin,
    work: F,
    decided: Arc<AtomicBool>,
    taken: bool,
    done: Option<T>,
    tells: oneshot::Sender<Result<T, LedgerError>>,
}

/// What a caller waits for.
pub(super) struct Answer<T> {
    /// What it came to.
    pub(super) told: oneshot::Receiver<Result<T, LedgerError>>,
    /// It was taken, or given up: whatever came first.
    decided: Arc<AtomicBool>,
}

impl<T> Answer<T> {
    /// Whether it never runs: nobody has taken it yet.
    pub(super) fn give_up(&self) -> bool {
        !self.decided.swap(true, Ordering::SeqCst)
    }
}

/// To be run, and where its answer comes.
pub(super) fn job<T: Send + 'static>(
    begin: Begin,
    work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
) -> (Box<dyn Job>, Answer<T>) {
    let (tells, told) = oneshot::channel();
    let decided = Arc::new(AtomicBool::new(false));
    let answer = Answer { told, decided: decided.clone() };
    (Box::new(Work { begin, work, decided, taken: false, done: None, tells }), answer)
}

impl<T, F> Job for Work<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
{
    fn take(&mut self) -> bool {
        self.taken = self.taken || !self.tells.is_closed() && !self.decided.swap(true, Ordering::SeqCst);
        self.taken
    }

    fn join(&mut self, tx: &mut Tx) -> Result<(), Fault> {
        self.done = Some(tx.run(self.begin, &mut self.work)?);
        Ok(())
    }

    fn tell(self: Box<Self>) {
        if let Some(done) = self.done {
            let _ = self.tells.send(Ok(done));
        }
    }

    fn refuse(self: Box<Self>, why: LedgerError) {
        let _ = self.tells.send(Err(why));
    }

    fn alone(mut self: Box<Self>, thread: &mut Thread) {
        let done = thread.tries(self.begin, &mut self.work);
        let _ = self.tells.send(done);
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
