//! Billing History, in whatever form it was saved: text as pasted, CSV, or HTML. It is the only place that shows
//! the comment of an extension, and so the only evidence that names a payment.
//!
//! Lines that are the same to the letter count once if they stand in different files, for pages that were saved
//! overlap; twice in one file are two lines.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{Range, line};
use crate::{
    domain::id::GRANT_REALM,
    domain::id::{CommentTemplate, realm_prefix},
};

/// Longest history read, in bytes, over all files.
pub const HISTORY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What HTML writes for the characters that may stand in a key.
const ENTITIES: [(&str, &str); 8] = [
    ("&#35;", "#"),
    ("&#x23;", "#"),
    ("&#47;", "/"),
    ("&#x2F;", "/"),
    ("&#x2f;", "/"),
    ("&#37;", "%"),
    ("&nbsp;", " "),
    ("&amp;", "&"),
];

/// Where something stands: file and line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPlace {
    /// Number of the file, as given.
    pub file: u32,
    /// Number of the line; of a table in HTML, of the row.
    pub line: u32,
}

/// A line that names a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Which transfer of the payment.
    pub n: u32,
    /// Where.
    pub place: HistoryPlace,
    /// Days it speaks of, where that is clear.
    pub days: Option<u32>,
    /// Every number of days that stands beside the comment, with its sign.
    pub said: Vec<i32>,
    /// Channels that stand there.
    pub channels: Vec<String>,
    /// Its days have another sign than those of most lines that name a transfer: they were given back.
    pub given_back: bool,
}

/// A line without a key that looks like an extension made by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Where.
    pub place: HistoryPlace,
    /// Channel.
    pub channel: String,
    /// Days.
    pub days: u32,
}

/// What was found.
#[derive(Debug, Default)]
pub struct BillingHistory {
    /// Lines by the payment key that they name.
    pub named: BTreeMap<String, Vec<HistoryLine>>,
    /// Extensions without any key.
    pub by_hand: Vec<ByHand>,
    /// How often each line was seen: most in one file before, and in this one.
    seen: HashMap<u64, (u32, u32)>,
    files: u32,
}

impl BillingHistory {
    /// Takes in a file. Of lines without a key, those that say they lie outside the range are left out, and
    /// those without a channel that `is_channel` knows.
    pub fn read(
        &mut self,
        text: &str,
        realm: &str,
        range: Range,
        comment: &CommentTemplate,
        is_channel: &dyn Fn(&str) -> bool,
    ) {
        self.files = self.files.saturating_add(1);
        for (before, now) in self.seen.values_mut() {
            *before = (*before).max(*now);
            *now = 0;
        }
        let prefixes = [realm, GRANT_REALM].map(realm_prefix);
        let html = text.contains("<tr") || text.contains("<TR");
        let plain = if html { flat(text) } else { String::new() };
        for (number, line) in (1..).zip(if html { plain.lines() } else { text.lines() }) {
            let line = line.trim();
            if line.is_empty() || !self.fresh(line) {
                continue;
            }
            let place = HistoryPlace { file: self.files, line: number };
            let keys = line::keys(line);
            for key in &keys {
                let ours = prefixes.iter().any(|prefix| key.starts_with(prefix));
                let Some((payment, n)) = key.rsplit_once('#').filter(|_| ours) else { continue };
                let Ok(n) = n.parse() else { continue };
                let beside = line::without_comment(line, key, comment);
                let found = HistoryLine {
                    n,
                    place,
                    days: line::days(&beside).or_else(|| line::days(line)),
                    said: line::said(&beside),
                    channels: line::channels(&beside, is_channel).into_iter().map(str::to_owned).collect(),
                    given_back: false,
                };
                self.named.entry(payment.to_owned()).or_default().push(found);
            }
            if !keys.is_empty()
                || line::span(line).is_some_and(|(from, to)| to < range.since || from >= range.until)
            {
                continue;
            }
            if let (Some(channel), Some(days)) = (line::channel(line, is_channel), line::days(line)) {
                self.by_hand.push(ByHand { place, channel: channel.to_owned(), days });
            }
        }
        self.sign();
    }

    /// A panel writes what it takes off the balance with a minus, or without; days that were given back have the other
    /// sign.
    fn sign(&mut self) {
        let minus = |line: &HistoryLine| line.said.first().map(|days| *days < 0);
        let (mut minuses, mut pluses) = (0_u32, 0_u32);
        for line in self.named.values().flatten() {
            match minus(line) {
                Some(true) => minuses = minuses.saturating_add(1),
                Some(false) => pluses = pluses.saturating_add(1),
                None => {}
            }
        }
        for line in self.named.values_mut().flatten() {
            line.given_back = match minus(line) {
                Some(true) => pluses > minuses,
                Some(false) => minuses > pluses,
                None => false,
            };
        }
    }

    fn fresh(&mut self, line: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        let (before, now) = self.seen.entry(hasher.finish()).or_default();
        *now = now.saturating_add(1);
        *now > *before
    }
}

/// HTML as text, a line for each row of a table.
fn flat(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    for part in html.replace(['\n', '\r'], " ").split('<') {
        let (tag, shown) = part.split_once('>').unwrap_or(("", part));
        let name = tag.get(..2).unwrap_or_default();
        let row = name.eq_ignore_ascii_case("tr") || tag.eq_ignore_ascii_case("/tr");
        text.push(if row { '\n' } else { ' ' });
        text.push_str(shown);
    }
    ENTITIES.iter().fold(text, |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { since: 1_795_392_000_000, until: 1_795_478_400_000 };

    fn read(files: &[&str]) -> BillingHistory {
        let mut history = BillingHistory::default();
        let comment = CommentTemplate::parse("daybridge {key} {days}d", 16, 3650).unwrap();
        for file in files {
            history.read(file, "stripe", RANGE, &comment, &|word| word == "DEMOCH-AB12C");
        }
        history
    }

    #[test]
    fn a_key_on_two_lines_counts_twice_and_on_an_overlapping_page_once() {
        let a = "2026-11-23 08:00 30 daybridge stripe/pi_1#1 30d";
        let b = "2026-11-23 09:00 30 daybridge stripe/pi_1#1 30d";
        for (files, want) in [
            (vec![a.to_owned()], 1),
            (vec![format!("{a}\n{b}")], 2),
            (vec![format!("{a}\n{a}")], 2),
            (vec![a.to_owned(), format!("{a}\n{b}")], 2),
            (vec![a.to_owned(), a.to_owned()], 1),
            (vec![a.to_owned(), b.to_owned()], 2),
        ] {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            assert_eq!(read(&files).named["stripe/pi_1"].len(), want, "{files:?}");
        }
    }

    #[test]
    fn a_line_tells_more_than_its_key() {
        let taken = "2026-11-23 DEMOCH-AB12C -30 days daybridge stripe/pi_1#1 30d";
        let other = "2026-11-23 DEMOCH-AB12C -8 days daybridge stripe/pi_2#1 6d";
        let back = "2026-11-24 DEMOCH-AB12C +30 days daybridge stripe/pi_1#1 30d";
        let history = read(&[taken, other, back]);
        let lines = &history.named["stripe/pi_1"];
        assert_eq!((&*lines[0].said, lines[0].given_back), (&[-30][..], false));
        assert_eq!((&*lines[1].said, lines[1].given_back), (&[30][..], true));
        let line = &history.named["stripe/pi_2"][0];
        assert_eq!((line.days, &*line.channels), (Some(8), &["DEMOCH-AB12C".to_owned()][..]));
        assert!(
            read(&[taken, back]).named["stripe/pi_1"].iter().all(|line| !line.given_back),
            "no sign is usual"
        );
    }

    #[test]
    fn html_is_read_row_by_row() {
        let history = read(&[
            "<table><TR><th>Channel</th></TR>\n<tr>\n<td>DEMOCH-AB12C</td>\n<td>30 days</td><td>daybridge stripe&#x2F;pi_1&#35;1 30d</td></tr><tr><td>DEMOCH-AB12C</td>\n<td>5</td></tr></table>",
        ]);
        assert_eq!(history.named["stripe/pi_1"][0].days, Some(30));
        assert_eq!((history.by_hand.len(), history.by_hand[0].days), (1, 5));
    }

    #[test]
    fn by_hand_is_what_has_no_key_but_a_known_channel_and_days_in_the_range() {
        for (line, want) in [
            ("2026-11-23 DEMOCH-AB12C 5 days", 1),
            ("DEMOCH-AB12C 5 days", 1),
            ("2026-11-21 DEMOCH-AB12C 5 days", 0),
            ("2026-11-24T00:00:00Z DEMOCH-AB12C 5 days", 0),
            ("2026-11-23 OTHER-AB12C 5 days", 0),
            ("2026-11-23 DEMOCH-AB12C created", 0),
            ("2026-11-23 DEMOCH-AB12C 5 days daybridge other/pi_1#1 5d", 0),
        ] {
            let history = read(&[line]);
            assert_eq!(history.by_hand.len(), want, "{line}");
            assert!(history.named.is_empty(), "{line}");
        }
    }
}
