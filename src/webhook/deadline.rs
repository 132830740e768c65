//! Cuts connections that are silent or slow between requests: an idle connection, a head that drips in
//! (also the second one on a kept-alive connection, which the HTTP library waits for without end), an answer
//! that nobody reads. While a request is in hand this clock stands still: the body and the confirm have
//! their own limits.
//!
//! Bounds what the library reads ahead, too: it would take 128 KiB from each connection before it looks at any of it,
//! and a note for every chunk of a body, however short. Here a connection reads a little (a *turn*), and what came is
//! looked at before the next.
//!
//! One timer per connection, never reset by a request: it fires at most once per limit, looks at the
//! deadline that the last request left behind, and sleeps on. Rejected: closing every connection after one
//! request (costs a handshake per delivery), and the library's two timers beside this one.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Longest head of everybody, in bytes: signatures stay below 4 KiB, and proxies in front take no more.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// Longer heads at a time, over all connections; one more is cut. The library's own limit of one is 128 KiB.
const LONG_HEADS_MAX: usize = 32;

/// Bytes of a turn between requests: a head, and little of what may be a body of chunks.
const TURN_BYTES_HEAD: u64 = 1024;

/// Bytes of a turn while a body of known length comes.
const TURN_BYTES_BODY: u64 = 8 * 1024;

/// Bytes of a turn while chunks come: each costs six bytes on the way and 32 in memory.
const TURN_BYTES_CHUNKS: u64 = 512;

/// Bytes below which the library makes its buffer larger, and keeps it so, when there is something in it.
const LIBRARY_ROOM_BYTES: usize = 1024;

/// Between two turns of a body in tiny chunks: each costs as much work as a large one.
const TINY_PAUSE: Duration = Duration::from_millis(200);

/// Turns for longer heads, shared by all connections of a process.
#[derive(Debug, Clone)]
pub(super) struct LongHeads(Arc<Semaphore>);

impl LongHeads {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LONG_HEADS_MAX)))
    }
}

/// What the connection and its requests share.
#[derive(Clone)]
pub(super) struct Clock(Rc<State>);

struct State {
    limit: Duration,
    /// `None`: a request is in hand.
    until: Cell<Option<Instant>>,
    heard: Cell<Heard>,
    long_heads: LongHeads,
    /// Of this connection, until its request is answered.
    long_head: Cell<Option<OwnedSemaphorePermit>>,
}

/// What is being read.
#[derive(Debug, Clone, Copy)]
enum Heard {
    /// A head, so many bytes of it.
    Head(u64),
    /// A body, of which at most so many bytes are to come.
    Body(u64),
    /// A body in chunks.
    Chunks,
    /// A body in many chunks of a few bytes.
    Tiny,
    /// What follows the last answer of this connection; nobody looks at it.
    Rest,
}

impl Clock {
    /// Stops the clock until the guard is dropped. `declared`: length of the body, where it is not in chunks.
    pub(super) fn in_hand(&self, declared: Option<u64>) -> InHand {
        self.0.until.set(None);
        self.0.heard.set(declared.map_or(Heard::Chunks, Heard::Body));
        InHand { clock: self.clone(), after: Heard::Head(0) }
    }

    /// From here on the body in hand is read slowly.
    pub(super) fn slow_down(&self) {
        self.0.heard.set(Heard::Tiny);
    }

    fn restart(&self) {
        self.0.until.set(Instant::now().checked_add(self.0.limit));
    }

    fn turn(&self) -> u64 {
        match self.0.heard.get() {
            Heard::Head(_) => TURN_BYTES_HEAD,
            Heard::Body(left) => left.clamp(TURN_BYTES_HEAD, TURN_BYTES_BODY),
            Heard::Chunks | Heard::Tiny => TURN_BYTES_CHUNKS,
            Heard::Rest => TURN_BYTES_BODY,
        }
    }

    /// Counts what came; `Err`: the head is long, and there are too many long ones.
    fn count(&self, bytes: u64) -> io::Result<()> {
        let heard = match self.0.heard.get() {
            Heard::Head(before) => Heard::Head(before.saturating_add(bytes)),
            Heard::Body(left) => Heard::Body(left.saturating_sub(bytes)),
            same @ (Heard::Chunks | Heard::Tiny | Heard::Rest) => same,
        };
        self.0.heard.set(heard);
        match heard {
            Heard::Head(bytes) if bytes > HEAD_BYTES_MAX => self.take_long(),
            Heard::Head(_) | Heard::Body(_) | Heard::Chunks | Heard::Tiny | Heard::Rest => Ok(()),
        }
    }

    fn take_long(&self) -> io::Result<()> {
        let own = self.0.long_head.take().or_else(|| self.0.long_heads.0.clone().try_acquire_owned().ok());
        let permit = own.ok_or(io::ErrorKind::QuotaExceeded)?;
        self.0.long_head.set(Some(permit));
        Ok(())
    }
}

/// A request is in hand.
pub(super) struct InHand {
    clock: Clock,
    after: Heard,
}

impl InHand {
    /// The connection ends with this answer.
    pub(super) fn is_last(&mut self) {
        self.after = Heard::Rest;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.clock.0.heard.set(self.after);
        self.clock.0.long_head.set(None);
        self.clock.restart();
    }
}

/// A connection under the clock.
pub(super) struct Watched<T> {
    /// Bounded to what is left of the turn.
    io: Take<T>,
    /// Nothing was read in this turn yet.
    fresh: bool,
    clock: Clock,
    timer: Pin<Box<Sleep>>,
    /// Until the next turn of a body in tiny chunks.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead> Watched<T> {
    /// Starts the clock.
    pub(super) fn new(io: T, limit: Duration, long_heads: LongHeads) -> Self {
        let (until, heard, long_head) = (Cell::new(None), Cell::new(Heard::Head(0)), Cell::new(None));
        let clock = Clock(Rc::new(State { limit, until, heard, long_heads, long_head }));
        clock.restart();
        let first = clock.0.until.get().unwrap_or_else(Instant::now);
        Self {
            io: io.take(TURN_BYTES_HEAD),
            fresh: true,
            clock,
            timer: Box::pin(sleep_until(first)),
            pause: None,
        }
    }

    /// For the requests of this connection.
    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    fn begin_turn(&mut self, bytes: u64) {
        self.io.set_limit(bytes);
        self.fresh = true;
    }

    /// What may be read into `spare` bytes of the library's buffer so that it stays as large as it is: enough is left
    /// over, or what is read fits into the other half when it is moved to the front.
    fn room(&self, spare: usize) -> u64 {
        let over = spare.saturating_sub(LIBRARY_ROOM_BYTES);
        let room = if self.fresh { over.max(spare / 2) } else { over };
        u64::try_from(room).unwrap_or(u64::MAX)
    }

    /// Whether the next turn has to wait.
    fn pauses(&mut self, cx: &mut Context<'_>) -> bool {
        if !matches!(self.clock.0.heard.get(), Heard::Tiny) {
            self.pause = None;
            return false;
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(TINY_PAUSE)));
        let waits = pause.as_mut().poll(cx).is_pending();
        if !waits {
            self.pause = None;
        }
        waits
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
        let turn = self.clock.turn();
        let room = self.room(buf.remaining());
        if self.io.limit() == 0 || room == 0 {
            if self.pauses(cx) {
                return self.or_cut(cx);
            }
            // What came is looked at, and then the connection goes on.
            self.begin_turn(turn);
            cx.waker().wake_by_ref();
            return self.or_cut(cx);
        }
        let bound = self.io.limit().min(turn).min(room);
        self.io.set_limit(bound);
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => {
                self.begin_turn(turn);
                self.or_cut(cx)
            }
            Poll::Ready(Ok(())) => {
                self.fresh = false;
                let came = buf.filled().len().saturating_sub(before);
                Poll::Ready(self.clock.count(u64::try_from(came).unwrap_or(u64::MAX)))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(self.io.get_mut()).poll_write(cx, buf) {
            Poll::Pending => self.or_cut(cx),
            ready => ready,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(self.io.get_mut()).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.or_cut(cx),
            ready => ready,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.get_ref().is_write_vectored()
    }
}
