//! Stripe, as data.

use super::{
    Preset,
    signature::{Part, Scheme},
};

/// What its events mean.
mod events;

/// Where its objects keep what we need.
mod objects;

/// What its API tells of the past.
pub(super) mod history;

/// `provider = "stripe"`
pub const PRESET: Preset = Preset {
    name: "stripe",
    // Only `v1` counts: `v0` is sent with test events, and an unknown scheme would be a downgrade.
    scheme: Scheme {
        header: "stripe-signature",
        separator: b',',
        timestamp_key: "t",
        signature_key: "v1",
        signed: &[Part::Timestamp, Part::Literal("."), Part::Body],
    },
    events: events::MAP,
};
