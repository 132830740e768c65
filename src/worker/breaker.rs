//! Stops new calls after several unclear outcomes in a row over all channels: each of them costs a window of
//! doubt. After a pause, reads go on; the first that succeeds lets calls through again. [`Outages`](super::Outages) says
//! when it opens and closes.

use std::sync::{Mutex, PoisonError};

use super::meters;
use crate::domain::Ms;

/// One per worker process.
#[derive(Debug)]
pub struct Breaker {
    unclear_max: u32,
    pause_ms: i64,
    state: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    unclear: u32,
    open_since: Option<Ms>,
    open_until: Option<Ms>,
}

impl Breaker {
    /// Opens after `unclear_max` in a row, for `pause_ms` at a time.
    pub fn new(unclear_max: u32, pause_ms: i64) -> Self {
        Self { unclear_max, pause_ms, state: Mutex::default() }
    }

    /// Until when no planned transfer may be started.
    pub fn rests_until(&self, now: Ms) -> Option<Ms> {
        self.inner().open_until.filter(|until| self.rests(*until, now))
    }

    /// Since when it has been open; it is until a read succeeds.
    pub fn open_since(&self) -> Option<Ms> {
        self.inner().open_since
    }

    /// A call was answered: clearly or not. `true`: it opens now.
    pub fn called(&self, unclear: bool, now: Ms) -> bool {
        let mut inner = self.inner();
        inner.unclear = if unclear { inner.unclear.saturating_add(1) } else { 0 };
        if inner.unclear < self.unclear_max {
            return false;
        }
        inner.open_until = Some(now.saturating_add(self.pause_ms));
        metrics::gauge!(meters::BREAKER).set(1);
        let opens = inner.open_since.is_none();
        inner.open_since = inner.open_since.or(Some(now));
        opens
    }

    /// A read succeeded or failed.
    pub fn read(&self, ok: bool, now: Ms) {
        let mut inner = self.inner();
        if inner.open_until.is_some_and(|until| !self.rests(until, now)) {
            if ok {
                *inner = Inner::default();
                metrics::gauge!(meters::BREAKER).set(0);
            } else {
                inner.open_until = Some(now.saturating_add(self.pause_ms));
            }
        }
    }

    /// A pause that ends further ahead than one is long was begun by a clock that was ahead, and is over.
    fn rests(&self, until: Ms, now: Ms) -> bool {
        now < until && until <= now.saturating_add(self.pause_ms)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_several_and_closes_on_a_read() {
        let breaker = Breaker::new(2, 100);
        breaker.called(true, 0);
        breaker.called(false, 1);
        breaker.called(true, 2);
        assert_eq!((breaker.rests_until(3), breaker.open_since()), (None, None));
        assert!(breaker.called(true, 3));
        assert!(!breaker.called(true, 3), "it is open");
        assert_eq!((breaker.rests_until(4), breaker.open_since()), (Some(103), Some(3)));
        breaker.read(true, 50);
        assert_eq!(breaker.rests_until(51), Some(103), "a read within the pause proves nothing");
        breaker.read(false, 103);
        assert_eq!(breaker.rests_until(104), Some(203));
        assert_eq!(breaker.open_since(), Some(3), "its pause was longer, and it is the same");
        breaker.read(true, 203);
        assert_eq!(breaker.open_since(), None);
        breaker.called(true, 204);
        assert_eq!(breaker.rests_until(205), None);
        breaker.called(true, 9_000);
        assert_eq!(breaker.rests_until(9_001), Some(9_100));
        assert_eq!(breaker.rests_until(1_000), None, "the clock was set back");
    }
}
