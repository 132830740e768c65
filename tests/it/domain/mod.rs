//! The pure rules, as tables.

mod money_out;
mod payment;
mod settle;
