//! A delivery to be recorded, and how it ends.

use crate::{
    domain::{
        Ms,
        facts::{Facts, Unread},
        id::CommentTemplate,
        payment::Rules,
    },
    envelope::Envelope,
    ledger::Claim,
};

/// What intake knows of the source that a delivery came from.
#[derive(Debug, Clone)]
pub struct SourceRules {
    /// The provider account's name for ever.
    pub realm: String,
    /// Whose events it takes; accounts of one provider in several realms are compared.
    pub provider: String,
    /// How it grants days.
    pub rules: Rules,
}

/// One delivery to be recorded.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What came off the queue.
    pub envelope: &'a Envelope,
    /// It came from the dead queue: the event is held whatever it says, so that a person looks.
    pub dead: bool,
    /// What it says, or why it cannot be read.
    pub facts: Result<&'a Facts, &'a Unread>,
    /// Its source's rules; `None` where the source is not in the settings (then `facts` is an error).
    pub source: Option<&'a SourceRules>,
    /// The partner account that pays the days.
    pub account: &'a str,
    /// For the comment of a transfer that it plans.
    pub comment: &'a CommentTemplate,
    /// Who goes on with the channel that it grants days to.
    pub take: Option<Take<'a>>,
    /// Number of the question to the provider's API whose answer this is; see [`Ledger::question`]. `None`: none was
    /// asked.
    ///
    /// [`Ledger::question`]: super::Ledger::question
    pub asked: Option<i64>,
}

/// Who takes a channel that becomes due, where nobody holds it.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a> {
    /// Of this one attempt.
    pub token: &'a str,
    /// Until when.
    pub lease_until: Ms,
}

closed! {
    /// How an accepted event ended.
    DeliveryOutcome {
        /// It granted the days of its payment. Shown as `credited` once the transfer is settled.
        Granted = "granted",
        /// Its payment was granted before.
        Duplicate = "duplicate",
        /// Money went back; kept with its payment.
        Refund = "refund",
        /// Kept with its payment; no money by itself.
        Link = "link",
        /// Not needed.
        Ignored = "ignored",
        /// It, or its payment, waits for a person.
        Held = "held",
    }
}

/// What recording did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How the delivery ended.
    pub outcome: DeliveryOutcome,
    /// The sentence with it, for ignored and held.
    pub reason: Option<String>,
    /// The payment it belongs to.
    pub payment: Option<String>,
    /// The transfer that it planned.
    pub planned: Option<String>,
    /// The transfer's channel, where it was taken for who recorded.
    pub claim: Option<Claim>,
    /// The same delivery was recorded before (the broker redelivered it).
    pub again: bool,
}
