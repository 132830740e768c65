//! Leases messages of one lane and hands them out, oldest first.
//!
//! Woken at once by a publish in this process, and within [`POLL_MS`] by one in the other (SQLite tells by a
//! number that another connection committed; asking for it reads no page). A lease left by a dead process is
//! found by looking every [`LOOK_MS`].

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use super::{
    file::File,
    inbox::{Claimed, Command, Shared, Verdict},
    store::{self, Leased},
};
use crate::queue::{Answer, Consumer, Delivery, Lane, QueueError};

/// How often the other process's commits are looked for.
const POLL_MS: Duration = Duration::from_millis(20);

/// How often ended leases are looked for.
const LOOK_MS: Duration = Duration::from_secs(1);

/// Messages of one claim; with more waiting, the next claim takes them, and other consumers get some too.
const CLAIM_MESSAGES_MAX: usize = 64;

/// Reads one lane.
pub(super) struct LaneConsumer {
    lane: Lane,
    hand: Hand,
    prefetch: usize,
    shared: Arc<Shared>,
    /// Leased and not handed out yet.
    buffer: VecDeque<Leased>,
    /// A claim under way; kept here so that a cancelled `next` loses nothing.
    claim: Option<oneshot::Receiver<Claimed>>,
    /// Used by one look at a time; a look goes on where its `next` was cancelled.
    reader: Arc<Mutex<File>>,
    path: PathBuf,
    seen_version: i64,
    looked_at: Option<Instant>,
    /// Handed out and not answered; counted by the answers' copies.
    unanswered: Arc<()>,
}

/// What answers need: who leased, and the way to the writer.
#[derive(Clone)]
struct Hand {
    session: i64,
    commands: mpsc::Sender<Command>,
}

impl Hand {
    /// Without waiting; a full channel or a closed one: the lease ends by itself.
    fn tell(&self, command: Command) {
        if let Err(mpsc::error::TrySendError::Full(command)) = self.commands.try_send(command)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let commands = self.commands.clone();
            runtime.spawn(async move { commands.send(command).await });
        }
    }

    async fn answer(&self, id: i64, verdict: Verdict) -> Result<(), QueueError> {
        let (done, told) = oneshot::channel();
        let session = self.session;
        let gone = || QueueError("the queue file did not take the answer; the message comes again".into());
        self.commands.send(Command::Answer { id, session, verdict, done }).await.map_err(|_| gone())?;
        told.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl LaneConsumer {
    pub(super) async fn open(
        path: &Path,
        lane: Lane,
        prefetch: u16,
        commands: mpsc::Sender<Command>,
        shared: Arc<Shared>,
    ) -> Result<Self, QueueError> {
        let file = path.to_owned();
        let reader = store::apart(move || File::open(&file)).await?;
        let reader = reader.map_err(|error| store::explain(path, &error))?;
        Ok(Self {
            lane,
            hand: Hand { session: fastrand::i64(1..), commands },
            prefetch: prefetch.max(1).into(),
            shared,
            buffer: VecDeque::new(),
            claim: None,
            reader: Arc::new(Mutex::new(reader)),
            path: path.to_owned(),
            seen_version: -1,
            looked_at: None,
            unanswered: Arc::new(()),
        })
    }

    fn hand_out(&mut self, leased: Leased) -> Delivery {
        let answer = OneAnswer {
            id: Some(leased.id),
            lane: self.lane,
            hand: self.hand.clone(),
            shared: self.shared.clone(),
            unanswered: Some(self.unanswered.clone()),
        };
        Delivery::new(leased.content, Box::new(answer))
    }

    /// Messages this consumer may still take.
    fn room(&self) -> usize {
        self.prefetch.saturating_sub(Arc::strong_count(&self.unanswered) - 1)
    }

    /// Whether the lane may have something: the file changed, or it is time to look.
    async fn worth_a_claim(&mut self) -> Result<bool, QueueError> {
        let due = self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_MS);
        let (reader, lane, seen) = (self.reader.clone(), self.lane, self.seen_version);
        let look = move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let db = reader.db()?;
            let version = store::data_version(db)?;
            if version == seen && !due {
                return Ok(None);
            }
            Ok(Some((version, store::any(db, lane)?)))
        };
        let looked = store::apart(look).await?;
        let Some((version, any)) = looked.map_err(|error| store::explain(&self.path, &error))? else {
            return Ok(false);
        };
        if !any {
            // Only now: with something there, the next look must not depend on another change.
            self.seen_version = version;
            self.looked_at = Some(Instant::now());
        }
        Ok(any)
    }
}

#[async_trait]
impl Consumer for LaneConsumer {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            if let Some(claim) = self.claim.as_mut() {
                let claimed = claim.await;
                self.claim = None;
                match claimed {
                    Ok(leased) => self.buffer.extend(leased?),
                    Err(_) => return Err(QueueError("the queue is closed, or its file refuses".into())),
                }
            }
            let room = self.room();
            if room > 0
                && let Some(leased) = self.buffer.pop_front()
            {
                return Ok(self.hand_out(leased));
            }
            let shared = self.shared.clone();
            let mut changed = std::pin::pin!(shared.changed.notified());
            // Registered before the look, so that a change after it is not missed.
            changed.as_mut().enable();
            if room > 0 && self.worth_a_claim().await? {
                let (done, claim) = oneshot::channel();
                let messages_max = i64::try_from(room.min(CLAIM_MESSAGES_MAX)).unwrap_or(1);
                let command =
                    Command::Claim { lane: self.lane, session: self.hand.session, messages_max, done };
                let sent = self.hand.commands.send(command).await;
                sent.map_err(|_| QueueError("the queue is closed".into()))?;
                self.claim = Some(claim);
                continue;
            }
            tokio::select! {
                () = changed => {}
                () = sleep(POLL_MS) => {}
            }
        }
    }
}

impl Drop for LaneConsumer {
    fn drop(&mut self) {
        let session = self.hand.session;
        for leased in self.buffer.drain(..) {
            self.hand.tell(Command::GiveBack { id: leased.id, session, untouched: true });
        }
        // After a claim under way: the writer takes commands in order.
        self.hand.tell(Command::End { session });
    }
}

struct OneAnswer {
    id: Option<i64>,
    lane: Lane,
    hand: Hand,
    shared: Arc<Shared>,
    unanswered: Option<Arc<()>>,
}

impl OneAnswer {
    async fn answer(&mut self, verdict: Verdict) -> Result<(), QueueError> {
        if let Some(id) = self.id {
            self.hand.answer(id, verdict).await?;
            // Only now: refused or cancelled before, the drop gives the message back. Behind an answer that
            // did go through, giving back finds nothing.
            self.id = None;
        }
        Ok(())
    }
}

impl Drop for OneAnswer {
    fn drop(&mut self) {
        self.unanswered = None;
        // There is room in the consumer's hands again.
        self.shared.changed.notify_waiters();
        if let Some(id) = self.id.take() {
            self.hand.tell(Command::GiveBack { id, session: self.hand.session, untouched: false });
        }
    }
}

#[async_trait]
impl Answer for OneAnswer {
    async fn ack(mut self: Box<Self>) -> Result<(), QueueError> {
        self.answer(Verdict::Ack).await
    }

    async fn dead(mut self: Box<Self>) -> Result<(), QueueError> {
        match self.lane {
            // Nothing stands behind the dead lane: dropping gives the message back.
            Lane::Dead => Ok(()),
            Lane::Events | Lane::Unroutable => self.answer(Verdict::Dead).await,
        }
    }
}
