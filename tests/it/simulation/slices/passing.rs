//! How weeks pass: at once up to a second before the next thing that happens by itself.

use std::time::Duration;

use daybridge::{
    domain::{Ms, closed::TransferState},
    ledger::query::{Page, TransferQuery},
};
use tokio::time::{advance, sleep};

use super::super::{person::Person, world::World};

/// So long a time passes as it is.
const SHORT_MS: Ms = 60_000;

/// A moment in which something is under way.
const MOMENT: Duration = Duration::from_secs(5);

/// How long something may be under way that does not end, before hours pass at once: the balance has run out, a person is
/// away. Then so long after each time.
const AWAKE_MS: [Ms; 2] = [120_000, 10_000];

/// The hours.
const HOURS_MS: Ms = 6 * 3_600_000;

impl World {
    /// So much time goes by.
    pub async fn passes(&self, time: Duration, person: &Person) {
        let until = self.now() + i64::try_from(time.as_millis()).unwrap();
        let (mut since, mut tired) = (self.now(), 0);
        loop {
            let now = self.now();
            let left = until - now;
            if left <= SHORT_MS {
                sleep(Duration::from_millis(u64::try_from(left.max(0)).unwrap())).await;
                return;
            }
            let soonest = self.soonest(person).await;
            let busy = soonest.is_some_and(|at| at <= now + SHORT_MS);
            if busy && now - since < AWAKE_MS[tired] {
                sleep(MOMENT).await;
                continue;
            }
            self.watch_late(person).await;
            let to = if busy { now + HOURS_MS } else { soonest.map_or(until, |at| at - 1_000) };
            tired = usize::from(busy);
            if busy {
                // What takes minutes seems to take hours.
                self.inner().slices.disturbed_at = to;
            }
            advance(Duration::from_millis(u64::try_from(to.min(until) - now).unwrap())).await;
            since = self.now();
            sleep(MOMENT).await;
        }
    }

    /// When something happens next by itself; a time that is over: something is under way.
    async fn soonest(&self, person: &Person) -> Option<Ms> {
        if !self.broker.is_empty() {
            return Some(0);
        }
        let mut soonest = None;
        for state in [TransferState::Intended, TransferState::Doubtful, TransferState::Planned] {
            let query = TransferQuery { state: Some(state), channel: None };
            let rows = person.ledger.transfers(&query, &Page::first(1_000)).await.unwrap();
            let times = rows.iter().filter_map(|row| match state {
                TransferState::Planned => row.next_at.filter(|at| *at < Ms::MAX),
                _ => Some(0),
            });
            soonest = times.chain(soonest).min();
        }
        soonest
    }
}
