//! Channels with what they have, what is owed on them, and who pays for them.

mod late;
mod list;
mod owed;
mod table;
mod whole;

pub(in crate::ledger) use {owed::DAYS_OWED, table::GRANTED_FOR};
