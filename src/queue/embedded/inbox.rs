//! What the writer is asked to do, and how it waits for it.
//!
//! The waits do not rest on the runtime: leases must be prolonged also where all its threads are busy.

use std::{
    sync::{Arc, atomic::AtomicBool},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

use tokio::sync::{Notify, mpsc, oneshot};

use super::store::Leased;
use crate::{
    envelope::Envelope,
    queue::{Lane, NotConfirmed, QueueError},
};

/// Commands of one commit.
pub(super) const GROUP_COMMANDS_MAX: usize = 512;

/// What the writer is asked to do.
pub(super) enum Command {
    Publish { envelope: Envelope, done: oneshot::Sender<Result<(), NotConfirmed>> },
    Claim { lane: Lane, session: i64, messages_max: i64, done: oneshot::Sender<Claimed> },
    Answer { id: i64, session: i64, verdict: Verdict, done: oneshot::Sender<Result<(), QueueError>> },
    GiveBack { id: i64, session: i64, untouched: bool },
    End { session: i64 },
    Health { done: oneshot::Sender<Result<(), QueueError>> },
    Stop,
}

/// Messages of one claim.
pub(super) type Claimed = Result<Vec<Leased>, QueueError>;

/// How a consumer answers a message.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    Ack,
    Dead,
}

/// What the writer and the others of this process share.
#[derive(Default)]
pub(super) struct Shared {
    /// Set once; later publishes are refused.
    pub(super) closed: AtomicBool,
    /// Set once; the writer ends after the commit it is in, whatever waits.
    pub(super) abandoned: AtomicBool,
    /// Something in the file may be free now.
    pub(super) changed: Notify,
}

/// Commands of one commit by what they need.
#[derive(Default)]
pub(super) struct Group {
    pub(super) envelopes: Vec<Envelope>,
    pub(super) publishers: Vec<oneshot::Sender<Result<(), NotConfirmed>>>,
    pub(super) others: Vec<Command>,
    pub(super) asking: Vec<oneshot::Sender<Result<(), QueueError>>>,
    pub(super) stop: bool,
}

impl Group {
    fn of(commands: Vec<Command>) -> Self {
        let mut group = Self::default();
        for command in commands {
            match command {
                Command::Publish { envelope, done } => {
                    group.envelopes.push(envelope);
                    group.publishers.push(done);
                }
                Command::Stop => group.stop = true,
                Command::Health { done } => group.asking.push(done),
                Command::Claim { .. }
                | Command::Answer { .. }
                | Command::GiveBack { .. }
                | Command::End { .. } => group.others.push(command),
            }
        }
        group
    }

    /// Whether a message may be free after it.
    pub(super) fn frees(&self) -> bool {
        let keeps = |command: &Command| {
            matches!(command, Command::Claim { .. } | Command::Answer { verdict: Verdict::Ack, .. })
        };
        !self.envelopes.is_empty() || !self.others.iter().all(keeps)
    }
}

/// Where commands arrive.
pub(super) struct Inbox(mpsc::Receiver<Command>);

/// What came.
pub(super) enum Came {
    /// To be done in one commit.
    Group(Group),
    /// Nothing in time.
    Nothing,
    /// Nor will anything: nobody can ask any more.
    Over,
}

impl Inbox {
    /// With room for so many commands.
    pub(super) fn new(commands_max: usize) -> (mpsc::Sender<Command>, Self) {
        let (commands, inbox) = mpsc::channel(commands_max);
        (commands, Self(inbox))
    }

    /// Takes what waits, or the first that comes until then.
    pub(super) fn receive(&mut self, until: Instant) -> Came {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut commands = Vec::new();
        loop {
            match self.0.poll_recv_many(&mut context, &mut commands, GROUP_COMMANDS_MAX) {
                Poll::Ready(0) => return Came::Over,
                Poll::Ready(_) => return Came::Group(Group::of(commands)),
                Poll::Pending => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Came::Nothing;
            }
            // May end early, and does where a command came since the poll.
            thread::park_timeout(left);
        }
    }
}

/// Wakes the writer.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
