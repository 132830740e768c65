//! What an operator reads and decides. Nothing here calls the partner: a replay goes through the queue like
//! any delivery, a decision changes the ledger and the worker acts on it. What needs no operator but goes the same
//! road stands here too: the backfill.

/// A frozen preview, then exactly that, through the queue.
pub mod replay;

/// Events that never came, from the provider's own list.
pub mod backfill;
