//! What lists and searches ask for. Each list is newest first and pages by the key of the last row seen, so that a
//! page costs the same however deep it lies.

use crate::domain::Ms;

/// Where a page begins and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Key of the last row of the page before; `None`: the newest.
    pub after: Option<String>,
    /// Most rows.
    pub limit: u32,
}

impl Page {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }
}

/// Which payments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentQuery {
    /// A payment or transfer key, a provider id, a channel, a customer, or an amount in the smallest unit.
    pub text: Option<String>,
    /// `linked`, `planned`, `doubtful`, `held`, `credited`, `cancelled` or `nothing`.
    pub state: Option<String>,
    /// Source name.
    pub source: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// Amount in the smallest unit.
    pub amount: Option<i64>,
    /// First seen at or after.
    pub since: Option<Ms>,
    /// First seen before.
    pub until: Option<Ms>,
}

/// Which transfers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferQuery {
    /// `planned`, `intended`, `doubtful`, `settled`, `held` or `cancelled`.
    pub state: Option<String>,
    /// Channel.
    pub channel: Option<String>,
}

/// Which deliveries of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Source name.
    pub source: Option<String>,
    /// The provider's event type.
    pub event_type: Option<String>,
    /// `granted` (credited or on its way), `duplicate`, `refund`, `link`, `ignored` or `held`.
    pub outcome: Option<String>,
    /// `webhook`, `replay` or `backfill`.
    pub trigger: Option<String>,
}

/// Which channels, soonest expiry first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelQuery {
    /// This one.
    pub channel: Option<String>,
    /// Mode at the last reading.
    pub mode: Option<String>,
}

/// Which held events, payments, transfers and accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldQuery {
    /// The cause in one word.
    pub cause: Option<String>,
    /// Event id, payment key, transfer key, or a channel's as it is listed.
    pub key: Option<String>,
}
