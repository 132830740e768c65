//! Everything that is not a pure rule, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails says where; clippy lets only the test functions themselves, not their helpers"
)]

mod queue;
mod support;
