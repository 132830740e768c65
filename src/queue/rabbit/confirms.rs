//! The publishes of one channel that wait for their confirm, in the order they were sent.
//!
//! Only the oldest one is polled when something happens; a broker confirms in about this order, so the ones
//! behind it are mostly ready by then, and a message costs two polls and no timer. [`Confirms::sweep`] looks
//! at all of them from time to time, for a broker that holds back one confirm. Rejected: `FuturesUnordered`,
//! which wakes the task twice for each message (written, confirmed).
//!
//! A returned message means that no queue took it, and lapin hands it to whichever confirm completes next: the
//! lost one then reads as stored. What completes before it carries the return, so nobody hears of a success
//! before all others in flight were asked again ([`Confirms::returned`]); a return fails them all.
//!
//! A confirm stays here until it resolves, whatever became of the caller: dropped, lapin would keep it, and
//! 400 bytes, for ever.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use lapin::Confirmation;
use tokio::{sync::oneshot, time::Instant};

use super::{proof::Proof, slot::Slot};
use crate::queue::NotConfirmed;

/// Resolves when the broker answered one publish.
type Confirm<'a> = Pin<Box<dyn Future<Output = Result<Confirmation, lapin::Error>> + Send + 'a>>;

/// One publish on its way.
struct Pending<'a> {
    /// `None`: the broker answered.
    confirm: Option<Confirm<'a>>,
    /// What it answered, until the caller hears it.
    answer: Option<Result<(), NotConfirmed>>,
    /// Who waits, with the slot it takes; `None`: answered.
    waiter: Option<Waiter>,
    sent_at: Instant,
}

/// The caller of a publish.
pub(super) struct Waiter {
    pub(super) done: oneshot::Sender<Result<(), NotConfirmed>>,
    /// Counts towards the limit of publishes in flight until dropped.
    pub(super) _slot: Slot,
    /// Where the outcome of an event is noted; a probe's is not.
    pub(super) proof: Option<Arc<Proof>>,
}

impl Waiter {
    /// Tells the caller; one that has gone is no error.
    pub(super) fn tell(self, result: Result<(), NotConfirmed>) {
        if let Some(proof) = &self.proof {
            proof.note(&result);
        }
        let _ = self.done.send(result);
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Confirms<'a> {
    pending: VecDeque<Pending<'a>>,
}

/// Why nothing more will be confirmed here.
#[derive(Debug)]
pub(super) enum Ended {
    /// The connection or the channel failed.
    Lost(lapin::Error),
    /// The broker returned a message: no queue took it. Everybody was told.
    Returned,
}

/// How one answer came.
enum Answered {
    Told,
    Returned,
}

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
        let mut pending =
            Pending { confirm: Some(Box::pin(confirm)), answer: None, waiter: Some(waiter), sent_at };
        // Nobody needs waking now: `poll_settle` polls again before the task sleeps. It cannot be answered yet; a
        // channel that is over is met by the next look.
        let _ = pending.poll(&mut Context::from_waker(Waker::noop()));
        self.pending.push_back(pending);
    }

    /// Answers the oldest ones as far as they are ready. Resolves only when nothing more will be.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            let mut ready = 0;
            while let Some(oldest) = self.pending.get_mut(ready) {
                match oldest.poll(cx) {
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Ended::Lost(error)),
                    Poll::Ready(Ok(Answered::Returned)) => return Poll::Ready(self.give_all_up()),
                    Poll::Ready(Ok(Answered::Told)) => ready += 1,
                }
            }
            if ready == 0 {
                return Poll::Pending;
            }
            if self.returned() {
                return Poll::Ready(self.give_all_up());
            }
            self.pending.drain(..ready).for_each(Pending::tell);
        }
    }

    /// Answers every one that is ready, in any order.
    pub(super) fn sweep(&mut self) -> Option<Ended> {
        // The first look finds what is ready, the second whether a return was hidden behind it.
        let hidden = self.returned();
        let ready: Vec<bool> = self.pending.iter().map(|pending| pending.answer.is_some()).collect();
        if hidden || self.returned() {
            return Some(self.give_all_up());
        }
        for (pending, _) in self.pending.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            if let (Some(waiter), Some(answer)) = (pending.waiter.take(), pending.answer.take()) {
                waiter.tell(answer);
            }
        }
        while self.pending.front().is_some_and(|oldest| oldest.confirm.is_none() && oldest.answer.is_none()) {
            self.pending.pop_front();
        }
        None
    }

    /// Looks at every one in flight for a returned message.
    fn returned(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        // The next `poll_settle` sets the waker again, or meets the error again.
        self.pending.iter_mut().fold(false, |returned, pending| {
            returned | matches!(pending.poll(&mut cx), Poll::Ready(Ok(Answered::Returned)))
        })
    }

    fn give_all_up(&mut self) -> Ended {
        for waiter in self.pending.iter_mut().filter_map(|pending| pending.waiter.take()) {
            waiter.tell(Err(NotConfirmed::NoQueue));
        }
        Ended::Returned
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
        if self.sweep().is_none() {
            for waiter in self.pending.into_iter().filter_map(|pending| pending.waiter) {
                waiter.tell(Err(NotConfirmed::Unreachable));
            }
        }
    }
}

impl Pending<'_> {
    /// Keeps what the broker answered. After an error or a return it stays ready with nothing to tell.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, lapin::Error>> {
        let Some(confirm) = self.confirm.as_mut() else { return Poll::Ready(Ok(Answered::Told)) };
        let Poll::Ready(result) = confirm.as_mut().poll(cx) else { return Poll::Pending };
        self.confirm = None;
        let (answer, result) = match result {
            // The one success.
            Ok(Confirmation::Ack(None)) => (Ok(()), Ok(Answered::Told)),
            Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => {
                (Err(NotConfirmed::NoQueue), Ok(Answered::Returned))
            }
            Ok(Confirmation::Nack(None) | Confirmation::NotRequested) => {
                (Err(NotConfirmed::Refused), Ok(Answered::Told))
            }
            Err(error) => (Err(NotConfirmed::Unreachable), Err(error)),
        };
        self.answer = Some(answer);
        Poll::Ready(result)
    }

    /// Tells the caller, where one still waits.
    fn tell(self) {
        if let (Some(waiter), Some(answer)) = (self.waiter, self.answer) {
            waiter.tell(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use lapin::message::{BasicReturnMessage, Delivery};

    use super::*;

    /// The second message was returned, and lapin hands that to the confirm that completes first: the second then reads
    /// as stored.
    #[tokio::test]
    async fn a_return_fails_all_that_is_in_flight() {
        let returned = BasicReturnMessage {
            delivery: Delivery::mock(0, "daybridge".into(), "events".into(), false, Vec::new()),
            reply_code: 312,
            reply_text: "NO_ROUTE".into(),
        };
        let mut confirms = Confirms::default();
        let mut callers = Vec::new();
        for answer in [Confirmation::Ack(Some(returned)), Confirmation::Ack(None)] {
            let (broker, answered) = oneshot::channel();
            let (done, told) = oneshot::channel();
            let confirm = async { Ok(answered.await.unwrap()) };
            confirms.push(
                confirm,
                Waiter { done, _slot: Slot::take(&Arc::default(), 1).unwrap(), proof: None },
                Instant::now(),
            );
            broker.send(answer).unwrap();
            callers.push(told);
        }
        let ended = confirms.poll_settle(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(ended, Poll::Ready(Ended::Returned)), "{ended:?}");
        for told in callers {
            assert!(matches!(told.await, Ok(Err(NotConfirmed::NoQueue))));
        }
    }
}
