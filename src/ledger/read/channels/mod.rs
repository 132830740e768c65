//! Channels with what they have, what is owed on them, and who pays for them.

mod late;
mod list;
mod owed;
mod table;
mod whole;
