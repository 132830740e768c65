//! The pure rules, as tables.

mod payment;
mod settle;
