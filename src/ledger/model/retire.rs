//! A frozen plan of channels to be deleted.

use serde::Serialize;

use crate::domain::Ms;

/// Which channels that nobody pays for; all that is named must fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RetireSelection {
    /// They ran out so long ago or longer, in ms.
    pub expired_for_ms: Option<i64>,
    /// An agreement paid for them, and has ended.
    pub ended: bool,
}

closed! {
    /// What became of a channel of a plan.
    RetireState {
        /// Nothing was done yet.
        Planned = "planned",
        /// It may have been deleted.
        Unknown = "unknown",
        /// It is deleted.
        Deleted = "deleted",
        /// The partner refused.
        Refused = "refused",
        /// It is not what it was when the plan was made, and stays.
        LeftOut = "left_out",
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetirePlan {
    /// Names it.
    pub hash: String,
    /// The partner account.
    pub account: String,
    /// What was asked for.
    #[serde(flatten)]
    pub selection: RetireSelection,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Ms,
    /// Days that would come back.
    pub days: i64,
    /// The longest expired first.
    pub channels: Vec<RetireChannel>,
}

/// A channel of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetireChannel {
    /// Channel.
    pub channel: String,
    /// What persons call it.
    pub name: Option<String>,
    /// Its phone number.
    pub phone: Option<String>,
    /// As it was listed when the plan was made.
    pub active_till: Ms,
    /// Likewise.
    pub mode: Option<String>,
    /// Days that would come back, as it was then.
    pub days: i64,
    /// The last granted payment for it.
    pub payment: Option<String>,
    /// When that was first seen.
    pub paid_at: Option<Ms>,
    /// What became of it.
    pub state: RetireState,
    /// Why, or what was seen.
    pub note: Option<String>,
    /// Days that came back; `None`: none did, or nobody told.
    pub returned: Option<i64>,
}

/// Whether the partner may be asked to delete a channel.
#[derive(Debug, Clone)]
pub enum RetireTurn {
    /// It is leased for that.
    Go(super::Claim),
    /// It stays, or somebody is done with it.
    No(RetireChannel),
}

/// What the partner said of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retired {
    /// It is deleted; so many days came back, where it was told.
    Deleted(Option<u32>),
    /// It refused.
    Refused(String),
    /// It was certainly not asked now; what stood before stands.
    NotSent {
        /// Before this call.
        prior: RetireState,
        /// What was seen.
        why: String,
    },
    /// Nobody knows.
    Unknown(String),
}
