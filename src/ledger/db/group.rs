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
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    fault::Fault,
    thread::Thread,
    tx::{Begin, Tx},
};
use crate::ledger::LedgerError;

/// Most transactions of one commit.
pub(super) const TOGETHER_MAX: usize = 64;

/// How long a transaction takes in others: each waits for all, and another process waits with its own.
pub(super) const JOINING_MAX: Duration = Duration::from_millis(15);

/// After several have written together, others may write for this part of the time that they took. Another process looks
/// for its turn only now and then, and must find one.
const PAUSE_PART: u32 = 8;

/// A transaction that somebody waits for.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_given_up(&self) -> bool;
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

/// Runs what waits: some of it together, or the first alone. The rest goes on waiting.
pub(super) fn run(waiting: &mut VecDeque<Box<dyn Job>>, thread: &mut Thread, joining_max: Duration) {
    waiting.retain(|job| !job.is_given_up());
    let apart = match waiting.len() {
        0 | 1 => waiting.drain(..).collect(),
        _ => together(waiting, thread, joining_max),
    };
    for mut job in apart {
        if job.take() {
            job.alone(thread);
        }
    }
}

/// Runs them in one transaction; returns those that have to run alone.
fn together(
    waiting: &mut VecDeque<Box<dyn Job>>,
    thread: &mut Thread,
    joining_max: Duration,
) -> Vec<Box<dyn Job>> {
    // The first makes a connection by itself.
    let Some(tx) = thread.sound() else { return waiting.pop_front().into_iter().collect() };
    match tx.begin_group() {
        Ok(()) => {}
        Err(Fault::Ledger(why)) => {
            // Another process writes, for as long as one waits for that; all have waited.
            for mut job in waiting.drain(..) {
                if job.take() {
                    job.refuse(why.clone());
                }
            }
            return Vec::new();
        }
        Err(_) => return waiting.pop_front().into_iter().collect(),
    }
    let begun = Instant::now();
    let (mut joined, mut apart) = (Vec::new(), Vec::new());
    while begun.elapsed() < joining_max
        && let Some(mut job) = waiting.pop_front()
    {
        if !job.take() {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| job.join(tx))) {
            Ok(Ok(())) if tx.is_in_group() => joined.push(job),
            Ok(Err(Fault::Conflict(_) | Fault::Taken(_) | Fault::Ledger(_))) if tx.is_in_group() => {
                apart.push(job);
            }
            // The whole is lost, or nobody knows what of it is there.
            Ok(_) | Err(_) => {
                thread.lost();
                joined.push(job);
                joined.append(&mut apart);
                return joined;
            }
        }
    }
    if tx.end_group().is_err() {
        thread.lost();
        joined.append(&mut apart);
        return joined;
    }
    joined.into_iter().for_each(|job| job.tell());
    thread::sleep(begun.elapsed() / PAUSE_PART);
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
    fn is_given_up(&self) -> bool {
        self.tells.is_closed() || !self.taken && self.decided.load(Ordering::SeqCst)
    }

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
