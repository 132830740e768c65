//! The pure rules, as tables.

mod balance;
mod money_out;
mod payment;
mod settle;
