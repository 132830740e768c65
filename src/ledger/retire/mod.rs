//! Channels that nobody pays for, deleted at the partner by a frozen plan.
//!
//! ```text
//! planned ─▶ unknown ─DELETE─▶ deleted | refused | unknown
//! ```
//!
//! A plan deletes nothing by itself. Each channel is looked at again in the transaction that takes it for its call, and
//! nobody extends it meanwhile: the channel is leased like for a turn. It is *unknown* from before the call until the
//! partner's word is kept, so a process that ends in between leaves nothing that is believed to stand.

mod apply;
mod plan;
mod why;

pub use apply::OfPlan;
