//! Memory for bodies, one budget for the whole process: what is still coming in, and what is verified and waits for the
//! queue's confirm.
//!
//! Where it is used up, the body that has been coming in the longest gives way: an honest one is here within
//! milliseconds, one that wants to fill the memory stays. So a stranger who sends as much as they can keeps out
//! themselves. What is verified never gives way. Rejected: refusing whoever comes when the budget is used up (the
//! strangers would be there first), and reserving what `Content-Length` claims (a claim costs them nothing).
//!
//! Kept in pieces of a fixed size, so that a body never holds twice its length while it grows; they are joined once,
//! when it is whole. What is counted is what was taken from the system, not only what came.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};

/// Longest piece, in bytes; a body that says to be shorter is one piece of its length.
const PIECE_BYTES_MAX: usize = 16 * 1024;

/// A piece of a body that does not say how long it will be.
const PIECE_BYTES_UNSAID: usize = 4 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    next: u64,
    /// What is still coming in, the oldest first.
    coming: BTreeMap<u64, Pieces>,
}

#[derive(Debug, Default)]
struct Pieces {
    pieces: Vec<BytesMut>,
    /// Of what is in them.
    length: usize,
    /// Of what they take.
    bytes: usize,
}

/// It had to give way, or would not fit at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// A body that is still coming in.
pub(super) struct Coming {
    budget: Arc<Budget>,
    declared: Option<usize>,
    number: u64,
}

/// The room of a whole body, until this is dropped.
pub(super) struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, kept: Mutex::default() })
    }

    /// Begins a body; `declared` is its `Content-Length`.
    pub(super) fn begin(self: &Arc<Self>, declared: Option<usize>) -> Coming {
        let mut kept = self.kept();
        let number = kept.next;
        kept.next = number.wrapping_add(1);
        kept.coming.insert(number, Pieces::default());
        Coming { budget: self.clone(), declared, number }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, number: u64) {
        if let Some(gone) = self.coming.remove(&number) {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }

    /// Makes room; `Err`: `own` is the one that has to give way.
    fn make_room(&mut self, more: usize, bytes_max: usize, own: u64) -> Result<(), NoRoom> {
        while self.bytes.saturating_add(more) > bytes_max {
            // One that holds nothing makes no room by going.
            let holding = |(number, body): (&u64, &Pieces)| (body.bytes > 0).then_some(*number);
            let oldest = self.coming.iter().find_map(holding).filter(|oldest| *oldest < own);
            let Some(oldest) = oldest else {
                self.forget(own);
                return Err(NoRoom);
            };
            self.forget(oldest);
        }
        Ok(())
    }
}

impl Pieces {
    /// Bytes of the piece to add when the last one is full.
    fn next_piece(&self, declared: Option<usize>) -> usize {
        match declared.and_then(|declared| declared.checked_sub(self.length)) {
            Some(left @ 1..) => left.min(PIECE_BYTES_MAX),
            Some(0) | None => PIECE_BYTES_UNSAID,
        }
    }

    fn free(&self) -> usize {
        self.pieces.last().map_or(0, |last| last.capacity().saturating_sub(last.len()))
    }

    fn add_piece(&mut self, bytes: usize) {
        self.pieces.push(BytesMut::with_capacity(bytes));
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Fills the last piece; returns what is left over.
    fn fill<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let free = self.free().min(chunk.len());
        let (now, later) = chunk.split_at(free);
        if let Some(last) = self.pieces.last_mut() {
            last.extend_from_slice(now);
            self.length = self.length.saturating_add(now.len());
        }
        later
    }

    /// The whole body and what it takes; each piece is given back as soon as it is copied.
    fn join(self) -> (Bytes, usize) {
        let mut pieces = self.pieces.into_iter();
        let Some(first) = pieces.next() else { return (Bytes::new(), 0) };
        if pieces.len() == 0 {
            return (first.freeze(), self.bytes);
        }
        let mut whole = BytesMut::with_capacity(self.length);
        whole.extend_from_slice(&first);
        drop(first);
        for piece in pieces {
            whole.extend_from_slice(&piece);
        }
        (whole.freeze(), self.length)
    }
}

impl Coming {
    /// Keeps what came.
    pub(super) fn keep(&self, chunk: &[u8]) -> Result<(), NoRoom> {
        let mut kept = self.budget.kept();
        let kept = &mut *kept;
        let mut rest = chunk;
        loop {
            let body = kept.coming.get_mut(&self.number).ok_or(NoRoom)?;
            rest = body.fill(rest);
            if rest.is_empty() {
                return Ok(());
            }
            let more = body.next_piece(self.declared);
            kept.make_room(more, self.budget.bytes_max, self.number)?;
            kept.bytes = kept.bytes.saturating_add(more);
            kept.coming.get_mut(&self.number).ok_or(NoRoom)?.add_piece(more);
        }
    }

    /// The whole body. From here on it does not give way.
    pub(super) fn whole(self) -> Result<(Bytes, Room), NoRoom> {
        let body = self.budget.kept().coming.remove(&self.number).ok_or(NoRoom)?;
        let mut room = Room { budget: self.budget.clone(), bytes: body.bytes };
        let (whole, takes) = body.join();
        room.shrink(takes);
        Ok((whole, room))
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.budget.kept().forget(self.number);
    }
}

impl Room {
    fn shrink(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        let mut kept = self.budget.kept();
        kept.bytes = kept.bytes.saturating_sub(less);
        self.bytes = self.bytes.saturating_sub(less);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_out_as_it_came_in() {
        let budget = Budget::new(1 << 20);
        let text: Vec<u8> = (0..100_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        for declared in [Some(text.len()), None, Some(7)] {
            for chunk in [1, 1_000, 8_192, 100_000] {
                let coming = budget.begin(declared);
                for part in text.chunks(chunk) {
                    coming.keep(part).unwrap();
                }
                let (whole, room) = coming.whole().unwrap();
                assert_eq!(whole, text, "{declared:?} in chunks of {chunk}");
                assert_eq!(room.bytes, text.len());
            }
        }
        let (nothing, _room) = budget.begin(None).whole().unwrap();
        assert!(nothing.is_empty());
        assert_eq!(budget.kept().bytes, 0, "everything was given back");
    }

    #[test]
    fn the_body_that_has_been_coming_the_longest_gives_way() {
        let budget = Budget::new(4 * PIECE_BYTES_MAX);
        let declared = Some(1 << 20);
        let verified = budget.begin(Some(PIECE_BYTES_MAX));
        verified.keep(&[b'v'; PIECE_BYTES_MAX]).unwrap();
        let _room = verified.whole().unwrap();
        let waiting = budget.begin(declared);
        let slow: Vec<Coming> = (0..10).map(|_| budget.begin(declared)).collect();
        let kept = slow.iter().map(|body| body.keep(b"x")).filter(Result::is_ok).count();
        assert_eq!(kept, 10, "each newer one is heard");
        assert_eq!(budget.kept().bytes, 4 * PIECE_BYTES_MAX, "and no more is taken than there is");
        let heard = slow.iter().map(|body| body.keep(b"y").is_ok()).collect::<Vec<_>>();
        assert_eq!(heard, [[false; 7].as_slice(), &[true; 3]].concat());
        assert_eq!(waiting.keep(b"z"), Err(NoRoom), "the oldest takes nothing from newer ones");
        let honest = budget.begin(Some(3));
        assert!(honest.keep(b"abc").is_ok() && honest.whole().is_ok());
    }

    #[test]
    fn what_a_body_claims_costs_the_others_nothing() {
        let budget = Budget::new(4 * PIECE_BYTES_MAX);
        let _claims: Vec<Coming> = (0..100).map(|_| budget.begin(Some(1 << 20))).collect();
        assert_eq!(budget.kept().bytes, 0);
    }
}
