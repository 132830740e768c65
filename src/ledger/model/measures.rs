//! What metrics and the log's ERROR lines tell of the ledger.

use super::{CLOSED, DEAD, view::HeldGroup};
use crate::{
    domain::{Ms, facts::UNFETCHED, hold, settle::AccountNews},
    ledger::FAILOVER,
};

/// Everything that metrics tell of the ledger, read in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measures {
    /// What waits for a person, by kind and cause.
    pub held: Vec<HeldGroup>,
    /// What is not settled, by what it waits for.
    pub waiting: Vec<Waiting>,
    /// Accounts whose calls rest, and why.
    pub holds: Vec<(String, AccountNews)>,
    /// Causes of the pauses that hold, one for each.
    pub pauses: Vec<String>,
    /// When the oldest transfer that is not settled was planned; held ones aside.
    pub oldest_open_at: Option<Ms>,
    /// What moved since the ledger was made.
    pub moved: Vec<Moved>,
    /// The soonest `activeTill` of a channel for which a transfer waits; it may have passed.
    pub expiry_waiting: Option<Ms>,
    /// The soonest `activeTill` of all channels that has not passed.
    pub expiry_next: Option<Ms>,
    /// When each source last delivered.
    pub last_deliveries: Vec<(String, Option<Ms>)>,
    /// How far the backfill of each source has looked.
    pub cursors: Vec<(String, Option<Ms>)>,
}

/// What an unsettled transfer waits for, in one word. `balance` and `unauthorized` count those that are held for it, too.
pub const WAITS_FOR: [&str; 12] = [
    "balance",
    "unauthorized",
    "operator",
    "brake",
    "refund",
    "dispute",
    FAILOVER,
    "channel",
    "retry",
    "due",
    "in_flight",
    "doubtful",
];

/// Causes of a pause.
pub const PAUSES: [&str; 5] = ["operator", "brake", "refund", "dispute", FAILOVER];

/// Transfers that are not settled and wait for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// One of [`WAITS_FOR`].
    pub cause: String,
    /// How many.
    pub transfers: u64,
    /// Their days.
    pub days: u64,
    /// When the oldest was planned.
    pub oldest: Ms,
}

/// What moved on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
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
pub const HELD: [(&str, &str); 46] = [
    ("transfer", "refused"),
    ("transfer", "balance"),
    ("transfer", "unauthorized"),
    ("transfer", "channel_unknown"),
    ("transfer", "activetill_below"),
    ("transfer", "too_old"),
    ("transfer", "unmoved"),
    ("transfer", "accepted_unmoved"),
    ("transfer", "evidence_conflicts"),
    ("transfer", "unobserved"),
    ("transfer", hold::REFUNDED),
    ("transfer", hold::DISPUTED),
    ("transfer", hold::RESTORED),
    ("payment", "channel_missing"),
    ("payment", "channel_malformed"),
    ("payment", "channel_contradictory"),
    ("payment", "days_missing"),
    ("payment", "days_malformed"),
    ("payment", "days_contradictory"),
    ("payment", "price_unknown"),
    ("payment", "price_lines"),
    ("payment", "part_of_period"),
    ("payment", "not_a_period"),
    ("payment", "quantity"),
    ("payment", "days_and_money"),
    ("payment", "currency"),
    ("payment", "amount"),
    ("payment", hold::UNCLEAR),
    ("payment", hold::REFUNDED),
    ("payment", hold::DISPUTED),
    ("payment", hold::TWIN),
    ("payment", "rule_changed"),
    ("payment", hold::RESTORED),
    ("payment", hold::RESTORED_REFUNDED),
    ("payment", hold::BEFORE_LEDGER),
    ("payment", hold::BEFORE_LEDGER_REFUNDED),
    ("payment", "days_spent"),
    ("payment", "days_owed"),
    ("payment", "other_family"),
    ("payment", "unpaid"),
    ("payment", "payment_unknown"),
    ("event", "unreadable"),
    ("event", UNFETCHED),
    ("event", DEAD),
    ("event", CLOSED),
    ("channel", "not_live"),
];
