//! What a reading proves about a call. `activeTill` moves by our calls, by hands and by cards alike, so a call is
//! known by what the channel would read without it: what was read before it, and what the ledger has settled since.

use super::{
    super::{DAY_MS, Ms, channel::Channel},
    Call, Policy,
    turn::Turn,
};

impl Call {
    /// Days that were sent; `days` of the transfer where they were not kept.
    pub fn sent(&self, days: u32) -> u32 {
        if self.days == 0 { days } else { self.days }
    }
}

/// What the channel reads if the call was not applied, nor anything moved it but what the ledger has settled since.
/// `None`: what was settled since cannot be told.
pub fn unmoved(call: &Call, channel: &Channel) -> Option<Ms> {
    if channel.settles == call.settles {
        return Some(call.before);
    }
    let since = channel.moved_ms.saturating_sub(call.moved_ms);
    (call.number > channel.mixed_to).then(|| call.before.saturating_add(since))
}

/// Whether a reading shows exactly these days on top of *before*.
///
/// Either it moved by exactly the days; or the channel had run out by the time of the call, and the days were counted
/// from the moment the partner applied them: after the sending, before the reading, and within a settle window of the
/// latest sending, which is itself within one of the intent.
pub fn fits(call: &Call, days: u32, active_till: Ms, read_at: Ms, policy: &Policy) -> bool {
    let base = base(active_till, days);
    let earliest = call.at.max(call.before).saturating_sub(policy.skew_ms);
    let latest = read_at.min(call.at.saturating_add(policy.settle_window_ms.saturating_mul(2)));
    base == call.before || (base >= earliest && base <= latest.saturating_add(policy.skew_ms))
}

fn base(active_till: Ms, days: u32) -> Ms {
    active_till.saturating_sub(i64::from(days).saturating_mul(DAY_MS))
}

impl Turn<'_> {
    /// Whether a reading proves that the call was applied. It does not where another call of the channel may have
    /// been applied instead: one that was refused since, which may have hidden a success. Nor where the transfer has
    /// other days by now than those that were sent. What ran out between is told exactly or not at all.
    pub(super) fn proves(&self, call: &Call, channel: &Channel, active_till: Ms) -> bool {
        let settled = channel.settles.saturating_sub(call.settles);
        if channel.calls.saturating_sub(call.number) != settled || call.sent(self.days) != self.days {
            return false;
        }
        if settled == 0 {
            return fits(call, self.days, active_till, self.now, self.policy);
        }
        unmoved(call, channel) == Some(base(active_till, self.days))
    }
}
