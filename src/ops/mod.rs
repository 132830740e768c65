//! What an operator reads and decides. Nothing here calls the partner: a replay goes through the queue like
//! any delivery, a decision changes the ledger and the worker acts on it.

/// A frozen preview, then exactly that, through the queue.
pub mod replay;

/// What was paid against what was extended.
pub mod reconcile;
