//! Agreements (subscriptions).

use serde::Serialize;

use crate::domain::{Ms, payment::agreement::AgreementState};

/// An agreement in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// `realm/agreement`
    pub key: String,
    /// The provider's id.
    pub id: String,
    /// The provider's account name.
    pub realm: String,
    /// Connected account.
    pub account: Option<String>,
    /// Live or test mode.
    pub livemode: bool,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// Where it stands.
    pub state: AgreementState,
    /// Since when, by the provider's clock.
    pub since: Ms,
    /// Its last payment.
    pub payment: Option<String>,
    /// That payment's channel.
    pub channel: Option<String>,
    /// When the channel runs out, as last read.
    pub active_till: Option<Ms>,
}
