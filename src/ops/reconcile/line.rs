//! One line of Billing History. Its format is not known (design: it may be pasted text, CSV or HTML), so nothing
//! is taken from a position: our keys are found by their form wherever they stand, a channel by being one we
//! know, days by their unit or by being the only number that can be meant.

use crate::domain::{DAY_MS, Ms, id::CommentTemplate};

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

/// Every channel that we know in it.
pub(super) fn channels<'a>(line: &'a str, is_channel: &dyn Fn(&str) -> bool) -> Vec<&'a str> {
    words(line).filter(|word| is_channel(word)).collect()
}

/// How many days it speaks of, whatever their sign: `30 days`, `-30d`, or else its one bare number from 1 to
/// [`DAYS_MAX`].
pub(super) fn days(line: &str) -> Option<u32> {
    said(line).first().map(|days| days.unsigned_abs())
}

/// Every number of days that it speaks of, with its sign: those with their unit, or else its one bare number. A balance
/// is none of them.
pub(super) fn said(line: &str) -> Vec<i32> {
    let words: Vec<&str> = words(line).collect();
    let unit = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "d" | "day" | "days");
    let before = |at: usize, text: &str| {
        let word = at.checked_sub(1).and_then(|at| words.get(at));
        word.is_some_and(|word| word.to_ascii_lowercase().starts_with(text))
    };
    let (mut named, mut bare) = (Vec::new(), Vec::new());
    for (at, word) in words.iter().enumerate() {
        if before(at, "balance") {
            continue;
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if digits.len() < word.len() {
            if unit(word.get(digits.len()..).unwrap_or_default()) {
                named.extend(whole(digits));
            }
            continue;
        }
        let Some(days) = whole(word) else { continue };
        if words.get(at.saturating_add(1)).is_some_and(|next| unit(next)) || before(at, "days:") {
            named.push(days);
            continue;
        }
        let near = at.saturating_sub(DATE_WORDS)..=at.saturating_add(DATE_WORDS);
        let date = near.filter_map(|near| words.get(near)).any(|word| is_month(word));
        if !date {
            bare.push(days);
        }
    }
    if named.is_empty() && bare.len() == 1 { bare } else { named }
}

/// A number of days, with a sign as it may be written.
fn whole(text: &str) -> Option<i32> {
    let plus = text.strip_prefix('+').unwrap_or(text);
    let minus = text.strip_prefix(['-', '\u{2212}', '\u{2013}']);
    let digits = minus.unwrap_or(plus);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let days: i32 = digits.parse().ok().filter(|_| plain)?;
    let fits = u32::try_from(days).is_ok_and(|days| (1..=DAYS_MAX).contains(&days));
    fits.then_some(if minus.is_some() { days.saturating_neg() } else { days })
}

/// A line without the comment that daybridge wrote for a key, whose days are its own and no evidence of what moved; or
/// without the key and the days right after it, as another template may have written them.
pub(super) fn without_comment(line: &str, key: &str, template: &CommentTemplate) -> String {
    let comment = template.of(key);
    let parts: Vec<&str> = comment.split("{days}").collect();
    let found = line.match_indices(parts.first().copied().unwrap_or_default()).find_map(|(from, _)| {
        let rest = after_comment(line.get(from..)?, &parts)?;
        Some((line.get(..from)?, rest))
    });
    let (before, rest) = match found {
        Some(found) => found,
        None => match line.split_once(key) {
            Some((before, rest)) => {
                let after = rest.trim_start();
                let digits = after.trim_start_matches(|c: char| c.is_ascii_digit());
                let ours = digits.len() < after.len() && digits.starts_with('d');
                (
                    before,
                    if ours { digits.trim_start_matches(|c: char| c.is_ascii_alphabetic()) } else { rest },
                )
            }
            None => (line, ""),
        },
    };
    format!("{before} {rest}")
}

/// What follows a comment at the beginning of a text; its parts have days between them.
fn after_comment<'a>(text: &'a str, parts: &[&str]) -> Option<&'a str> {
    let mut rest = text;
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        rest = rest.strip_prefix(part)?;
    }
    Some(rest)
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
            ("DEMOCH-AB12C -30 days", Some(30)),
            ("DEMOCH-AB12C \u{2212}30", Some(30)),
        ] {
            assert_eq!(days(line), want, "{line}");
        }
    }

    #[test]
    fn what_it_says_beside_our_comment() {
        let template = |text: &str| CommentTemplate::parse(text, 16, 3650).unwrap();
        let (ours, other) = (template("daybridge {key} {days}d"), template("{days} days for {key} x"));
        for (line, template, want) in [
            ("2026-11-24 DEMOCH-AB12C -8 days daybridge stripe/pi_1#1 6d", &ours, vec![-8]),
            ("1790000000000;DEMOCH-AB12C;8;\"daybridge stripe/pi_1#1 6d\"", &ours, vec![8]),
            ("2026-11-24 daybridge stripe/pi_1#1 6d", &ours, vec![]),
            ("\u{2212}8 days, 6 days for stripe/pi_1#1 x, balance 90 days", &other, vec![-8]),
            ("+8d 6 days for stripe/pi_1#1 x", &other, vec![8]),
            ("8 days daybridge stripe/pi_1#1 6d", &other, vec![8]),
            ("30 days, then 8 days, daybridge stripe/pi_1#1 6d", &ours, vec![30, 8]),
            ("17;993;daybridge stripe/pi_1#1 6d", &ours, vec![]),
        ] {
            assert_eq!(said(&without_comment(line, "stripe/pi_1#1", template)), want, "{line}");
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
