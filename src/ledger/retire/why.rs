//! Why a channel is not to be deleted.

use crate::ledger::read::DAYS_OWED;

/// Of the channel that the partner lists as `x`: the first reason, in words; NULL: there is none. Payments are looked for
/// by the channel alone, whatever their account.
pub(super) fn why() -> String {
    format!(
        "CASE WHEN {DAYS_OWED} > 0 THEN 'days are owed on it' \
         WHEN EXISTS (SELECT 1 FROM transfers t WHERE t.account = x.account AND t.channel = x.channel \
            AND t.settled_at IS NULL AND t.state || '' <> 'cancelled') \
            THEN 'a transfer to it is planned, in doubt or held' \
         WHEN EXISTS (SELECT 1 FROM payments h WHERE h.channel = x.channel AND (h.gap IS NOT NULL \
            OR h.state || '' IN ('held', 'planned', 'doubtful', 'running'))) \
            THEN 'a payment for it is planned or waits for a person' \
         WHEN EXISTS (SELECT 1 FROM payments h WHERE h.decision = 'held' AND h.customer IN \
            (SELECT q.customer FROM payments q WHERE q.channel = x.channel AND q.customer IS NOT NULL \
            UNION SELECT d.id FROM directory d WHERE d.channel = x.channel AND d.kind = 'customer')) \
            THEN 'a payment of its customer is held' \
         WHEN EXISTS (SELECT 1 FROM payments q {AGREEMENT} WHERE q.channel = x.channel AND a.state <> 'ended') \
            OR EXISTS (SELECT 1 FROM directory d JOIN agreements a ON a.id = d.id AND a.realm = d.realm \
            AND a.account = d.account WHERE d.channel = x.channel AND d.kind = 'subscription' AND a.state <> 'ended') \
            THEN 'an agreement that has not ended pays for it' \
         WHEN EXISTS (SELECT 1 FROM pauses p WHERE p.ended_at IS NULL \
            AND p.scope = 'channel:' || x.account || '/' || x.channel) THEN 'its calls are paused' \
         WHEN EXISTS (SELECT 1 FROM channels c WHERE c.account = x.account AND c.channel = x.channel \
            AND c.not_live_since IS NOT NULL) THEN 'it cannot be switched to live, and waits for a person' \
         WHEN EXISTS (SELECT 1 FROM channels c WHERE c.account = x.account AND c.channel = x.channel \
            AND c.active_till > x.active_till AND c.active_till < {never}) \
            THEN 'the ledger has read a later activeTill' END",
        never = i64::MAX
    )
}

/// The agreement of a payment `q`.
pub(super) const AGREEMENT: &str = "JOIN agreements a ON a.id = q.agreement AND a.realm = q.realm AND a.account = q.account AND a.livemode = q.livemode";
