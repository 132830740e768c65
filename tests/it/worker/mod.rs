//! A turn on a channel, step by step: a real ledger, and a partner in the test's hands.

mod listing;
mod retire;
mod turn;
