//! When a provider's API is left alone: after some failures in a row nobody asks for a while, and then one asks for
//! all. Without this, an API that does not answer would keep every hand of the worker waiting, and a long list of held
//! events would be asked for in vain one by one.
//!
//! Failures in a row, not one: an API may fail for one payment for ever, and must not be taken for away by that.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row after which it rests.
const FAILURES_MAX: u32 = 3;

/// What is known of one API.
pub(super) struct CircuitBreaker {
    length: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// Why it failed last.
    why: String,
    /// Not asked before.
    until: Option<Instant>,
}

impl CircuitBreaker {
    /// One that lasts so long.
    pub(super) fn new(length: Duration) -> Self {
        Self { length, state: Mutex::default() }
    }

    /// Whether it may be asked now; else why it failed last. `patience`: the longest time until [`CircuitBreaker::heard`].
    pub(super) fn may_ask(&self, patience: Duration, now: Instant) -> Result<(), String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures < FAILURES_MAX {
            return Ok(());
        }
        if state.until.is_some_and(|until| now < until) {
            return Err(state.why.clone());
        }
        state.until = now.checked_add(patience.saturating_add(self.length));
        Ok(())
    }

    /// How asking ended: it answered, or why not.
    pub(super) fn heard(&self, failed: Option<&str>, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match failed {
            None => State::default(),
            Some(why) => State {
                failures: state.failures.saturating_add(1),
                why: why.to_owned(),
                until: now.checked_add(self.length),
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_one_asks_for_all() {
        let (length, patience) = (Duration::from_secs(10), Duration::from_secs(5));
        let rest = CircuitBreaker::new(length);
        let start = Instant::now();
        let may = |after: u64| rest.may_ask(patience, start + Duration::from_secs(after)).is_ok();
        let fails = |after: u64| rest.heard(Some("HTTP 500"), start + Duration::from_secs(after));
        // One payment that always fails, between others.
        for _ in 0..FAILURES_MAX {
            fails(0);
            rest.heard(None, start);
            fails(0);
            assert!(may(0));
        }
        rest.heard(None, start);
        (0..FAILURES_MAX).for_each(|_| fails(0));
        assert_eq!(rest.may_ask(patience, start), Err("HTTP 500".into()));
        assert!(!may(9));
        assert!(may(10), "its rest is over: one asks");
        assert!(!may(11) && !may(24), "the others wait for what that one hears");
        fails(12);
        assert!(!may(21));
        assert!(may(22));
        rest.heard(None, start + Duration::from_secs(23));
        assert!(may(23) && may(23));
    }
}
