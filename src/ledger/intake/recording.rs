//! An event that is being recorded and was read, with what was there before.

use super::{reversal::Found, seen::Seen};
use crate::{
    domain::{Ms, facts::Facts, id::ChannelId, payment::entitlement::Entitlement},
    ledger::{Entry, SourceRules},
};

/// See the module.
pub(super) struct Recording<'a> {
    pub(super) entry: &'a Entry<'a>,
    pub(super) facts: &'a Facts,
    pub(super) source: &'a SourceRules,
    pub(super) seen: &'a Seen,
    pub(super) now: Ms,
}

impl Recording<'_> {
    /// When the event came first.
    pub(super) fn received_at(&self) -> Ms {
        self.seen.memory.received_at.unwrap_or_else(|| super::events::received_at(self.entry, self.now))
    }

    pub(super) fn found<'a>(
        &'a self,
        covered: &'a Entitlement,
        moves: Option<u32>,
        channel: Option<&'a ChannelId>,
    ) -> Found<'a> {
        let Entry { account, comment, envelope, .. } = self.entry;
        Found { covered, moves, channel, account, comment, event: &envelope.event_id }
    }
}
