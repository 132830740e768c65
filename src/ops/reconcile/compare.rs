//! The rules: one payment, one answer. Pure.
//!
//! Days that moved twice come first, whatever was paid: they are gone from the balance. Then what is owed is
//! compared with what moved. Owed are the days of the provider's metadata or, where it has none, what the ledger
//! decided, without the days that it took off when money went out before they moved; nothing is owed for what was refunded in full, and nothing for what the provider does not list.

use std::cmp::Ordering;

use super::{
    Paid, Range,
    case::{Case, Hints, InRecord},
    evidence::{Differs, Evidence, Says, weigh},
    row::{Finding, Row},
    words,
};
use crate::domain::{Ms, id::ChannelId};

/// The answer, and what it explains of a channel's movement.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `None`: neither paid nor extended, so there is nothing to tell.
    pub row: Option<Row>,
    /// Channel and days of movement that the ledger does not know of and that this row tells.
    pub explains: Option<(String, u32)>,
}

/// Judges a payment.
pub fn judge(case: &Case<'_>) -> Verdict {
    let found = weigh(case);
    let from_history =
        found.unrecorded.saturating_add(if found.again_lines.is_empty() { 0 } else { found.again });
    Verdict {
        row: case.answer(&found),
        explains: case.channel(&found).filter(|_| from_history > 0).map(|channel| (channel, from_history)),
    }
}

/// A payment that the provider lists under a name that the ledger has for another listed payment.
pub fn second(paid: &Paid, key: &str, first: &str) -> Option<Row> {
    let case = Case {
        key,
        listed: InRecord::Paid(paid),
        booked: None,
        history: None,
        covered: Range { since: 0, until: 0 },
        hints: &Hints::default(),
    };
    let none = Evidence::default();
    let why = format!("it shares a name with {first} in the ledger, whose days are counted for that one");
    let next = Some("compare the two payments at the provider".to_owned());
    if owes_nothing(paid) {
        return case.answer(&none);
    }
    Some(case.row(Finding::PaidNotExtended, paid.days, &none, why, next))
}

/// Nothing came in, or all of it went back.
fn owes_nothing(paid: &Paid) -> bool {
    paid.refunded >= paid.amount
}

impl Case<'_> {
    /// Whether a history was given that must have what was settled at a time.
    pub(super) fn in_history(&self, settled_at: Ms) -> bool {
        self.history.is_some() && self.covered.has(settled_at)
    }

    pub(super) fn paid_days(&self) -> Option<u32> {
        match self.listed {
            InRecord::Paid(paid) => paid.days,
            InRecord::Granted | InRecord::Missing | InRecord::Elsewhere => None,
        }
    }

    fn answer(&self, found: &Evidence<'_>) -> Option<Row> {
        if found.again > 0 {
            let row = self.row(
                Finding::ExtendedTwice,
                Some(found.again),
                found,
                words::twice(found),
                Some(words::twice_next(self.key)),
            );
            return Some(row);
        }
        if let Some(differs) = found.differs {
            return Some(self.differs(&differs, found));
        }
        match self.listed {
            InRecord::Paid(paid) if owes_nothing(paid) => Some(self.owes_nothing(paid, found)),
            InRecord::Paid(_) | InRecord::Granted => Some(self.owes(found)),
            InRecord::Missing if found.days == 0 => None,
            InRecord::Missing => {
                let (why, next) = words::not_listed();
                Some(self.row(Finding::ExtendedNotPaid, Some(found.days), found, why, Some(next)))
            }
            InRecord::Elsewhere if found.absent.is_some() || (found.moved && found.unrecorded == 0) => {
                let days = found.absent.or(found.pending).map(|transfer| transfer.days);
                Some(self.missing(days, found))
            }
            InRecord::Elsewhere if found.unrecorded > 0 => Some(self.matched(found)),
            InRecord::Elsewhere => None,
        }
    }

    /// Whose word is right, a person finds out; until then the row is open.
    fn differs(&self, differs: &Differs<'_>, found: &Evidence<'_>) -> Row {
        let ours = differs.transfer.days;
        let (answer, days) = match differs.says {
            Says::Days(days) if days > ours => (Finding::ExtendedNotPaid, days.saturating_sub(ours)),
            Says::Days(days) => (Finding::PaidNotExtended, ours.saturating_sub(days)),
            Says::Channel(_) | Says::GivenBack => (Finding::PaidNotExtended, ours),
        };
        let (why, next) = words::differs(differs);
        self.row(answer, Some(days), found, why, Some(next))
    }

    fn owes_nothing(&self, paid: &Paid, found: &Evidence<'_>) -> Row {
        let refunded = paid.amount > 0;
        if found.days == 0 {
            let (why, next) = words::owes_nothing(refunded, found.pending);
            return self.row(Finding::Matched, Some(0), found, why, next);
        }
        let later = self.booked.map_or(0, |booked| booked.days_later);
        let (why, next) = words::owes_nothing_and_moved(refunded, self.key, later);
        let row = self.row(Finding::ExtendedNotPaid, Some(found.days), found, why, Some(next));
        Row { amount: Some(paid.refunded), ..row }
    }

    fn owes(&self, found: &Evidence<'_>) -> Row {
        let set = self.booked.and_then(|booked| booked.set_days);
        let off = self.booked.map_or(0, |booked| booked.days_off);
        let owed = set.or(self.paid_days()).or(self.booked.and_then(|booked| booked.days));
        let owed = owed.map(|owed| owed.saturating_sub(off));
        if found.days == 0 && off > 0 && owed == Some(0) {
            // The ledger knows of disputes too, which the provider's record does not count as refunded.
            let (why, next) = words::taken_back(found.pending);
            return self.row(Finding::Matched, Some(0), found, why, next);
        }
        let later = self.booked.map_or(0, |booked| booked.days_later);
        if found.days == 0 && later == 0 {
            return self.missing(owed, found);
        }
        let all = found.days.saturating_add(later);
        let owed = owed.unwrap_or(all);
        let (answer, days, (why, next)) = match all.cmp(&owed) {
            Ordering::Equal if later > 0 => (Finding::Later, later, (words::later(found.days, later), None)),
            Ordering::Equal => return self.matched(found),
            Ordering::Less => {
                (Finding::PaidNotExtended, owed.saturating_sub(all), words::too_few(owed, later, found))
            }
            Ordering::Greater => {
                (Finding::ExtendedNotPaid, all.saturating_sub(owed), words::too_many(owed, later, found))
            }
        };
        // First of all the ledger learns of what it does not know, or sends it again.
        let (why, next) = match found.unrecorded {
            0 => (why, next),
            _ => words::unrecorded(self.key, self.booked, found.pending),
        };
        self.row(answer, Some(days), found, why, next)
    }

    fn missing(&self, days: Option<u32>, found: &Evidence<'_>) -> Row {
        let (why, next) = words::missing(self.booked, found, self.history.is_some());
        self.row(Finding::PaidNotExtended, days, found, why, next)
    }

    fn matched(&self, found: &Evidence<'_>) -> Row {
        let by_hand = matches!(self.listed, InRecord::Granted);
        let (why, next) = if found.unrecorded > 0 {
            words::unrecorded(self.key, self.booked, found.pending)
        } else if by_hand {
            let reason = self.booked.and_then(|booked| booked.reason.clone());
            (reason.unwrap_or_else(|| "granted by hand".into()), None)
        } else {
            let partly = matches!(self.listed, InRecord::Paid(paid) if paid.refunded > 0);
            let other = self.other_channel(found).map(words::other_channel);
            (words::matched(partly, found.in_lines), other)
        };
        let answer = if by_hand { Finding::Granted } else { Finding::Matched };
        self.row(answer, Some(found.days), found, why, next)
    }

    /// The channel that the payment names, where its days went to another one and no person said so.
    fn other_channel(&self, found: &Evidence<'_>) -> Option<&str> {
        let InRecord::Paid(paid) = self.listed else { return None };
        let set = self.booked.is_some_and(|booked| booked.set_channel.is_some());
        let named = paid.channel.as_deref().filter(|text| ChannelId::parse(text).is_some());
        named.filter(|named| !set && found.channel.is_some_and(|channel| channel != *named))
    }

    /// What was extended, else what the ledger decided, else what the metadata says, if that can be one.
    fn channel(&self, found: &Evidence<'_>) -> Option<String> {
        let booked = self.booked.and_then(|booked| booked.channel.as_deref());
        let listed = match self.listed {
            InRecord::Paid(paid) => paid.channel.as_deref(),
            InRecord::Granted | InRecord::Missing | InRecord::Elsewhere => None,
        };
        let listed = listed.filter(|text| ChannelId::parse(text).is_some());
        found.channel.or(booked).or(listed).map(str::to_owned)
    }

    fn row(
        &self,
        answer: Finding,
        days: Option<u32>,
        found: &Evidence<'_>,
        why: String,
        next: Option<String>,
    ) -> Row {
        let (provider_id, amount, currency) = match self.listed {
            InRecord::Paid(paid) => (
                Some(paid.id.clone()),
                Some(paid.amount.saturating_sub(paid.refunded)),
                Some(paid.currency.clone()),
            ),
            InRecord::Granted | InRecord::Missing | InRecord::Elsewhere => {
                let booked = self.booked;
                (None, booked.and_then(|b| b.amount), booked.and_then(|b| b.currency.clone()))
            }
        };
        let channel = self.channel(found);
        Row {
            answer,
            payment: Some(self.key.to_owned()),
            provider_id,
            channel,
            days,
            amount,
            currency,
            why,
            next,
        }
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
