//! The order of effects: intent, deadline, call. What the partner sees is looked up in the ledger at that moment.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    clock::{Machine, now_ms},
    domain::{
        allocation::brake::Brake,
        channel::LIVE_TRIES_QUIET,
        id::ChannelId,
        payment::{entitlement::OnReversal, memory::CLOCKS_APART_MS},
        reply::{ChannelPage, Deletion, ReadError, Reading, Reply},
        settle::{Order, Policy},
    },
    ledger::Ledger,
    partner::Partner,
    worker::{Outages, breaker::Breaker, turn::Turns, watched::Watched},
};
use governor::{Quota, RateLimiter};
use secrecy::ExposeSecret as _;

use crate::{
    ledger::{
        kit::{ACCOUNT, Kit, NOW, charge, decided, delivery, paid_at, rules, sqlite, to},
        reversal::{policy, refund},
    },
    support::sql::Sql,
};

const CALL_TIMEOUT: Duration = Duration::from_millis(300);
const SETTLE_WINDOW_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// What happens while a channel is read, before the answer comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    /// Another process holds the ledger for longer than a call may be late.
    LedgerLocked,
    /// Another worker claims the channel.
    ClaimLost,
    /// A third of the money goes back, and the settings take the days off.
    Refunded,
    /// Nothing, in a ledger that was declared restored so many ms ago.
    Restored(i64),
}

struct Hand {
    ledger: Ledger,
    url: String,
    meanwhile: Meanwhile,
    /// The transfer's state at the moment of each call.
    calls: Mutex<Vec<String>>,
    /// What the partner says of a channel, and of its switch to live.
    mode: Mutex<&'static str>,
    switches: Mutex<u32>,
}

#[async_trait]
impl Partner for Hand {
    async fn read(&self, _: &ChannelId) -> Result<Reading, ReadError> {
        match self.meanwhile {
            Meanwhile::Nothing | Meanwhile::Restored(_) => {}
            Meanwhile::LedgerLocked => {
                let mut lock = Sql::open(&self.url).await;
                lock.execute("BEGIN IMMEDIATE").await;
                tokio::spawn(async move {
                    tokio::time::sleep(CALL_TIMEOUT * 2).await;
                    drop(lock);
                });
            }
            Meanwhile::Refunded => {
                let kit = Kit::of(self.ledger.clone());
                let out = refund("pi_1", 300);
                kit.record_as(&delivery("evt_re"), Ok(&out), &policy(OnReversal::CancelUnspent), false).await;
            }
            Meanwhile::ClaimLost => {
                let later = now_ms() + 120_000;
                assert_eq!(self.ledger.claim(ACCOUNT, "other", later, later + 1, 9).await.unwrap().len(), 1);
            }
        }
        let mode = Some((*self.mode.lock().unwrap()).to_owned());
        Ok(Reading { active_till: NOW + DAY_MS, mode })
    }

    async fn extend(&self, _: &ChannelId, days: u32, _: &str, _: &str) -> Reply {
        let whole = self.ledger.payment("stripe/pi_1").await.unwrap().unwrap();
        self.calls.lock().unwrap().push(whole.transfers[0].state.to_string());
        Reply::Accepted { active_till: Some(NOW + DAY_MS + i64::from(days) * DAY_MS) }
    }

    async fn make_live(&self, _: &ChannelId) -> Result<(), ReadError> {
        *self.switches.lock().unwrap() += 1;
        Err(ReadError::Failed("HTTP 500".into()))
    }

    async fn delete(&self, channel: &ChannelId) -> Deletion {
        panic!("{channel} is deleted")
    }

    async fn list(&self, _: u32, _: u32) -> Result<ChannelPage, ReadError> {
        Ok(ChannelPage::default())
    }

    async fn health(&self) -> Result<(), ReadError> {
        Ok(())
    }

    async fn clock(&self) -> Option<i64> {
        None
    }
}

/// Takes one turn on a planned transfer; the states that the partner saw at its calls, and the state after.
async fn turn(meanwhile: Meanwhile) -> (Vec<String>, String) {
    let kit: Kit = sqlite().await;
    if let Meanwhile::Restored(ago) = meanwhile {
        kit.ledger.restored(0, "ada", now_ms() - ago).await.unwrap();
    }
    let facts = paid_at(to(charge(&["pi_1"]), "CHAN-1", 30), now_ms() + CLOCKS_APART_MS);
    kit.record_at(&delivery("evt_1"), Ok(&facts), &rules(), false, now_ms()).await;
    let url = kit.settings.url.resolve().unwrap().expose_secret().to_owned();
    let hand = hand(&kit, url, meanwhile);
    let turns = turns(&kit, &hand);
    let now = now_ms();
    let claim = kit.ledger.claim(ACCOUNT, "w", now, now + 60_000, 1).await.unwrap().pop().unwrap();
    turns.take(claim, now + 60_000).await;
    let state = kit.ledger.payment("stripe/pi_1").await.unwrap().unwrap().transfers[0].state.to_string();
    (hand.calls.lock().unwrap().clone(), state)
}

fn hand(kit: &Kit, url: String, meanwhile: Meanwhile) -> Arc<Hand> {
    Arc::new(Hand {
        ledger: kit.ledger.clone(),
        url,
        meanwhile,
        calls: Mutex::default(),
        mode: Mutex::new("live"),
        switches: Mutex::default(),
    })
}

fn turns(kit: &Kit, hand: &Arc<Hand>) -> Arc<Turns> {
    Arc::new(Turns {
        ledger: Arc::new(kit.ledger.clone()),
        partner: hand.clone(),
        clock: Arc::new(Machine),
        policy: Policy {
            settle_window_ms: SETTLE_WINDOW_MS,
            retry_unmoved: true,
            skew_ms: 1_000,
            ensure_live: false,
        },
        brake: Brake { multiple: 0, account_days_min: 0, account_days_per_channel: 0, channel_days_min: 0 },
        call_timeout: CALL_TIMEOUT,
        probe_ms: 1_000,
        limiter: RateLimiter::direct(Quota::per_second(NonZeroU32::MAX)),
        breaker: Breaker::new(5, 1_000),
        outages: Outages::new(Arc::new(kit.ledger.clone()), ACCOUNT.to_owned()),
        watched: Watched::default(),
    })
}

/// Takes the turn on the only channel when that is due, by the clock of the ledger alone.
async fn next_turn(kit: &Kit, turns: &Arc<Turns>) {
    let due = kit.ledger.next_due(ACCOUNT).await.unwrap().unwrap();
    let claim = kit.ledger.claim(ACCOUNT, "w", due, due + 1, 1).await.unwrap().pop().unwrap();
    turns.clone().take(claim, due + 1).await;
}

/// A switch that fails for longer than anybody should wait is told; and one that somebody made is not made again,
/// because the channel restarts with each.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_stays_in_trial_is_told_and_closes_when_it_is_live() {
    let kit: Kit = sqlite().await;
    kit.grant("1", "CHAN-1").await;
    let hand = hand(&kit, String::new(), Meanwhile::Nothing);
    let turns = turns(&kit, &hand);
    *hand.mode.lock().unwrap() = "trial";
    let claim = kit.claim_one(NOW).await;
    let mut channel = kit.ledger.turn(&claim, NOW).await.unwrap().channel;
    channel.mode = Some("trial".into());
    channel.settled(NOW + DAY_MS, true, 0);
    for _ in 1..LIVE_TRIES_QUIET {
        channel.not_made_live("HTTP 500".into(), 0);
    }
    assert!(kit.ledger.save_channel(&claim, &channel).await.unwrap());
    kit.ledger.release(&claim, 0).await.unwrap();

    next_turn(&kit, &turns).await;
    assert_eq!(*hand.switches.lock().unwrap(), 1);
    let held = kit.held(9, NOW).await.unwrap();
    assert_eq!((held.len(), held[0].kind.as_str(), held[0].cause.as_str()), (1, "channel", "not_live"));

    *hand.mode.lock().unwrap() = "live";
    let retry = decided(Order::Retry);
    kit.ledger.decide(&held[0].key, &retry, 0).await.unwrap();
    next_turn(&kit, &turns).await;
    assert_eq!((kit.held(9, NOW).await.unwrap().len(), *hand.switches.lock().unwrap()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_follows_a_committed_intent() {
    assert_eq!(turn(Meanwhile::Nothing).await, (vec!["intended".to_owned()], "settled".to_owned()));
}

/// A commit that took too long, a worker that was stopped: the intent is old, and its call is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_never_sent_late() {
    assert_eq!(turn(Meanwhile::LedgerLocked).await, (vec![], "planned".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_claim_calls_nothing() {
    assert_eq!(turn(Meanwhile::ClaimLost).await, (vec![], "planned".to_owned()));
}

/// Not for the days that it had read, and not for fewer in this turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_in_its_turn_calls_nothing() {
    assert_eq!(turn(Meanwhile::Refunded).await, (vec![], "planned".to_owned()));
}

/// A worker was killed right after it had sent. Its call may be applied now, and beside one of ours it would settle
/// the wrong transfer.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_ledger_calls_nothing_while_a_forgotten_call_may_be_applied() {
    let early = turn(Meanwhile::Restored(SETTLE_WINDOW_MS / 2)).await;
    assert_eq!(early, (vec![], "planned".to_owned()));
    let late = turn(Meanwhile::Restored(SETTLE_WINDOW_MS)).await;
    assert_eq!(late, (vec!["intended".to_owned()], "settled".to_owned()));
}
