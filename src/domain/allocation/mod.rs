//! How days are spent: in slices, within what a balance holds, and no faster than the brake lets them.

/// When too many days move.
pub mod brake;

/// How many days of a payment move next, and when.
pub mod slices;

/// What refusals prove about a balance that no API tells.
pub mod balance;

/// How long it lasts.
pub mod forecast;
