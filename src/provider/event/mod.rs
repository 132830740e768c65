//! From a body to facts, by an event map.

/// One message an event.
pub mod split;

/// Several events in one request.
pub mod items;

/// Reading JSON as it comes.
pub(super) mod json;

/// Walking a JSON value by paths.
pub(crate) mod path;

/// Amounts, however written.
mod amount;

/// What an object tells of its payment.
mod object;

/// The money that went out again.
mod reversal;

/// Whose an event is.
mod whose;

/// A body that says not what is expected.
pub mod unreadable;

/// From a body to facts, by an event map.
pub mod read;

/// Event id and type of a body, at the price of one pass and no tree.
pub mod words;
