//! Channels, and how days are spent on them.

/// What an operator does about a payment's days, or without a payment.
pub(in crate::console) mod acts;

/// All of them.
pub(in crate::console) mod list;

/// One.
pub(in crate::console) mod one;
