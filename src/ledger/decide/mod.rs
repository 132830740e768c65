//! What a person decides. Each decision is alone in the ledger while it is made, and goes into the audit log in the same
//! transaction.

pub(super) mod audit;
mod correct;
pub(super) mod grant;
mod grant_held;
mod held;
pub(super) mod not_live;
pub(super) mod origin;
mod prune;
pub(super) mod restored;
mod stop;
mod transfer;
mod undo;
