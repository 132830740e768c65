//! The publishes of one channel that wait for their confirm, in the order they were sent.
//!
//! Only the oldest one is polled when something happens; a broker confirms in about this order, so the ones
//! behind it are mostly ready by then, and a message costs two polls and no timer. [`Confirms::sweep`] looks
//! at all of them from time to time, for a broker that holds back one confirm. Rejected: `FuturesUnordered`,
//! which wakes the task twice for each message (written, confirmed).
//!
//! A confirm stays here until it resolves, whatever became of the caller: dropped, lapin would keep it, and
//! 400 bytes, for ever.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use lapin::Confirmation;
use tokio::{sync::oneshot, time::Instant};

use super::publisher::Slot;
use crate::queue::NotConfirmed;

/// Resolves when the broker answered one publish.
type Confirm<'a> = Pin<Box<dyn Future<Output = Result<Confirmation, lapin::Error>> + Send + 'a>>;

/// One publish on its way.
struct Pending<'a> {
    /// `None`: resolved out of turn.
    confirm: Option<Confirm<'a>>,
    /// Who waits, with the slot it takes; `None`: answered.
    waiter: Option<Waiter>,
    sent_at: Instant,
}

/// The caller of a publish.
pub(super) struct Waiter {
    pub(super) done: oneshot::Sender<Result<(), NotConfirmed>>,
    /// Counts towards the limit of publishes in flight until dropped.
    pub(super) _slot: Slot,
}

impl Waiter {
    /// Tells the caller; one that has gone is no error.
    pub(super) fn tell(self, result: Result<(), NotConfirmed>) {
        let _ = self.done.send(result);
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Confirms<'a> {
    pending: VecDeque<Pending<'a>>,
}

/// The connection or the channel failed: nothing more will be confirmed.
#[derive(Debug)]
pub(super) struct Lost(pub(super) lapin::Error);

impl<'a> Confirms<'a> {
    /// Publishes that wait for the broker.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Takes a publish over. Its first poll, here and now, hands the frames to the connection: one after the
    /// other, from one task, so that the confirm it waits for is its own.
    pub(super) fn push(
        &mut self,
        confirm: impl Future<Output = Result<Confirmation, lapin::Error>> + Send + 'a,
        waiter: Waiter,
        sent_at: Instant,
    ) {
        let mut pending = Pending { confirm: Some(Box::pin(confirm)), waiter: Some(waiter), sent_at };
        // Nobody needs waking now: `poll_settle` polls again before the task sleeps. An error is kept as a
        // resolved one that told its caller; the next publish or the supervisor meets it again.
        let _ = pending.poll(&mut Context::from_waker(Waker::noop()));
        self.pending.push_back(pending);
    }

    /// Answers the oldest ones as far as they are ready. Resolves only when the connection is lost.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<Lost> {
        while let Some(oldest) = self.pending.front_mut() {
            match oldest.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Lost(error)),
                Poll::Ready(Ok(())) => drop(self.pending.pop_front()),
            }
        }
        Poll::Pending
    }

    /// Answers every one that is ready, in any order.
    pub(super) fn sweep(&mut self) {
        for pending in &mut self.pending {
            // The next `poll_settle` sets the waker again, or meets the error again.
            let _ = pending.poll(&mut Context::from_waker(Waker::noop()));
        }
        while self.pending.front().is_some_and(|oldest| oldest.confirm.is_none()) {
            self.pending.pop_front();
        }
    }

    /// When the oldest one that still waits was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.pending.front().map(|pending| pending.sent_at)
    }

    /// Tells `why` to the callers of what was sent before `until`; their confirms stay.
    pub(super) fn give_up(&mut self, until: Instant, why: &NotConfirmed) {
        for pending in self.pending.iter_mut().take_while(|pending| pending.sent_at < until) {
            if let Some(waiter) = pending.waiter.take() {
                waiter.tell(Err(why.clone()));
            }
        }
    }

    /// Answers what was confirmed before the connection broke, and tells the others that it did.
    pub(super) fn fail(mut self) {
        self.sweep();
        for waiter in self.pending.into_iter().filter_map(|pending| pending.waiter) {
            waiter.tell(Err(NotConfirmed::Unreachable));
        }
    }
}

impl Pending<'_> {
    /// Tells the caller once the broker answered. After an error it stays ready with nothing to tell.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), lapin::Error>> {
        let Some(confirm) = self.confirm.as_mut() else { return Poll::Ready(Ok(())) };
        let Poll::Ready(result) = confirm.as_mut().poll(cx) else { return Poll::Pending };
        self.confirm = None;
        let (told, result) = match result {
            // The one success. With a returned message inside, or on a channel without confirms: not stored.
            Ok(Confirmation::Ack(None)) => (Ok(()), Ok(())),
            Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested) => {
                (Err(NotConfirmed::Refused), Ok(()))
            }
            Err(error) => (Err(NotConfirmed::Unreachable), Err(error)),
        };
        if let Some(waiter) = self.waiter.take() {
            waiter.tell(told);
        }
        Poll::Ready(result)
    }
}
