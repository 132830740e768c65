//! What a provider's events mean. Intake reads a body into [`Facts`](crate::domain::facts::Facts) here, and asks the
//! provider's API where a body does not tell enough; `ops` asks it for the past.
//!
//! A provider is data ([`config::preset`](crate::config::preset)): a signature scheme, an event map, and what is asked
//! of its API. One reader serves all of them; the pages of those that come with us are in `presets/`.

/// From a body to facts.
pub mod event;

/// The door to a provider's API, and the network behind it.
mod wire;

/// When a provider's API is left alone.
mod circuit_breaker;

/// What an event is about, asked for at the provider's API.
mod fetch;

/// The configured sources, as they are read.
pub mod readers;

/// Stripe's own lists of the past.
mod stripe;

/// What a provider's own API tells of the past.
pub mod history;

/// Real-shaped event bodies for trying things out.
pub mod sample;

pub use readers::Readers;
pub use wire::{ANSWER_TIMEOUT, Trouble, Wire};
