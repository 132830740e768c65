//! What persons did, planned and saved.

use serde::Serialize;

use crate::{domain::Ms, ledger::plan::PlanVerdict};

closed! {
    /// What a person did, mostly by the command that does it.
    Action {
        /// Tried again what was held.
        HeldRetry = "held retry",
        /// Said that the days are on the channel.
        HeldApplied = "held settle --applied",
        /// Said that they are not.
        HeldNotApplied = "held settle --not-applied",
        /// Closed what was held.
        HeldCancel = "held cancel",
        /// Said which channel or how many days it is for.
        HeldSet = "held set",
        /// `HeldApplied`, as older versions kept it.
        AppliedBefore = "held applied",
        /// `HeldNotApplied`, as older versions kept it.
        NotAppliedBefore = "held not_applied",
        /// Stopped a payment.
        PaymentStop = "payments stop",
        /// Let it go on.
        PaymentGo = "payments go",
        /// Said that what is left of it is another channel's.
        PaymentMove = "payments move",
        /// Sent one slice of it.
        PaymentSlice = "payments slice",
        /// Granted days without a payment.
        Grant = "grant",
        /// Said what is on the balance.
        Balance = "balance",
        /// Paused calls, or the rules did.
        Pause = "settle pause",
        /// Ended a pause.
        Resume = "settle resume",
        /// Said that another database server has lost nothing.
        Failover = "ledger failover",
        /// Said how far back a new ledger may grant.
        Adopt = "ledger adopt",
        /// Declared the ledger restored from a backup.
        Restored = "ledger restored",
        /// Took that back.
        RestoredUndo = "ledger restored --undo",
        /// Dropped bodies.
        Prune = "ledger prune",
        /// Made a plan.
        PlanMade = "replay plan",
        /// Applied one.
        PlanApplied = "replay apply",
        /// Paused one.
        PlanPaused = "replay pause",
        /// Gave one up.
        PlanAborted = "replay abort",
        /// Moved one in another way.
        PlanMoved = "replay",
        /// Said which channel a customer, a subscription or an alias stands for.
        CustomersSet = "customers set",
        /// Took that back.
        CustomersUnset = "customers unset",
        /// Said it of many, by a file.
        CustomersImport = "customers import",
        /// Made a plan of channels to be deleted.
        RetirePlan = "channels retire plan",
        /// Had one of them deleted.
        RetireApply = "channels retire apply",
        /// Had the partner's list of channels read.
        ChannelsSync = "channels sync",
        /// Came into the console.
        Login = "login",
        /// Was kept out of it.
        LoginFailed = "login failed",
        /// Left it.
        Logout = "logout",
    }
}

/// One act in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// Counts up.
    pub number: i64,
    /// When.
    pub at: Ms,
    /// Who.
    pub who: String,
    /// What.
    pub action: Action,
    /// On what.
    pub key: String,
    /// Why.
    pub reason: String,
    /// What it was.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// What a replay would do with one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Payment key, or the event id where the event names no payment.
    pub payment: String,
    /// What it would do.
    pub verdict: PlanVerdict,
    /// Why.
    pub reason: String,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Days, where known.
    pub days: Option<u32>,
    /// `activeTill` of the channel as the ledger knows it, where days would move.
    pub active_till_before: Option<Ms>,
    /// And after, if it runs; an expired channel counts from now.
    pub active_till_after: Option<Ms>,
}

/// A filter of the console that a user gave a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// The query of the page's address.
    pub query: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log is never changed, so what an older version wrote must be read for ever.
    #[test]
    fn acts_of_older_versions_are_read() {
        for word in ["held retry", "held applied", "held not_applied", "held cancel"] {
            assert!(Action::parse(word).is_some(), "{word}");
        }
    }
}
