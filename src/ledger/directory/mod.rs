//! Which channel whoever pays means, as persons said, and which channels the partner has.
//!
//! `known` is what intake asks, within the recording of a payment. `change` writes; it is alone in the ledger, so every
//! payment is recorded either before it and is then found by `waiting`, or after it and goes by itself.

mod change;
mod contacts;
mod known;
mod list;
mod listed;
mod remember;
mod waiting;

pub(super) use known::known;
pub(super) use listed::{must_be_listed, synced_at};
pub(super) use remember::remember;
