//! Everything that is not a pure rule, in one binary.

mod queue;
mod support;
