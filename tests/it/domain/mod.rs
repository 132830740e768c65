//! The pure rules, as tables.

mod balance;
mod evidence;
mod payment;
mod reversal;
mod settle;
mod slices;
mod windows;
