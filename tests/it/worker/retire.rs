//! A channel of a plan is deleted in time, or not at all.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    clock::Clock,
    domain::{
        DAY_MS,
        id::ChannelId,
        reply::{ChannelPage, Deletion, ListedChannel, ReadError, Reading, Reply},
    },
    ledger::{Act, RetireSelection, RetireState, Shorter},
    partner::Partner,
    worker::retire::Retiring,
};

use crate::ledger::kit::{ACCOUNT, NOW, sqlite};

const LONG_AGO: i64 = NOW - 40 * DAY_MS;
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Has a channel that ran out long ago, and deletes it.
#[derive(Default)]
struct Deletes(AtomicU32);

#[async_trait]
impl Partner for Deletes {
    async fn read(&self, _: &ChannelId) -> Result<Reading, ReadError> {
        Ok(Reading { active_till: LONG_AGO, mode: Some("live".into()) })
    }

    async fn extend(&self, channel: &ChannelId, _: u32, _: &str, _: &str) -> Reply {
        panic!("{channel} is extended")
    }

    async fn make_live(&self, channel: &ChannelId) -> Result<(), ReadError> {
        panic!("{channel} is switched")
    }

    async fn delete(&self, _: &ChannelId) -> Deletion {
        self.0.fetch_add(1, Ordering::Relaxed);
        Deletion::Deleted { days: Some(0) }
    }

    async fn list(&self, _: u32, _: u32) -> Result<ChannelPage, ReadError> {
        panic!("the list is read")
    }

    async fn health(&self) -> Result<(), ReadError> {
        Ok(())
    }

    async fn clock(&self) -> Option<i64> {
        None
    }
}

/// Between two looks at the clock so many seconds pass.
struct StandsStill {
    looks: AtomicU64,
    for_s: u64,
}

impl Clock for StandsStill {
    fn now_ms(&self) -> i64 {
        NOW
    }

    fn boot(&self) -> Duration {
        Duration::from_secs(self.for_s * self.looks.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whoever paid meanwhile would lose the channel.
#[tokio::test]
async fn a_process_that_stood_still_deletes_nothing() {
    let kit = sqlite().await;
    let channel = ChannelId::parse("CHAN-1").unwrap();
    let listed = ListedChannel {
        channel,
        name: None,
        phone: None,
        mode: Some("live".into()),
        active_till: Some(LONG_AGO),
    };
    kit.keep_listed(ACCOUNT, vec![listed], NOW).await.unwrap();
    kit.end_listing(ACCOUNT, (NOW, NOW + 9), Shorter::Doubted, None).await.unwrap();
    let selection = RetireSelection { expired_for_ms: Some(30 * DAY_MS), ended: false };
    let plan = kit.retire_plan(ACCOUNT, selection, "ada", NOW).await.unwrap().unwrap();
    for (for_s, state, deleted) in [(31, RetireState::Planned, 0), (30, RetireState::Deleted, 1)] {
        let (partner, clock) = (Deletes::default(), StandsStill { looks: AtomicU64::new(0), for_s });
        let retiring = Retiring {
            partner: &partner,
            ledger: &kit.ledger,
            clock: &clock,
            act: Act { who: "ada", reason: "nobody pays" },
            call_timeout: CALL_TIMEOUT,
            settle_window: Duration::ZERO,
            pause: Duration::ZERO,
        };
        let ended = retiring.apply(&plan, |_| {}).await.unwrap();
        assert_eq!((ended[0].state, partner.0.load(Ordering::Relaxed)), (state, deleted), "{for_s} s");
    }
}
