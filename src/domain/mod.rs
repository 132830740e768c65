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

/// How whoever pays is reached.
pub mod contact;

/// Amounts as people read them.
pub mod money;

/// Why a payment is held.
pub mod hold;

/// From the facts of all events of a payment to a decision.
pub mod payment;

/// What the partner answered, in a closed set.
pub mod reply;

/// How days are spent: in slices, within what a balance holds, and no faster than the brake lets them.
pub mod allocation;

/// The step function of a transfer.
pub mod settle;

/// What is known of a channel, and movement the ledger cannot explain.
pub mod channel;

/// Milliseconds since the Unix epoch.
pub type Ms = i64;

/// One day of a channel, in ms.
pub const DAY_MS: i64 = 86_400_000;
