//! The queue: at least once, in any order that its consumers' failures make of it. Accepted messages outlive everything.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    envelope::Envelope,
    queue::{Answer, Consumer, Content, Delivery, Lane, NotConfirmed, Queue, QueueError},
};
use tokio::{sync::Notify, time::Instant};

use super::process::Life;

/// Tries of one message before it goes to the dead lane.
const DELIVERY_LIMIT: u32 = 20;

#[derive(Debug, Clone)]
struct Message {
    envelope: Envelope,
    tries: u32,
}

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<u8, VecDeque<Message>>,
    /// Those in hand, with the lane and the consumer.
    in_hand: BTreeMap<u64, (Lane, u64, Message)>,
    acked: Vec<(Instant, Lane, Message)>,
    next: u64,
    /// Consumers of before are cut off.
    cut: u64,
    /// Until then nothing is confirmed, and by this what becomes of it is drawn.
    unsure: Option<(Instant, fastrand::Rng)>,
}

impl Inner {
    /// How often a message is kept that is published now, and whether it is confirmed.
    fn takes(&mut self) -> (usize, bool) {
        match &mut self.unsure {
            Some((until, rng)) if Instant::now() < *until => (rng.usize(0..=2), false),
            _ => (1, true),
        }
    }
}

/// The broker; shared by all.
#[derive(Default)]
pub struct Broker {
    inner: Mutex<Inner>,
    news: Notify,
}

fn place(lane: Lane) -> u8 {
    match lane {
        Lane::Events => 0,
        Lane::Dead => 1,
        Lane::Unroutable => 2,
    }
}

impl Broker {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was confirmed.
    pub fn publish(&self, envelope: Envelope) -> bool {
        let mut inner = self.inner();
        let (times, confirmed) = inner.takes();
        let waiting = inner.waiting.entry(place(Lane::Events)).or_default();
        waiting.extend((0..times).map(|_| Message { envelope: envelope.clone(), tries: 0 }));
        drop(inner);
        self.news.notify_waiters();
        confirmed
    }

    /// A node is lost, and for so long there is no other that leads.
    pub fn loses_node(&self, time: Duration, seed: u64) {
        self.inner().unsure = Some((Instant::now() + time, fastrand::Rng::with_seed(seed)));
        self.breaks();
    }

    pub fn heal(&self) {
        self.inner().unsure = None;
    }

    /// Every consumer is cut off; what was in hand comes again, first.
    pub fn breaks(&self) {
        let mut inner = self.inner();
        inner.cut = inner.next;
        let in_hand: Vec<u64> = inner.in_hand.keys().rev().copied().collect();
        for number in in_hand {
            inner.give_back(number);
        }
        drop(inner);
        self.news.notify_waiters();
    }

    /// What was acked comes again, the last first.
    pub fn repeats(&self) {
        let mut inner = self.inner();
        let again: Vec<Message> = inner.acked.iter().rev().map(|(.., message)| message.clone()).collect();
        inner.waiting.entry(0).or_default().extend(again);
        drop(inner);
        self.news.notify_waiters();
    }

    /// What was acked was read by a ledger that is no more.
    pub fn forgets(&self) {
        self.inner().acked.clear();
    }

    /// What waits goes to the dead letters.
    pub fn gives_up(&self) {
        let mut inner = self.inner();
        let waiting = std::mem::take(inner.waiting.entry(place(Lane::Events)).or_default());
        inner.waiting.entry(place(Lane::Dead)).or_default().extend(waiting);
        drop(inner);
        self.news.notify_waiters();
    }

    /// The deliveries that were read and acked so long ago; not those of the dead letters, which are only recorded.
    pub fn acked(&self, ago: Duration) -> Vec<String> {
        let until = Instant::now() - ago;
        let inner = self.inner();
        let acked = inner.acked.iter().filter(|(at, lane, _)| *at <= until && *lane == Lane::Events);
        acked.map(|(.., message)| message.envelope.delivery.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        let inner = self.inner();
        inner.in_hand.is_empty() && inner.waiting.values().all(VecDeque::is_empty)
    }
}

impl Inner {
    fn give_back(&mut self, number: u64) {
        let Some((lane, _, mut message)) = self.in_hand.remove(&number) else {
            return;
        };
        message.tries += 1;
        let lane = if message.tries > DELIVERY_LIMIT { Lane::Dead } else { lane };
        self.waiting.entry(place(lane)).or_default().push_front(message);
    }
}

/// One process's way to it.
pub struct Door {
    pub broker: Arc<Broker>,
    pub life: Arc<Life>,
}

#[async_trait]
impl Queue for Door {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        self.life.goes_on().await;
        match self.broker.publish(envelope) {
            true => Ok(()),
            false => Err(NotConfirmed::Refused),
        }
    }

    async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        self.life.goes_on().await;
        let mut inner = self.broker.inner();
        if inner.unsure.as_ref().is_some_and(|(until, _)| Instant::now() < *until) {
            return Err(QueueError("the queue has no leader".to_owned()));
        }
        inner.next += 1;
        let (broker, life) = (self.broker.clone(), self.life.clone());
        Ok(Box::new(Reader { broker, life, lane, prefetch: usize::from(prefetch), number: inner.next }))
    }

    async fn health(&self) -> Result<(), QueueError> {
        Ok(())
    }

    async fn depth(&self, lane: Lane) -> Option<u64> {
        self.broker.inner().waiting.get(&place(lane)).map(|waiting| waiting.len() as u64)
    }

    async fn close(&self) {}
}

struct Reader {
    broker: Arc<Broker>,
    life: Arc<Life>,
    lane: Lane,
    prefetch: usize,
    number: u64,
}

impl Reader {
    fn take(&self) -> Result<Option<Delivery>, QueueError> {
        let mut inner = self.broker.inner();
        if self.number <= inner.cut {
            return Err(QueueError("the connection was lost".to_owned()));
        }
        let mine = inner.in_hand.values().filter(|(_, consumer, _)| *consumer == self.number).count();
        if mine >= self.prefetch {
            return Ok(None);
        }
        let Some(message) = inner.waiting.entry(place(self.lane)).or_default().pop_front() else {
            return Ok(None);
        };
        inner.next += 1;
        let number = inner.next;
        let content = Content::Envelope(message.envelope.clone());
        inner.in_hand.insert(number, (self.lane, self.number, message));
        let hand = Hand { broker: self.broker.clone(), life: self.life.clone(), number };
        Ok(Some(Delivery::new(content, Box::new(hand))))
    }
}

#[async_trait]
impl Consumer for Reader {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            let broker = self.broker.clone();
            let news = broker.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            self.life.goes_on().await;
            if let Some(delivery) = self.take()? {
                return Ok(delivery);
            }
            news.await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut inner = self.broker.inner();
        let mine: Vec<u64> = inner
            .in_hand
            .iter()
            .rev()
            .filter(|(_, (_, consumer, _))| *consumer == self.number)
            .map(|(at, _)| *at)
            .collect();
        for number in mine {
            inner.give_back(number);
        }
        drop(inner);
        self.broker.news.notify_waiters();
    }
}

/// One message in hand.
struct Hand {
    broker: Arc<Broker>,
    life: Arc<Life>,
    number: u64,
}

#[async_trait]
impl Answer for Hand {
    async fn ack(self: Box<Self>) -> Result<(), QueueError> {
        self.life
            .effect(async {
                let mut inner = self.broker.inner();
                match inner.in_hand.remove(&self.number) {
                    Some((lane, _, message)) => {
                        inner.acked.push((Instant::now(), lane, message));
                        Ok(())
                    }
                    None => Err(QueueError("the connection was lost before the ack".to_owned())),
                }
            })
            .await
    }

    async fn dead(self: Box<Self>) -> Result<(), QueueError> {
        self.life
            .effect(async {
                let mut inner = self.broker.inner();
                let Some((_, _, message)) = inner.in_hand.remove(&self.number) else {
                    return Err(QueueError(
                        "the connection was lost before the message was moved".to_owned(),
                    ));
                };
                inner.waiting.entry(place(Lane::Dead)).or_default().push_back(message);
                Ok(())
            })
            .await
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.broker.inner().give_back(self.number);
        self.broker.news.notify_waiters();
    }
}
