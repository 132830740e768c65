//! Replays: what is chosen, what recording it again would do, and how far it has come.

mod plan_rows;
mod plans;
mod rehearse;
mod select;
