//! The backfill's order of effects: confirm first, then the cursor.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use daybridge::{
    clock::{Machine, now_ms},
    domain::Ms,
    envelope::Trigger,
    ledger::Act,
    ops::backfill::{self, Asked},
    provider::history::{EventRange, History, HistoryError, Listed, Paid, Walk, Which},
    queue::NotConfirmed,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::kit::{Kit, charge, rules, sqlite, to},
    provider::bench::{HandQueue, Manner},
    support::wait::until,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A past in the test's hands.
struct Past {
    events: Mutex<Vec<Listed>>,
    page: usize,
    away: AtomicBool,
    pages: AtomicUsize,
}

impl Past {
    fn of(events: &[(&str, Ms)]) -> Arc<Self> {
        Self::paged(events, 100)
    }

    fn paged(events: &[(&str, Ms)], page: usize) -> Arc<Self> {
        let mut listed: Vec<Listed> = events.iter().map(|(id, at)| listed(id, *at)).collect();
        listed.sort_by_key(|event| std::cmp::Reverse(event.created_at));
        Arc::new(Self {
            events: Mutex::new(listed),
            page,
            away: AtomicBool::new(false),
            pages: AtomicUsize::new(0),
        })
    }
}

fn listed(id: &str, at: Ms) -> Listed {
    Listed {
        event_id: id.into(),
        event_type: "charge.succeeded".into(),
        created_at: at,
        body: Bytes::from(format!("{{\"id\": \"{id}\"}}")),
    }
}

#[async_trait]
impl History for Past {
    async fn events(
        &self,
        range: EventRange,
        which: Which,
        walk: &mut Walk,
    ) -> Result<Vec<Listed>, HistoryError> {
        self.pages.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(HistoryError::Away("it sleeps".into()));
        }
        let events = self.events.lock().unwrap().clone();
        let fits = |event: &&Listed| {
            let undelivered = which == Which::All || event.event_id.starts_with("evt_failed");
            (range.from..range.until).contains(&event.created_at) && undelivered
        };
        let mut fitting = events.iter().filter(fits).peekable();
        if let Some(after) = walk.after() {
            fitting.find(|event| event.event_id == after);
        }
        let page: Vec<Listed> = fitting.by_ref().take(self.page).cloned().collect();
        walk.turn(page.last().map(|event| event.event_id.clone()), fitting.peek().is_some())?;
        Ok(page)
    }

    async fn payments(&self, _: EventRange, _: &mut Walk) -> Result<Vec<Paid>, HistoryError> {
        unreachable!("a backfill asks for events")
    }

    async fn health(&self) -> Result<(), HistoryError> {
        Ok(())
    }
}

fn asked(past: &Arc<Past>) -> Asked {
    Asked {
        source: "stripe".into(),
        realm_sources: vec!["stripe".into(), "second".into()],
        every_ms: DAY,
        sweep_ms: 3 * DAY,
        history: past.clone(),
    }
}

/// A ledger that may grant whatever was paid.
async fn adopted() -> Kit {
    let kit = sqlite().await;
    kit.adopt(0, &Act { who: "ada", reason: "old fixtures" }, now_ms()).await.unwrap();
    kit
}

async fn row(kit: &Kit, column: &str) -> Option<i64> {
    let found = kit.sql().await.column(&format!("SELECT {column} FROM backfill")).await;
    found.first()?.as_ref().map(|value| value.parse().unwrap())
}

/// One whole turn, by as many workers.
async fn turn(kit: &Kit, past: &Arc<Past>, queue: &Arc<HandQueue>, workers: usize) {
    kit.sql().await.execute("UPDATE backfill SET next_at = 0").await;
    let begun = now_ms();
    let stop = CancellationToken::new();
    let running = (0..workers).map(|_| {
        let ledger = Arc::new(kit.ledger.clone());
        tokio::spawn(backfill::run(vec![asked(past)], ledger, queue.clone(), Arc::new(Machine), stop.clone()))
    });
    let running: Vec<_> = running.collect();
    // While it lasts, the turn is leased for minutes; then nothing is due for a day.
    until("the turn is over", || async {
        row(kit, "next_at").await.filter(|next_at| *next_at >= begun + DAY).map(drop)
    })
    .await;
    stop.cancel();
    for running in running {
        running.await.unwrap();
    }
}

fn published(queue: &HandQueue) -> Vec<String> {
    let mut ids: Vec<String> =
        queue.published.lock().unwrap().iter().map(|envelope| envelope.event_id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_moves_only_behind_what_is_confirmed() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    let made = now_ms() - 5 * HOUR;
    let past = Past::of(&[("evt_old", made - HOUR * 20), ("evt_1", made)]);
    queue.set(Manner::Refuse(NotConfirmed::Blocked("disk".into())));
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(published(&queue), ["evt_old"], "the oldest first, and nothing behind it");
    let seen = row(&kit, "seen_until").await.unwrap();
    assert!(seen <= made - HOUR * 20, "{seen} is behind what was not confirmed");

    queue.set(Manner::Confirm);
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(published(&queue), ["evt_1", "evt_old", "evt_old"]);
    let seen = row(&kit, "seen_until").await.unwrap();
    assert!((now_ms() - 3 * MINUTE..=now_ms() - MINUTE).contains(&seen), "{seen}");

    // And a provider that is away moves nothing.
    past.away.store(true, Ordering::SeqCst);
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(row(&kit, "seen_until").await, Some(seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_from_any_source_of_the_realm_is_not_missing() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    let facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    kit.record("evt_1", &facts).await;
    let mut elsewhere = crate::ledger::kit::delivery("evt_2");
    elsewhere.source = "second".into();
    kit.record_as(&elsewhere, Ok(&facts), &rules(), false).await;
    let made = now_ms() - 2 * MINUTE;
    let past = Past::of(&[("evt_1", made), ("evt_2", made), ("evt_3", made), ("evt_young", now_ms())]);
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(published(&queue), ["evt_3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_found_twice_is_one_delivery() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    let past = Past::of(&[("evt_1", now_ms() - 2 * MINUTE)]);
    turn(&kit, &past, &queue, 1).await;
    turn(&kit, &past, &queue, 1).await;
    let found = queue.published.lock().unwrap().clone();
    assert_eq!(found.len(), 2, "the overlap shows what is not recorded yet again");
    for envelope in &found {
        assert_eq!(envelope.delivery, "backfill-stripe-evt_1");
        assert_eq!((envelope.trigger, &*envelope.content_type), (Trigger::Backfill, "application/json"));
        assert_eq!(envelope.body, "{\"id\": \"evt_1\"}");
    }
    let facts = to(charge(&["pi_1"]), "CHAN-1", 30);
    let again = [
        kit.record_as(&found[0], Ok(&facts), &rules(), false).await.again,
        kit.record_as(&found[1], Ok(&facts), &rules(), false).await.again,
    ];
    assert_eq!(again, [false, true]);
    assert_eq!(kit.events(10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_workers_one_asks() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    let past = Past::of(&[("evt_1", now_ms() - 2 * MINUTE), ("evt_2", now_ms() - DAY)]);
    turn(&kit, &past, &queue, 4).await;
    assert_eq!(published(&queue), ["evt_1", "evt_2"]);
    assert_eq!(row(&kit, "turn").await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_with_too_many_events_is_halved() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    let names: Vec<String> = (0..300).map(|n| format!("evt_{n:03}")).collect();
    let begun = now_ms() - 90 * MINUTE;
    let events: Vec<(&str, Ms)> =
        names.iter().zip(0..).map(|(name, n)| (&**name, begun + n * 10_000)).collect();
    let past = Past::paged(&events, 1);
    turn(&kit, &past, &queue, 1).await;
    let mut found = published(&queue);
    found.dedup();
    assert_eq!(found, names);
    assert!(past.pages.load(Ordering::SeqCst) < 1500);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_delivered_is_looked_for_again_behind_the_cursor() {
    let (kit, queue) = (adopted().await, HandQueue::new());
    turn(&kit, &Past::of(&[]), &queue, 1).await;
    let seen = row(&kit, "seen_until").await;
    let made = now_ms() - DAY;
    let past = Past::of(&[("evt_failed", made), ("evt_taken", made), ("evt_failed_before", made - 3 * DAY)]);
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(published(&queue), ["evt_failed"]);
    assert!(row(&kit, "seen_until").await >= seen);
}

/// The first sweep of three days credited everything again that a lost ledger had credited.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_sweep_of_a_new_ledger_begins_where_it_may_grant() {
    let (kit, queue) = (sqlite().await, HandQueue::new());
    let now = now_ms();
    let past = Past::of(&[
        ("evt_failed_older", now - 2 * DAY),
        ("evt_old", now - HOUR),
        ("evt_failed", now - HOUR),
        ("evt_new", now - 2 * MINUTE),
    ]);
    turn(&kit, &past, &queue, 1).await;
    assert_eq!(published(&queue), ["evt_new"], "ten minutes of grace, and nothing before");
    let act = Act { who: "ada", reason: "we migrate" };
    kit.adopt(now - DAY, &act, now_ms()).await.unwrap();
    turn(&kit, &past, &queue, 1).await;
    let mut found = published(&queue);
    found.dedup();
    assert_eq!(found, ["evt_failed", "evt_new", "evt_old"], "begun anew where a person said");
}
