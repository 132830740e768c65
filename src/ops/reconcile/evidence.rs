//! What the ledger, Billing History and the channel's readings say of one payment's days, before anybody asks
//! what was paid.

use std::collections::BTreeMap;

use super::{
    case::Case,
    history::{HistoryLine, HistoryPlace},
};
use crate::{
    domain::{DAY_MS, settle::State},
    ledger::books::BookedTransfer,
};

/// The days of a payment.
#[derive(Debug, Default)]
pub(super) struct Evidence<'a> {
    /// Days that moved once.
    pub(super) days: u32,
    /// Days that moved again.
    pub(super) again: u32,
    /// The lines that show it, where lines do.
    pub(super) again_lines: Vec<HistoryPlace>,
    /// Settled, but not in a history that covers the time.
    pub(super) absent: Option<&'a BookedTransfer>,
    /// Not settled.
    pub(super) pending: Option<&'a BookedTransfer>,
    /// The channel moved by exactly the days of the pending one.
    pub(super) moved: bool,
    /// Days in Billing History that the ledger does not call settled.
    pub(super) unrecorded: u32,
    /// Settled, but `activeTill` moved by so many days instead.
    pub(super) odd: Option<u32>,
    /// Billing History names it.
    pub(super) in_lines: bool,
    /// A line names a transfer, and says something else of it than the ledger.
    pub(super) differs: Option<Differs<'a>>,
    /// Channel of what moved.
    pub(super) channel: Option<&'a str>,
}

/// A line that does not say of a transfer what the ledger says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Differs<'a> {
    pub(super) transfer: &'a BookedTransfer,
    pub(super) place: HistoryPlace,
    pub(super) says: Says<'a>,
}

/// What it says instead.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says<'a> {
    /// So many days.
    Days(u32),
    /// Another channel.
    Channel(&'a str),
    /// That days were given back.
    GivenBack,
}

/// What the first of these lines that differs says. A balance or a date may stand there as well: one of the numbers, and
/// one of the channels, must be ours.
fn differs<'a>(lines: &[&'a HistoryLine], transfer: &'a BookedTransfer) -> Option<Differs<'a>> {
    lines.iter().find_map(|line| {
        let ours = |days: &i32| days.unsigned_abs() == transfer.days;
        let says = if line.given_back {
            Says::GivenBack
        } else if let Some(days) = line.said.first().filter(|_| !line.said.iter().any(ours)) {
            Says::Days(days.unsigned_abs())
        } else {
            let other = line.channels.first().filter(|_| !line.channels.contains(&transfer.channel))?;
            Says::Channel(other)
        };
        Some(Differs { transfer, place: line.place, says })
    })
}

/// Weighs a case.
pub(super) fn weigh<'a>(case: &Case<'a>) -> Evidence<'a> {
    let mut found = Evidence::default();
    let mut lines: BTreeMap<u32, Vec<&HistoryLine>> = BTreeMap::new();
    for line in case.history.into_iter().flatten() {
        lines.entry(line.n).or_default().push(line);
    }
    found.in_lines = !lines.is_empty();
    for transfer in case.booked.into_iter().flat_map(|booked| &booked.transfers) {
        found.channel = Some(&transfer.channel);
        let lines = lines.remove(&transfer.n).unwrap_or_default();
        found.differs = found.differs.or_else(|| differs(&lines, transfer));
        let settled = match &transfer.state {
            State::Settled { at, .. } => Some(*at),
            _ => None,
        };
        match settled {
            Some(at) if lines.is_empty() && case.in_history(at) => {
                found.absent = Some(transfer);
            }
            Some(_) => {
                let moved = moved_days(transfer);
                found.odd = found.odd.or(moved.filter(|days| *days != transfer.days));
                found.days = found.days.saturating_add(moved.unwrap_or(transfer.days));
                if case.hints.again.contains(&transfer.key) {
                    found.again = found.again.saturating_add(transfer.days);
                }
            }
            None => {
                found.pending = found.pending.or(Some(transfer));
                found.moved |= case.hints.moved.contains(&transfer.key);
                if !lines.is_empty() {
                    found.unrecorded = found.unrecorded.saturating_add(transfer.days);
                }
            }
        }
        found.repeated(&lines, transfer.days);
    }
    for lines in lines.values() {
        let other = lines.iter().flat_map(|line| &line.channels).next();
        found.channel = found.channel.or(other.map(String::as_str));
        let known = case.booked.and_then(|booked| booked.days).or(case.paid_days());
        let days = lines.iter().find_map(|line| line.days).or(known).unwrap_or(0);
        found.unrecorded = found.unrecorded.saturating_add(days);
        found.repeated(lines, days);
    }
    found.days = found.days.saturating_add(found.unrecorded);
    found
}

impl Evidence<'_> {
    /// Every line after the first moved its days again, but for those by which days were given back.
    fn repeated(&mut self, lines: &[&HistoryLine], days: u32) {
        let moved: Vec<&&HistoryLine> = lines.iter().filter(|line| !line.given_back).collect();
        let back = lines.len().saturating_sub(moved.len());
        let again = moved.iter().skip(back.saturating_add(1));
        let again: u32 = again.map(|line| line.days.unwrap_or(days)).fold(0, u32::saturating_add);
        if again > 0 {
            self.again = self.again.saturating_add(again);
            self.again_lines.extend(moved.iter().map(|line| line.place));
        }
    }
}

/// Whole days that `activeTill` moved by, where both ends were read and the channel had not run out: then the days
/// began where they stood. `None`: it does not tell.
fn moved_days(transfer: &BookedTransfer) -> Option<u32> {
    let State::Settled { before, after: Some(after), at, .. } = &transfer.state else { return None };
    let moved = after.saturating_sub(*before);
    let whole = before > at && moved.rem_euclid(DAY_MS) == 0;
    u32::try_from(moved.div_euclid(DAY_MS)).ok().filter(|_| whole)
}
