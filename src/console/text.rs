//! Times and values in words.

use crate::{
    domain::{Ms, money},
    times,
};

/// A time in UTC, to the second.
pub(super) fn utc(ms: &Ms) -> String {
    times::utc(*ms)
}

/// The day of a time in UTC.
pub(super) fn day(ms: &Ms) -> String {
    utc(ms).chars().take(10).collect()
}

/// A time for programs.
pub(super) fn stamp(ms: &Ms) -> String {
    jiff::Timestamp::from_millisecond(*ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// A sentence of the ledger with its times of 13 digits (ms since epoch) in UTC.
pub(super) fn readable(note: &str) -> String {
    let mut shown = String::with_capacity(note.len());
    let mut digits = String::new();
    for letter in note.chars().chain(std::iter::once(' ')) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        match digits.parse::<Ms>() {
            Ok(ms) if digits.len() == 13 => shown.push_str(&utc(&ms)),
            _ => shown.push_str(&digits),
        }
        digits.clear();
        shown.push(letter);
    }
    shown.truncate(shown.len().saturating_sub(1));
    shown
}

/// A span of time, in its largest unit.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (many, unit) = match seconds {
        0..=119 => (seconds, "s"),
        120..=7_199 => (seconds / 60, "min"),
        7_200..=172_799 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{many} {unit}")
}

/// How long ago, in its largest unit.
pub(super) fn ago(ms: &Ms, now: &Ms) -> String {
    format!("{} ago", span(now.saturating_sub(*ms)))
}

/// In how long, or how long ago.
pub(super) fn relative(ms: &Ms, now: &Ms) -> String {
    if ms > now { format!("in {}", span(ms.saturating_sub(*now))) } else { ago(ms, now) }
}

/// A value, or a dash.
pub(super) fn or_dash(value: &Option<impl ToString>) -> String {
    value.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string)
}

/// An amount as people read it.
pub(super) fn amount(amount: &Option<i64>, currency: &Option<String>) -> String {
    match (amount, currency) {
        (Some(amount), Some(currency)) => money::shown(*amount, currency),
        (Some(amount), None) => amount.to_string(),
        (None, _) => "–".to_owned(),
    }
}

/// An address with fields; empty ones are left out.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The page of a payment, found by any name of it.
pub(super) fn payment(key: &str) -> String {
    address("/payments/show", &[("key", key)])
}

/// The page of a channel; `home`: the account that needs no saying.
pub(super) fn channel(channel: &str, account: &str, home: &str) -> String {
    let account = if account == home { "" } else { account };
    address(&format!("/channels/{channel}"), &[("account", account)])
}

/// The page of a customer of a provider's account.
pub(super) fn customer(realm: &str, account: &str, id: &str) -> String {
    address("/customers/show", &[("realm", realm), ("account", account), ("id", id)])
}

/// The page of a plan.
pub(super) fn plan(hash: &str) -> String {
    address("/replay/show", &[("hash", hash)])
}

/// The page of a cause.
pub(super) fn cause(cause: &str) -> String {
    address("/held", &[("cause", cause)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_addresses_in_words() {
        let now = 1_795_420_800_000;
        assert_eq!((&*utc(&now), &*day(&now)), ("2026-11-23 08:00:00Z", "2026-11-23"));
        assert_eq!(
            readable("attempt 1 of 2; from 1795420800000 to 12 or 17954208000001"),
            "attempt 1 of 2; from 2026-11-23 08:00:00Z to 12 or 17954208000001"
        );
        assert_eq!(ago(&(now - 90_000), &now), "90 s ago");
        assert_eq!(ago(&(now - 3 * 86_400_000), &now), "3 days ago");
        assert_eq!(relative(&(now + 3 * 86_400_000), &now), "in 3 days");
        assert_eq!(relative(&(now - 60_000), &now), "60 s ago");
        assert_eq!(channel("CHAN-1", "main", "main"), "/channels/CHAN-1");
        assert_eq!(channel("CHAN-1", "old", "main"), "/channels/CHAN-1?account=old");
        assert_eq!(payment("stripe/pi 1#1&x"), "/payments/show?key=stripe%2Fpi+1%231%26x");
        assert_eq!(address("/held", &[("cause", "")]), "/held");
    }
}
