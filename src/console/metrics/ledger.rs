//! What the ledger says, as gauges. Every worker says the same of one ledger: take the largest, never the sum.

use super::text::{Series, Text, one, whole};
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PauseCause},
        payment::agreement::AgreementState,
        settle::AccountSignal,
    },
    ledger::measures::{HELD, Measures, WaitsFor},
};

/// A thousandth of a second.
const MS: f64 = 0.001;

/// What a console's process is there for, which decides which series there are before anything happened.
pub(super) struct Known<'a> {
    /// The partner account.
    pub(super) account: &'a str,
    /// Sources whose provider's own list is looked through.
    pub(super) backfilled: &'a [String],
    /// The time.
    pub(super) now: Ms,
}

impl Known<'_> {
    /// 0 where there is nothing.
    fn age(&self, since: Option<Ms>) -> f64 {
        since.map_or(0.0, |since| seconds(self.now.saturating_sub(since)).max(0.0))
    }

    /// Infinite where it never was.
    fn age_or_never(&self, since: Option<Ms>) -> f64 {
        since.map_or(f64::INFINITY, |since| seconds(self.now.saturating_sub(since)).max(0.0))
    }
}

/// All of them.
pub(super) fn write(text: &mut Text, measures: &Measures, known: &Known<'_>) {
    held(text, measures, known);
    waiting(text, measures, known);
    rests(text, measures, known);
    moved(text, measures, known);
    let left = |at: Option<Ms>| at.map_or(f64::INFINITY, |at| seconds(at.saturating_sub(known.now)));
    text.gauge(
        "daybridge_soonest_expiry_seconds",
        "Time until the soonest activeTill: of channels that days wait for (below 0 where it has passed), and the next of all; +Inf: there is none.",
        vec![
            (vec![("channels", "waiting".to_owned())], left(measures.expiry_waiting)),
            (vec![("channels", "all".to_owned())], left(measures.expiry_next)),
        ],
    );
    let ages = measures.last_deliveries.iter();
    text.gauge(
        "daybridge_last_delivery_age_seconds",
        "Time since the source delivered last; +Inf: it never did.",
        ages.map(|(source, at)| (vec![("source", source.clone())], known.age_or_never(*at))).collect(),
    );
    let stand = AgreementState::ALL.iter().map(|state| {
        let many = measures.agreements.iter().find(|(found, _)| found == state).map_or(0, |(_, many)| *many);
        (vec![("state", state.to_string())], whole(many))
    });
    text.gauge("daybridge_agreements", "Agreements (subscriptions), by where they stand.", stand.collect());
    let cursor = |source: &String| {
        let seen = measures.cursors.iter().find(|(name, _)| name == source).and_then(|(_, seen)| *seen);
        (vec![("source", source.clone())], known.age_or_never(seen))
    };
    text.gauge(
        "daybridge_backfill_cursor_age_seconds",
        "How far behind now the backfill of the source has looked; +Inf: it never got through.",
        known.backfilled.iter().map(cursor).collect(),
    );
}

fn held(text: &mut Text, measures: &Measures, known: &Known<'_>) {
    let mut rows = HELD.to_vec();
    for row in measures.held.iter().map(|group| (group.kind, group.cause)) {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let family = |value: &dyn Fn(Option<(u64, u64, Ms)>) -> f64| -> Vec<Series> {
        rows.iter()
            .map(|(kind, cause)| {
                // Two statements may count one cause of one kind.
                let groups =
                    measures.held.iter().filter(|group| group.kind == *kind && group.cause == *cause);
                let all = groups.fold(None, |sum: Option<(u64, u64, Ms)>, group| {
                    let (count, days, oldest) = sum.unwrap_or((0, 0, group.oldest));
                    let oldest = oldest.min(group.oldest);
                    Some((count.saturating_add(group.count), days.saturating_add(group.days), oldest))
                });
                (vec![("kind", kind.to_string()), ("cause", cause.to_string())], value(all))
            })
            .collect()
    };
    text.gauge(
        "daybridge_held",
        "What waits for a person, by kind and cause.",
        family(&|row| row.map_or(0.0, |(count, ..)| whole(count))),
    );
    text.gauge(
        "daybridge_held_channeldays",
        "Days of what waits for a person, where known.",
        family(&|row| row.map_or(0.0, |(_, days, _)| whole(days))),
    );
    text.gauge(
        "daybridge_held_oldest_age_seconds",
        "How long the oldest of what waits for a person has waited; 0: nothing does.",
        family(&|row| known.age(row.map(|(.., oldest)| oldest))),
    );
}

fn waiting(text: &mut Text, measures: &Measures, known: &Known<'_>) {
    let family = |value: &dyn Fn(Option<(u64, u64, Ms)>) -> f64| -> Vec<Series> {
        WaitsFor::ALL
            .iter()
            .map(|cause| {
                let found = measures.waiting.iter().find(|group| group.cause == *cause);
                let row = found.map(|group| (group.transfers, group.days, group.oldest));
                (vec![("cause", cause.to_string())], value(row))
            })
            .collect()
    };
    text.gauge(
        "daybridge_waiting_transfers",
        "Transfers that are not settled, by what they wait for; those held for the account included.",
        family(&|row| row.map_or(0.0, |(count, ..)| whole(count))),
    );
    text.gauge(
        "daybridge_waiting_channeldays",
        "Days of transfers that are not settled, by what they wait for.",
        family(&|row| row.map_or(0.0, |(_, days, _)| whole(days))),
    );
    text.gauge(
        "daybridge_waiting_oldest_age_seconds",
        "How long ago the oldest of them was planned; 0: there is none.",
        family(&|row| known.age(row.map(|(.., oldest)| oldest))),
    );
    text.gauge(
        "daybridge_oldest_open_age_seconds",
        "How long ago the oldest transfer was planned that is planned, called or doubtful; 0: there is none.",
        one(known.age(measures.oldest_open_at)),
    );
}

fn rests(text: &mut Text, measures: &Measures, known: &Known<'_>) {
    let mut accounts = vec![known.account.to_owned()];
    accounts.extend(measures.holds.iter().map(|(account, _)| account.clone()));
    accounts.sort();
    accounts.dedup();
    let causes =
        [(HeldCause::Balance, AccountSignal::NoBalance), (HeldCause::Unauthorized, AccountSignal::NoToken)];
    let holds = accounts.iter().flat_map(|account| {
        causes.iter().map(move |(cause, news)| {
            let held = measures.holds.iter().any(|(name, why)| name == account && why == news);
            (vec![("account", account.clone()), ("cause", cause.to_string())], f64::from(u8::from(held)))
        })
    });
    text.gauge(
        "daybridge_account_hold",
        "Whether calls of the account rest: out of days (balance), or the token refused (unauthorized).",
        holds.collect(),
    );
    let pauses = PauseCause::ALL.iter().map(|cause| {
        let many = measures.pauses.iter().filter(|found| *found == cause).count();
        (vec![("cause", cause.to_string())], whole(u64::try_from(many).unwrap_or(u64::MAX)))
    });
    text.gauge("daybridge_pauses", "Pauses that hold, by cause; `brake` is the brake's.", pauses.collect());
}

fn moved(text: &mut Text, measures: &Measures, known: &Known<'_>) {
    let mut rows: Vec<(String, u64, u64)> =
        measures.moved.iter().map(|row| (row.account.clone(), row.transfers, row.days)).collect();
    if !rows.iter().any(|(account, ..)| account == known.account) {
        rows.push((known.account.to_owned(), 0, 0));
    }
    let series = |value: fn(&(String, u64, u64)) -> u64| -> Vec<Series> {
        rows.iter().map(|row| (vec![("account", row.0.clone())], whole(value(row)))).collect()
    };
    text.counter(
        "daybridge_settled_transfers_total",
        "Transfers settled since the ledger was made.",
        series(|(_, transfers, _)| *transfers),
    );
    text.counter(
        "daybridge_moved_channeldays_total",
        "Days moved to channels since the ledger was made.",
        series(|(_, _, days)| *days),
    );
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of 285,000 years are exact")]
fn seconds(ms: Ms) -> f64 {
    ms as f64 * MS
}
