//! Webhooks in: the receiver over real sockets, with a queue moved by hand; bodies into facts.

/// A queue moved by hand, a receiver on a free port, a client that sends bytes as told.
pub(crate) mod bench;

/// Answers, and that 200 waits for the confirm.
mod answers;

/// Memory for bodies.
mod bodies;

/// Silent and slow callers, and stopping.
mod slow;

/// Bodies into facts.
mod facts;

/// Signatures made by the provider's own SDK.
mod signatures;

/// What the provider's own API tells of the past.
mod history;

/// The pages for users.
mod pages;

/// Every preset against its provider.
pub(crate) mod presets;

/// Characters that nobody needs.
mod odd_texts;

/// What the provider's API tells of an event.
mod fetch;

/// The verifier against a reference in another language.
mod reference;
