//! How long this worker has watched each doubtful transfer, by the clock that nobody sets. What it does not know it does not
//! count: after a start, or where another worker read the channel in between, the watch goes on from the next reading.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::millis;
use crate::domain::settle::State;

/// Doubtful transfers whose last reading is known. With more of them all are forgotten, and watched for longer.
const WATCHED_MAX: usize = 10_000;

/// The last reading of this worker: by the transfer's key, its tries then, and boot time.
#[derive(Default)]
pub struct Watched(Mutex<HashMap<String, (u32, Duration)>>);

impl Watched {
    /// The time since the last reading, in ms; 0: it was not ours, or there was none.
    pub fn since_last(&self, transfer: &str, state: &State, boot: Duration) -> i64 {
        let State::Doubtful { tries, .. } = state else { return 0 };
        match self.last().get(transfer) {
            Some((at, last)) if at == tries => millis(boot.saturating_sub(*last)),
            Some(_) | None => 0,
        }
    }

    /// Notes what a reading at that time led to, or a call.
    pub fn note(&self, transfer: &str, state: &State, boot: Duration) {
        let mut last = self.last();
        match state {
            State::Doubtful { tries, .. } => {
                if last.len() >= WATCHED_MAX {
                    last.clear();
                }
                last.insert(transfer.to_owned(), (*tries, boot));
            }
            State::Planned { .. }
            | State::Intended { .. }
            | State::Settled { .. }
            | State::Held { .. }
            | State::Cancelled { .. } => {
                last.remove(transfer);
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, HashMap<String, (u32, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settle::Call;

    fn doubtful(tries: u32) -> State {
        let call = Call { attempt: 1, before: 0, at: 0, settles: 0, number: 1, moved_ms: 0, days: 30 };
        let (why, accepted, since, watched_ms) = ("timeout".to_owned(), false, 0, 0);
        let (reads, odd_reads, due, retried) = (tries, 0, 0, false);
        State::Doubtful { call, why, accepted, since, watched_ms, reads, odd_reads, tries, due, retried }
    }

    #[test]
    fn only_what_this_worker_saw_is_counted() {
        let (watched, second) = (Watched::default(), Duration::from_secs);
        assert_eq!(watched.since_last("t", &doubtful(2), second(5)), 0, "after a start");
        watched.note("t", &doubtful(3), second(5));
        assert_eq!(watched.since_last("t", &doubtful(3), second(9)), 4_000);
        assert_eq!(watched.since_last("t", &doubtful(4), second(9)), 0, "another worker read it in between");
        watched.note("t", &State::planned(0), second(9));
        assert_eq!(watched.since_last("t", &doubtful(3), second(9)), 0, "it is over");
    }
}
