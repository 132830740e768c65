//! The rules, pure: what a set of events means for a payment ([`payment`]), and how a transfer is settled
//! without ever being repeated on faith ([`settle`]). No I/O, no clock (`now` is an argument), no async,
//! nothing that can panic.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

/// Closed sets of words.
pub mod closed;

/// Keys, channel ids and their alphabets.
pub mod id;

/// What one event says, in our words.
pub mod facts;

/// Where an agreement (subscription) stands.
pub mod agreement;

/// How whoever pays is reached.
pub mod contact;

/// How many days a billed period has, and a table of amounts buys.
mod days;

/// Which payment an event belongs to.
pub mod identity;

/// Amounts as people read them.
pub mod money;

/// How much of a payment's money went out again.
pub mod reversal;

/// The refunds of a payment.
mod refunds;

/// The days that are due without it.
pub mod entitlement;

/// What the ledger does not know of the time before it.
pub mod memory;

/// Purchases that are probably one.
pub mod duplicate;

/// Why a payment is held.
pub mod hold;

/// Which channel a customer stands for, as a person said.
pub mod directory;

/// From the facts of all events of a payment to a decision.
pub mod payment;

/// What the partner answered, in a closed set.
pub mod reply;

/// The step function of a transfer.
pub mod settle;

/// How many days of a payment move next, and when.
pub mod slices;

/// What is known of a channel, and movement the ledger cannot explain.
pub mod channel;

/// When too many days move.
pub mod brake;

/// What refusals prove about a balance that no API tells.
pub mod balance;

/// How long it lasts.
pub mod forecast;

/// Milliseconds since the Unix epoch.
pub type Ms = i64;

/// One day of a channel, in ms.
pub const DAY_MS: i64 = 86_400_000;
