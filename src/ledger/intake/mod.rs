//! Intake: what a delivery makes of its event, its payment and the payment's transfer, in one transaction.
//!
//! ```text
//! record ─▶ seen (what is there) ─▶ identity (which payment) ─▶ payment: load, evaluate, detect a duplicate,
//!                                    store, schedule, reverse ─▶ agreement (where it stands)
//!                                    ─▶ events (how the delivery ended)
//! ```

mod agreement;
mod contacts;
pub(super) mod coverage;
mod duplicate;
mod evaluate;
pub(super) mod events;
mod families;
pub(super) mod grant;
mod identity;
mod late_money;
mod names;
mod other_realm;
mod payment;
mod record;
mod recording;
pub(super) mod reversal;
pub(super) mod seen;
pub(super) mod stored;

pub(super) use duplicate::suspected;
pub(super) use record::{record, update_deliveries};
