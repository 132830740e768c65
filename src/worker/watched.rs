//! How long each doubtful transfer was watched, by the clock that nobody sets. A worker counts from when it first saw the
//! doubt, on top of what had been counted by then; the ledger keeps the most that any of them has. So several watch at the
//! same time, and a start loses no more than the time since the last reading.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::clock::millis;
use crate::domain::settle::State;

/// Doubtful transfers that are known. With more of them all are forgotten, and watched for longer.
const WATCHED_MAX: usize = 10_000;

/// By the transfer's key.
#[derive(Default)]
pub struct Watched(Mutex<HashMap<String, Seen>>);

/// A doubt as it was when this worker first saw it.
struct Seen {
    attempt: u32,
    watched_ms: i64,
    boot: Duration,
}

impl Watched {
    /// For how long, in ms, at this boot time; of a transfer that is not in doubt 0.
    pub fn for_ms(&self, transfer: &str, state: &State, boot: Duration) -> i64 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Doubtful { call, watched_ms, .. } = state else {
            known.remove(transfer);
            return 0;
        };
        if known.len() >= WATCHED_MAX {
            known.clear();
        }
        let first = || Seen { attempt: call.attempt, watched_ms: *watched_ms, boot };
        let seen = known.entry(transfer.to_owned()).or_insert_with(first);
        if seen.attempt != call.attempt {
            *seen = first();
        }
        seen.watched_ms.saturating_add(millis(boot.saturating_sub(seen.boot)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settle::Call;

    fn doubtful(attempt: u32, watched_ms: i64) -> State {
        let call = Call { attempt, before: 0, at: 0, settles: 0, number: 1, moved_ms: 0, days: 30 };
        let (why, accepted, since, reads, odd_reads, tries) = ("timeout".to_owned(), false, 0, 0, 0, 0);
        let (due, retried) = (0, false);
        State::Doubtful { call, why, accepted, since, watched_ms, reads, odd_reads, tries, due, retried }
    }

    #[test]
    fn what_surely_went_by_is_counted() {
        let (one, other, second) = (Watched::default(), Watched::default(), Duration::from_secs);
        assert_eq!(one.for_ms("t", &doubtful(1, 0), second(100)), 0);
        assert_eq!(one.for_ms("t", &doubtful(1, 0), second(104)), 4_000);
        // Another machine's boot time is another; what was counted when it first saw the doubt had gone by.
        assert_eq!(other.for_ms("t", &doubtful(1, 4_000), second(7)), 4_000);
        assert_eq!(other.for_ms("t", &doubtful(1, 4_000), second(10)), 7_000);
        // The first one goes on from its own first sight, however much the other has counted.
        assert_eq!(one.for_ms("t", &doubtful(1, 7_000), second(109)), 9_000);
        assert_eq!(one.for_ms("t", &doubtful(2, 0), second(200)), 0, "another call");
        assert_eq!(one.for_ms("t", &State::planned(0), second(201)), 0);
        assert_eq!(one.for_ms("t", &doubtful(2, 0), second(300)), 0, "it was over in between");
    }
}
