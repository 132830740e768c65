//! What lists and searches ask for. Each list is newest first and pages by the key of the last row seen, so that a
//! page costs the same however deep it lies.

use super::DeliveryOutcome;
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PaymentState, TransferState},
        payment::{agreement::AgreementState, directory::NameKind},
    },
    envelope::Trigger,
};

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
    /// A payment or transfer key, a provider id, a channel, a customer, an agreement, or an amount in the smallest unit.
    pub text: Option<String>,
    /// Where they stand.
    pub state: Option<PaymentState>,
    /// Source name.
    pub source: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// The provider's account name.
    pub realm: Option<String>,
    /// Connected account; empty: those of none.
    pub account: Option<String>,
    /// The provider's id of the agreement (subscription).
    pub agreement: Option<String>,
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
    /// Where they stand.
    pub state: Option<TransferState>,
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
    /// How they ended; `granted` is credited or on its way.
    pub outcome: Option<DeliveryOutcome>,
    /// How they came.
    pub trigger: Option<Trigger>,
}

/// Which channels, soonest expiry first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelQuery {
    /// This one.
    pub channel: Option<String>,
    /// Mode at the last reading.
    pub mode: Option<String>,
    /// Runs out then or later.
    pub from: Option<Ms>,
    /// Runs out until then, or has run out.
    pub until: Option<Ms>,
    /// Has run out by then while days are owed on it.
    pub dark_at: Option<Ms>,
    /// Days are owed on it.
    pub owed: bool,
    /// The partner still lists it, no days are owed on it, and no agreement that is active pays for it.
    pub unpaid: bool,
}

/// Which agreements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgreementQuery {
    /// Where they stand.
    pub state: Option<AgreementState>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// The provider's account name.
    pub realm: Option<String>,
    /// Connected account; empty: those of none.
    pub account: Option<String>,
}

/// What the directory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryQuery {
    /// Of this realm.
    pub realm: Option<String>,
    /// Of this kind.
    pub kind: Option<NameKind>,
    /// Of these customers, subscriptions or aliases; empty: of any.
    pub ids: Vec<String>,
    /// For this channel.
    pub channel: Option<String>,
}

/// Which held events, payments, transfers and accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldQuery {
    /// The cause in one word.
    pub cause: Option<HeldCause>,
    /// Event id, payment key, transfer key, or a channel's as it is listed.
    pub key: Option<String>,
}
