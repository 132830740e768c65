//! The pure rules, as tables.

mod balance;
mod evidence;
mod money_out;
mod payment;
mod settle;
mod slices;
mod windows;
