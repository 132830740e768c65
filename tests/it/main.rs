//! One test binary; each folder is a part of the system.

mod simulation;
