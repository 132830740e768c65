//! One binary for every test that needs more than one file's functions.

mod ledger;
mod support;
