//! Settle: channels are claimed, looked at, taken a step further and given back; and why calls rest meanwhile.

pub(super) mod account;
mod advance;
pub(super) mod brake;
pub(super) mod claim;
pub(super) mod heartbeat;
pub(super) mod pause;
pub(super) mod probe;
pub(super) mod queue;
pub(super) mod rest;
pub(super) mod schedule;
pub(super) mod server;
pub(super) mod slices;
pub(super) mod steps;
pub(super) mod stops;
mod sums;
pub(super) mod transition;
pub(super) mod turn;

pub use turn::DUE_AHEAD_MS_MAX;
