//! What callers lend to the ledger, kept as its own while a transaction has it, for that one is on another thread.

use super::{Act, Correction, Decided, Entry, SourceRules, Take, books::BookWalk};
use crate::{
    domain::{
        closed::HeldCause,
        facts::{Facts, Unread},
        id::{ChannelId, CommentTemplate},
        settle::Order,
    },
    envelope::Envelope,
};

pub(in crate::ledger) struct KeptAct {
    who: String,
    reason: String,
}

impl Act<'_> {
    pub(in crate::ledger) fn kept(&self) -> KeptAct {
        KeptAct { who: self.who.to_owned(), reason: self.reason.to_owned() }
    }
}

impl KeptAct {
    pub(in crate::ledger) fn lent(&self) -> Act<'_> {
        Act { who: &self.who, reason: &self.reason }
    }
}

pub(in crate::ledger) struct KeptDecided {
    order: Order,
    cause: Option<HeldCause>,
    days: Option<u32>,
    act: KeptAct,
    settle_window_ms: i64,
    account: String,
    comment: CommentTemplate,
}

impl Decided<'_> {
    pub(in crate::ledger) fn kept(&self) -> KeptDecided {
        KeptDecided {
            order: self.order,
            cause: self.cause,
            days: self.days,
            act: Act { who: self.who, reason: self.reason }.kept(),
            settle_window_ms: self.settle_window_ms,
            account: self.account.to_owned(),
            comment: self.comment.clone(),
        }
    }
}

impl KeptDecided {
    pub(in crate::ledger) fn lent(&self) -> Decided<'_> {
        Decided {
            order: self.order,
            cause: self.cause,
            days: self.days,
            who: &self.act.who,
            reason: &self.act.reason,
            settle_window_ms: self.settle_window_ms,
            account: &self.account,
            comment: &self.comment,
        }
    }
}

pub(in crate::ledger) struct KeptCorrection {
    channel: Option<ChannelId>,
    days: Option<u32>,
    remember: bool,
    force: bool,
    account: String,
    cause: Option<HeldCause>,
    act: KeptAct,
    comment: CommentTemplate,
}

impl Correction<'_> {
    pub(in crate::ledger) fn kept(&self) -> KeptCorrection {
        KeptCorrection {
            channel: self.channel.clone(),
            days: self.days,
            remember: self.remember,
            force: self.force,
            account: self.account.to_owned(),
            cause: self.cause,
            act: self.act.kept(),
            comment: self.comment.clone(),
        }
    }
}

impl KeptCorrection {
    pub(in crate::ledger) fn lent(&self) -> Correction<'_> {
        Correction {
            channel: self.channel.clone(),
            days: self.days,
            remember: self.remember,
            force: self.force,
            account: &self.account,
            cause: self.cause,
            act: self.act.lent(),
            comment: &self.comment,
        }
    }
}

pub(in crate::ledger) struct KeptEntry {
    envelope: Envelope,
    dead: bool,
    facts: Result<Facts, Unread>,
    source: Option<SourceRules>,
    account: String,
    comment: CommentTemplate,
    take: Option<(String, i64)>,
    asked: Option<i64>,
}

impl Entry<'_> {
    pub(in crate::ledger) fn kept(&self) -> KeptEntry {
        KeptEntry {
            envelope: self.envelope.clone(),
            dead: self.dead,
            facts: self.facts.cloned().map_err(Clone::clone),
            source: self.source.cloned(),
            account: self.account.to_owned(),
            comment: self.comment.clone(),
            take: self.take.map(|take| (take.token.to_owned(), take.lease_until)),
            asked: self.asked,
        }
    }
}

impl KeptEntry {
    pub(in crate::ledger) fn lent(&self) -> Entry<'_> {
        Entry {
            envelope: &self.envelope,
            dead: self.dead,
            facts: self.facts.as_ref(),
            source: self.source.as_ref(),
            account: &self.account,
            comment: &self.comment,
            take: self.take.as_ref().map(|(token, lease_until)| Take { token, lease_until: *lease_until }),
            asked: self.asked,
        }
    }
}

pub(in crate::ledger) struct KeptWalk {
    realm: String,
    livemode: bool,
    since: i64,
    until: i64,
    limit: u32,
}

impl BookWalk<'_> {
    pub(in crate::ledger) fn kept(&self) -> KeptWalk {
        let Self { realm, livemode, since, until, limit } = *self;
        KeptWalk { realm: realm.to_owned(), livemode, since, until, limit }
    }
}

impl KeptWalk {
    pub(in crate::ledger) fn lent(&self) -> BookWalk<'_> {
        let Self { realm, livemode, since, until, limit } = self;
        BookWalk { realm, livemode: *livemode, since: *since, until: *until, limit: *limit }
    }
}
