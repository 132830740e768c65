//! Every test that needs more than one pure file, in one binary; each folder is a part of the system.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails says where; clippy spares only the test functions, not their helpers"
)]

mod console;
mod deploy;
mod domain;
mod e2e;
mod fuzz;
mod house;
mod ledger;
mod model;
mod money;
mod ops;
mod partner;
mod provider;
mod queue;
mod simulation;
mod stripe;
mod support;
mod worker;
