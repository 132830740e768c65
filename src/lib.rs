//! daybridge turns signed payment webhooks into days on Whapi.Cloud channels, once per payment.
//!
//! The modules stand in the order data flows; each knows only what stands before its door.

/// The shape of a closed set of words.
#[macro_use]
mod closed;

/// Settings: one file, an environment overlay, every contradiction refused at start.
pub mod config;

/// What travels on the queue: the bytes as received and the few words around them.
pub mod envelope;

/// Calls out: where they may go, and what may be said of them.
pub mod outbound;

/// Webhooks in: signature schemes, event maps, and the receiver that answers 200 only after a confirm.
pub mod provider;

/// The broker behind one trait: RabbitMQ, or a file on this machine.
pub mod queue;

/// The rules, pure: no I/O, no clock, no async, no panic.
pub mod domain;

/// The record of all money and days.
pub mod ledger;

/// The partner's API, and its simulator.
pub mod partner;

/// The order of effects: intake writes the ledger, settle moves the days.
pub mod worker;

/// What an operator reads and decides.
pub mod ops;

/// Health, metrics and the operators' pages, on their own address.
pub mod console;

/// Times as people type and read them.
pub mod times;

/// What a terminal is shown of texts that came from outside.
pub mod terminal;

/// Room on the disk under a database file.
pub mod disk;

/// Database files that only their owner reads.
pub mod private_file;

/// Whether a database file is still where it was.
pub mod file_id;

/// Files and connections this process may have open.
pub mod open_files;

/// Which process this is, and whether another has ended.
pub mod process;

/// Logs: pretty on a terminal, JSON otherwise.
pub mod logging;
