//! What is listed, shown and counted. Lists are bounded by the caller's page.

mod agreements;
pub(super) mod allocation;
mod channels;
mod grants;
pub(super) mod held;
mod held_groups;
pub(super) mod list;
mod measures;
pub(super) mod messages;
mod overview;
pub(super) mod pages;
mod payers;
pub(super) mod resolve;
pub(super) mod rows;
mod saved_views;
pub(super) mod show;
pub(super) mod waiting;
pub(super) mod words;

pub(in crate::ledger) use channels::{DAYS_OWED, GRANTED_FOR};
