//! What a worker counts and times, all of it there from its start.

use std::time::{Duration, Instant};

use crate::{
    domain::reply::{ReadError, Reply},
    ledger::{DatabaseCounts, DeliveryOutcome},
};

/// 1 while the circuit breaker is open.
pub const BREAKER: &str = "daybridge_breaker_open";
/// From the first accepted delivery of a payment until its days are known to be on the channel.
pub const CREDITED: &str = "daybridge_accepted_to_credited_seconds";
/// Calls to the partner.
pub const CALL: &str = "daybridge_partner_call_seconds";

/// Statements of this process at the ledger's database.
pub const STATEMENTS: &str = "daybridge_ledger_statements_total";
/// Its transactions that wrote.
pub const COMMITS: &str = "daybridge_ledger_commits_total";
/// Its transactions that met another one and ran again.
pub const RETRIES: &str = "daybridge_ledger_retries_total";

const RECORDED: &str = "daybridge_recorded_total";
const BACKFILLED: &str = "daybridge_backfilled_total";

const OUTCOMES: [DeliveryOutcome; 6] = [
    DeliveryOutcome::Granted,
    DeliveryOutcome::Duplicate,
    DeliveryOutcome::Refund,
    DeliveryOutcome::Link,
    DeliveryOutcome::Ignored,
    DeliveryOutcome::Held,
];

/// How each kind of call may end.
const CALLS: [(&str, &[&str]); 4] = [
    ("read", &["answered", "unknown_channel", "unauthorized", "failed"]),
    ("extend", &["accepted", "refused", "throttled", "not_sent", "unclear"]),
    ("make_live", &["answered", "unknown_channel", "unauthorized", "failed"]),
    ("list", &["answered", "unknown_channel", "unauthorized", "failed"]),
];

/// Describes all, and makes each series.
pub fn begin<'s>(sources: impl Iterator<Item = &'s str>) {
    metrics::describe_gauge!(BREAKER, "Whether the circuit breaker of this worker is open");
    metrics::describe_histogram!(
        CREDITED,
        metrics::Unit::Seconds,
        "Time from the first accepted delivery of a payment until its days were on the channel"
    );
    metrics::describe_histogram!(CALL, metrics::Unit::Seconds, "Time of a call to the partner, by its end");
    metrics::describe_counter!(RECORDED, "Events recorded in the ledger, by outcome");
    metrics::describe_counter!(
        BACKFILLED,
        "Events found in the provider's own list that never came by themselves"
    );
    metrics::describe_counter!(STATEMENTS, "Statements of this process at the ledger's database");
    metrics::describe_counter!(COMMITS, "Transactions of this process that wrote to the ledger");
    metrics::describe_counter!(RETRIES, "Transactions of this process that met another one and ran again");
    metrics::gauge!(BREAKER).set(0);
    drop(metrics::histogram!(CREDITED));
    for (call, ends) in CALLS {
        for end in ends {
            drop(metrics::histogram!(CALL, "call" => call, "end" => *end));
        }
    }
    for outcome in OUTCOMES {
        recorded(outcome, 0);
    }
    ledger(DatabaseCounts::default());
    for source in sources {
        backfilled(source, 0);
    }
}

/// The ledger's statements and transactions so far.
pub fn ledger(counts: DatabaseCounts) {
    metrics::counter!(STATEMENTS).absolute(counts.statements);
    metrics::counter!(COMMITS).absolute(counts.commits);
    metrics::counter!(RETRIES).absolute(counts.retries);
}

/// Events were recorded.
pub fn recorded(outcome: DeliveryOutcome, many: u64) {
    metrics::counter!(RECORDED, "outcome" => outcome.as_str()).increment(many);
}

/// Events were found in the provider's list.
pub fn backfilled(source: &str, many: u64) {
    metrics::counter!(BACKFILLED, "source" => source.to_owned()).increment(many);
}

/// A read, a switch to live, or a page of the list ended.
pub fn called<T>(call: &'static str, begun: Instant, answer: &Result<T, ReadError>) {
    let end = match answer {
        Ok(_) => "answered",
        Err(ReadError::UnknownChannel) => "unknown_channel",
        Err(ReadError::Unauthorized) => "unauthorized",
        Err(ReadError::Failed(_)) => "failed",
    };
    metrics::histogram!(CALL, "call" => call, "end" => end).record(begun.elapsed());
}

/// An extension was answered, or was not.
pub fn extended(begun: Instant, reply: &Reply) {
    let end = match reply {
        Reply::Accepted { .. } => "accepted",
        Reply::Refused { .. } => "refused",
        Reply::Throttled { .. } => "throttled",
        Reply::NotSent(_) => "not_sent",
        Reply::Unclear(_) => "unclear",
    };
    metrics::histogram!(CALL, "call" => "extend", "end" => end).record(begun.elapsed());
}

/// The days of a payment are on its channel.
pub fn credited(after_ms: i64) {
    metrics::histogram!(CREDITED).record(Duration::from_millis(u64::try_from(after_ms).unwrap_or(0)));
}
