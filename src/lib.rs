//! daybridge turns signed payment webhooks into days on Whapi.Cloud channels, once per payment.
//!
//! The modules stand in the order in which they build on each other: each knows only those that stand before it, which a
//! test holds. Data flows from `webhook` over `queue` and `worker` into `ledger` and out at `partner`.

#![warn(clippy::too_many_lines)]

/// The shape of a closed set of words.
#[macro_use]
mod closed;

/// The rules, pure: no I/O, no clock, no async, no panic.
pub mod domain;

/// What time it is, and for how long this machine has run.
pub mod clock;

/// How long to wait before the next try.
pub mod backoff;

/// Times as people type and read them.
pub mod times;

/// What a terminal is shown of texts that came from outside.
pub mod terminal;

/// This machine: its disk, its files and its processes.
pub mod machine;

/// Logs: pretty on a terminal, JSON otherwise.
pub mod logging;

/// A value that is not shown: as text, from the environment, or from a file.
pub mod secret;

/// What travels on the queue: the bytes as received and the few words around them.
pub mod envelope;

/// Calls out: where they may go, and what may be said of them.
pub mod outbound;

/// Settings: one file, an environment overlay, every contradiction refused at start.
pub mod config;

/// The broker behind one trait: RabbitMQ, or a file on this machine.
pub mod queue;

/// What a provider's events mean, and what its API tells.
pub mod provider;

/// Webhooks in: signatures, and the receiver that answers 200 only after a confirm.
pub mod webhook;

/// The record of all money and days.
pub mod ledger;

/// The partner's API.
pub mod partner;

/// The other party: a stand-in for the partner, with every unknown as a switch.
pub mod simulator;

/// The order of effects: intake writes the ledger, settle moves the days.
pub mod worker;

/// What an operator reads and decides.
pub mod ops;

/// Health, metrics and the operators' pages, on their own address.
pub mod console;
