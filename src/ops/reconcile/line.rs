//! One line of Billing History. Its format is not known (design: it may be pasted text, CSV or HTML), so nothing
//! is taken from a position: our keys are found by their form wherever they stand, a channel by being one we
//! know, days by their unit or by being the only number that can be meant.

use crate::domain::{DAY_MS, Ms};

/// Most days one extension is believed to have; a larger number is something else.
const DAYS_MAX: u32 = 3_650;

/// Fewest digits of a number that is a time in ms since epoch (2001), and most (year 2286).
const MS_DIGITS: usize = 13;

/// How near to a month's name a number is part of a date: `24 Nov 2026`, `Nov 24, 2026`.
const DATE_WORDS: usize = 2;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Every transfer key in a line, ours or of another realm: `realm/payment#n`, each once.
pub(super) fn keys(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (at, _) in line.match_indices('#') {
        let (head, tail) = line.split_at(at);
        let digits = tail.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let payment = tail_of(head, |b| is_key(b) || b == b'~');
        let Some(rest) = head.strip_suffix(payment).and_then(|rest| rest.strip_suffix('/')) else { continue };
        let realm = tail_of(rest, is_key);
        if digits == 0 || payment.is_empty() || realm.is_empty() {
            continue;
        }
        let from = rest.len().saturating_sub(realm.len());
        let to = at.saturating_add(1).saturating_add(digits);
        if let Some(key) = line.get(from..to).filter(|key| !found.contains(key)) {
            found.push(key);
        }
    }
    found
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-' | b'%')
}

fn tail_of(text: &str, fits: impl Fn(u8) -> bool) -> &str {
    let many = text.bytes().rev().take_while(|b| fits(*b)).count();
    text.get(text.len().saturating_sub(many)..).unwrap_or_default()
}

/// Words between blanks and the signs that part cells.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || ",;|\"'()[]<>=".contains(c)).filter(|word| !word.is_empty())
}

/// The first word that is a channel we know.
pub(super) fn channel<'a>(line: &'a str, is_channel: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    words(line).find(|word| is_channel(word))
}

/// How many days it speaks of: `30 days`, `30d`, or else its one bare number from 1 to [`DAYS_MAX`].
pub(super) fn days(line: &str) -> Option<u32> {
    let words: Vec<&str> = words(line).collect();
    let whole = |text: &str| -> Option<u32> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|days| plain && (1..=DAYS_MAX).contains(days))
    };
    let unit = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "d" | "day" | "days");
    let mut bare = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if digits.len() < word.len() {
            if let (Some(days), true) = (whole(digits), unit(word.get(digits.len()..).unwrap_or_default())) {
                return Some(days);
            }
            continue;
        }
        let Some(days) = whole(word) else { continue };
        if words.get(at.saturating_add(1)).is_some_and(|next| unit(next)) {
            return Some(days);
        }
        if words
            .get(at.wrapping_sub(1))
            .is_some_and(|before| before.to_ascii_lowercase().starts_with("days:"))
        {
            return Some(days);
        }
        let near = at.saturating_sub(DATE_WORDS)..=at.saturating_add(DATE_WORDS);
        let date = near.filter_map(|near| words.get(near)).any(|word| is_month(word));
        if !date {
            bare.push(days);
        }
    }
    match bare.as_slice() {
        [days] => Some(*days),
        _ => None,
    }
}

fn is_month(word: &str) -> bool {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    word.len() <= "september".len() && MONTHS.iter().any(|month| word.starts_with(month))
}

/// When it happened, as far as it says so in a form that is the same everywhere: the span of the day of an ISO
/// date, or the one moment of a time in ms.
pub(super) fn span(line: &str) -> Option<(Ms, Ms)> {
    words(line).find_map(|word| {
        if word.len() == MS_DIGITS && word.bytes().all(|b| b.is_ascii_digit()) {
            return word.parse().ok().map(|at: Ms| (at, at));
        }
        let date = word.get(..10).filter(|date| date.as_bytes().get(4) == Some(&b'-'))?;
        let start: jiff::Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
        let start = start.as_millisecond();
        Some((start, start.saturating_add(DAY_MS)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_wherever_they_stand() {
        for (line, want) in [
            ("1790000000000 30 daybridge stripe/pi_1#1 30d", vec!["stripe/pi_1#1"]),
            ("\"x\",\"daybridge stripe/acct_1:pi_1#12 30d\",30", vec!["stripe/acct_1:pi_1#12"]),
            ("r/a%2Fb%231#1 and r/~0a1b#2", vec!["r/a%2Fb%231#1", "r/~0a1b#2"]),
            ("stripe/pi_1#1 stripe/pi_1#1", vec!["stripe/pi_1#1"]),
            ("ticket #1, stripe/pi_1#, stripe/#1, /pi_1#1, pi_1#1", vec![]),
        ] {
            assert_eq!(keys(line), want, "{line}");
        }
    }

    #[test]
    fn days_by_unit_or_alone() {
        for (line, want) in [
            ("2026-11-24 10:00 DEMOCH-AB12C 30 days", Some(30)),
            ("24 Nov 2026 DEMOCH-AB12C extended by 7d, balance 993", Some(7)),
            ("1790000000000;DEMOCH-AB12C;30;", Some(30)),
            ("Nov 24, 2026 DEMOCH-AB12C 30", Some(30)),
            ("24 November 2026 DEMOCH-AB12C created", None),
            ("DEMOCH-AB12C 30 993", None),
            ("DEMOCH-AB12C Days: 30 Balance: 993", Some(30)),
            ("DEMOCH-AB12C 99999", None),
            ("DEMOCH-AB12C x30y", None),
        ] {
            assert_eq!(days(line), want, "{line}");
        }
    }

    #[test]
    fn times_and_channels() {
        assert_eq!(span("2026-11-23 08:00 x"), Some((1_795_392_000_000, 1_795_478_400_000)));
        assert_eq!(span("x,2026-11-23T08:00:00Z"), Some((1_795_392_000_000, 1_795_478_400_000)));
        assert_eq!(span("1795420800000 30 x"), Some((1_795_420_800_000, 1_795_420_800_000)));
        assert_eq!(span("23.11.2026 x"), None);
        assert_eq!(channel("a;DEMOCH-AB12C;b", &|word| word == "DEMOCH-AB12C"), Some("DEMOCH-AB12C"));
        assert_eq!(channel("a DEMOCH-AB12CD b", &|word| word == "DEMOCH-AB12C"), None);
    }
}
