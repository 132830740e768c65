//! Cuts connections that are silent or slow between requests: an idle connection, a head that drips in
//! (also the second one on a kept-alive connection, which the HTTP library waits for without end), an answer
//! that nobody reads. While a request is in hand this clock stands still: the body and the confirm have
//! their own limits.
//!
//! One timer per connection, never reset by a request: it fires at most once per limit, looks at the
//! deadline that the last request left behind, and sleeps on. Rejected: closing every connection after one
//! request (costs a handshake per delivery), and the library's two timers beside this one.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// What the connection and its requests share.
#[derive(Debug, Clone)]
pub(super) struct Clock(Rc<State>);

#[derive(Debug)]
struct State {
    limit: Duration,
    /// `None`: a request is in hand.
    until: Cell<Option<Instant>>,
}

impl Clock {
    /// Stops the clock until the guard is dropped.
    pub(super) fn in_hand(&self) -> InHand {
        self.0.until.set(None);
        InHand(self.clone())
    }

    fn restart(&self) {
        self.0.until.set(Instant::now().checked_add(self.0.limit));
    }
}

/// A request is in hand.
pub(super) struct InHand(Clock);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.restart();
    }
}

/// A connection under the clock.
pub(super) struct Watched<T> {
    io: T,
    clock: Clock,
    timer: Pin<Box<Sleep>>,
}

impl<T> Watched<T> {
    /// Starts the clock.
    pub(super) fn new(io: T, limit: Duration) -> Self {
        let clock = Clock(Rc::new(State { limit, until: Cell::new(None) }));
        clock.restart();
        let first = clock.0.until.get().unwrap_or_else(Instant::now);
        Self { io, clock, timer: Box::pin(sleep_until(first)) }
    }

    /// For the requests of this connection.
    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Called wherever the connection has to wait; wakes the task again when time is up.
    fn or_cut<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let next = match self.clock.0.until.get() {
                None => now.checked_add(self.clock.0.limit).unwrap_or(now),
                Some(until) if until > now => until,
                Some(_) => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            };
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => self.or_cut(cx),
            ready => ready,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, buf) {
            Poll::Pending => self.or_cut(cx),
            ready => ready,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.or_cut(cx),
            ready => ready,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
