//! What metrics and the log's ERROR lines tell of the ledger.

use super::view::{HeldGroup, HeldKind};
use crate::domain::{
    Ms,
    closed::{HeldCause, PauseCause},
    payment::agreement::AgreementState,
    settle::AccountSignal,
};

/// Everything that metrics tell of the ledger, read in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measures {
    /// What waits for a person, by kind and cause.
    pub held: Vec<HeldGroup>,
    /// What is not settled, by what it waits for.
    pub waiting: Vec<Waiting>,
    /// Accounts whose calls rest, and why.
    pub holds: Vec<(String, AccountSignal)>,
    /// Causes of the pauses that hold, one for each.
    pub pauses: Vec<PauseCause>,
    /// When the oldest transfer that is not settled was planned; held ones aside.
    pub oldest_open_at: Option<Ms>,
    /// What moved since the ledger was made.
    pub moved: Vec<DaysMoved>,
    /// The soonest `activeTill` of a channel for which a transfer waits; it may have passed.
    pub expiry_waiting: Option<Ms>,
    /// The soonest `activeTill` of all channels that has not passed.
    pub expiry_next: Option<Ms>,
    /// When each source last delivered.
    pub last_deliveries: Vec<(String, Option<Ms>)>,
    /// How many agreements stand where.
    pub agreements: Vec<(AgreementState, u64)>,
    /// How far the backfill of each source has looked.
    pub cursors: Vec<(String, Option<Ms>)>,
}

closed! {
    /// What an unsettled transfer waits for. `balance` and `unauthorized` count those that are held for it, too.
    WaitsFor {
        /// The account's balance of days.
        Balance = "balance",
        /// A valid partner token.
        Unauthorized = "unauthorized",
        /// A person, who paused calls.
        Operator = "operator",
        /// A person, for the brake paused calls.
        Brake = "brake",
        /// A person, for money was given back.
        Refund = "refund",
        /// A person, for the payer's bank took money.
        Dispute = "dispute",
        /// A person's word about another database server.
        Failover = "failover",
        /// Another transfer of its channel, whose outcome is open.
        Channel = "channel",
        /// Its next try.
        Retry = "retry",
        /// A worker.
        Due = "due",
        /// The answer of its call.
        InFlight = "in_flight",
        /// Readings.
        Doubtful = "doubtful",
    }
}

/// Transfers that are not settled and wait for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What for.
    pub cause: WaitsFor,
    /// How many.
    pub transfers: u64,
    /// Their days.
    pub days: u64,
    /// When the oldest was planned.
    pub oldest: Ms,
}

/// What moved on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaysMoved {
    /// The partner account.
    pub account: String,
    /// Transfers settled.
    pub transfers: u64,
    /// Their days.
    pub days: u64,
}

/// What is kept back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeptBack {
    /// Transfers.
    pub transfers: u64,
    /// Their days.
    pub days: u64,
}

/// Every kind and cause under which something can wait for a person.
pub const HELD: [(HeldKind, HeldCause); 53] = [
    (HeldKind::Transfer, HeldCause::Refused),
    (HeldKind::Transfer, HeldCause::Balance),
    (HeldKind::Transfer, HeldCause::Unauthorized),
    (HeldKind::Transfer, HeldCause::ChannelUnknown),
    (HeldKind::Transfer, HeldCause::ActivetillBelow),
    (HeldKind::Transfer, HeldCause::TooOld),
    (HeldKind::Transfer, HeldCause::Unmoved),
    (HeldKind::Transfer, HeldCause::AcceptedUnmoved),
    (HeldKind::Transfer, HeldCause::EvidenceConflicts),
    (HeldKind::Transfer, HeldCause::Unobserved),
    (HeldKind::Transfer, HeldCause::Refunded),
    (HeldKind::Transfer, HeldCause::Disputed),
    (HeldKind::Transfer, HeldCause::Stopped),
    (HeldKind::Transfer, HeldCause::Ended),
    (HeldKind::Transfer, HeldCause::Restored),
    (HeldKind::Payment, HeldCause::ChannelMissing),
    (HeldKind::Payment, HeldCause::ChannelMalformed),
    (HeldKind::Payment, HeldCause::ChannelContradictory),
    (HeldKind::Payment, HeldCause::DaysMissing),
    (HeldKind::Payment, HeldCause::DaysMalformed),
    (HeldKind::Payment, HeldCause::DaysContradictory),
    (HeldKind::Payment, HeldCause::PriceUnknown),
    (HeldKind::Payment, HeldCause::PriceLines),
    (HeldKind::Payment, HeldCause::PartOfPeriod),
    (HeldKind::Payment, HeldCause::NotAPeriod),
    (HeldKind::Payment, HeldCause::Quantity),
    (HeldKind::Payment, HeldCause::DaysAndMoney),
    (HeldKind::Payment, HeldCause::Currency),
    (HeldKind::Payment, HeldCause::Amount),
    (HeldKind::Payment, HeldCause::Unclear),
    (HeldKind::Payment, HeldCause::Refunded),
    (HeldKind::Payment, HeldCause::Disputed),
    (HeldKind::Payment, HeldCause::ChannelAmbiguous),
    (HeldKind::Payment, HeldCause::AliasUnknown),
    (HeldKind::Payment, HeldCause::SuspectedDuplicate),
    (HeldKind::Payment, HeldCause::RuleChanged),
    (HeldKind::Payment, HeldCause::Restored),
    (HeldKind::Payment, HeldCause::RestoredRefunded),
    (HeldKind::Payment, HeldCause::BeforeLedger),
    (HeldKind::Payment, HeldCause::BeforeLedgerRefunded),
    (HeldKind::Payment, HeldCause::DaysSpent),
    (HeldKind::Payment, HeldCause::DaysOwed),
    (HeldKind::Payment, HeldCause::OtherFamily),
    (HeldKind::Payment, HeldCause::Unpaid),
    (HeldKind::Payment, HeldCause::PaymentUnknown),
    (HeldKind::Event, HeldCause::Unreadable),
    (HeldKind::Event, HeldCause::Unfetched),
    (HeldKind::Event, HeldCause::Dead),
    (HeldKind::Event, HeldCause::Closed),
    (HeldKind::Event, HeldCause::Contradiction),
    (HeldKind::Event, HeldCause::NoPayment),
    (HeldKind::Event, HeldCause::KeyTaken),
    (HeldKind::Channel, HeldCause::NotLive),
];
