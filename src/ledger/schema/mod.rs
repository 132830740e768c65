//! Opening a ledger, and its tables.

mod catch_up;
mod explain;
pub(super) mod look;
pub(super) mod open;
