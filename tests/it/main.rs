//! Every test that needs more than one pure file, in one binary; each folder is a part of the system.

mod partner;
mod provider;
mod queue;
mod simulation;
mod support;
