//! What goes on beside intake and settle: a real ledger, and provider and queue in the test's hands.

mod backfill;
mod pause;
