//! A CSV file of customers and their channels. It is read whole before anything is done, so that a wrong line leaves
//! everything as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    id::ChannelId,
    payment::directory::{Name, NameKind},
};

/// Largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most lines of a file.
pub const LINES_MAX: usize = 100_000;

/// Longest id, in bytes.
const ID_BYTES_MAX: usize = 255;

const COLUMNS: [&str; 5] = ["id", "channel", "kind", "source", "account"];

/// UTF-8's byte order mark, which spreadsheets put first.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerLine {
    /// Where it stands, the head being line 1.
    pub number: u64,
    /// The source, where it names one.
    pub source: Option<String>,
    /// The connected account; empty where it names none.
    pub account: String,
    /// Whom it is about.
    pub name: Name,
    /// The channels, in the file separated by blanks; at least one.
    pub channels: BTreeSet<ChannelId>,
}

/// Reads a file; the error names the line.
pub fn read(bytes: &[u8]) -> Result<Vec<CustomerLine>, String> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes: cut it into several"));
    }
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    // The reader takes the second half of a `\r\n` for the begin of the next line, and counts one too few.
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let bytes = lines.collect::<Vec<_>>().join(&b'\n');
    let mut records = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let heads = records.headers().map_err(|error| told(&error))?.clone();
    let columns = columns(&heads)?;
    let mut lines = Vec::new();
    let mut seen: BTreeMap<(Option<String>, String, Name), u64> = BTreeMap::new();
    for record in records.records() {
        let record = record.map_err(|error| told(&error))?;
        let number = record.position().map_or(0, csv::Position::line);
        let one = line(&record, &columns, number).map_err(|why| format!("line {number}: {why}"))?;
        let key = (one.source.clone(), one.account.clone(), one.name.clone());
        if let Some(before) = seen.insert(key, number) {
            return Err(format!(
                "line {number}: the {} stands in line {before} already; give it one line, with its channels separated by blanks",
                one.name
            ));
        }
        lines.push(one);
        if lines.len() > LINES_MAX {
            return Err(format!("line {number}: it has more than {LINES_MAX} lines: cut it into several"));
        }
    }
    if lines.is_empty() {
        return Err("it has no line below its head".into());
    }
    Ok(lines)
}

fn told(error: &csv::Error) -> String {
    let line = error.position().map(csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, and the head has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it is not CSV".to_owned(),
    };
    line.map_or(why.clone(), |line| format!("line {line}: {why}"))
}

fn columns(heads: &csv::StringRecord) -> Result<BTreeMap<&'static str, usize>, String> {
    let mut found = BTreeMap::new();
    for (at, head) in heads.iter().enumerate() {
        let known = COLUMNS.iter().find(|known| head.eq_ignore_ascii_case(known));
        let Some(known) = known else {
            return Err(format!(
                "line 1: there is no column {head:?}; the columns are {}",
                COLUMNS.join(", ")
            ));
        };
        if found.insert(*known, at).is_some() {
            return Err(format!("line 1: the column {known} stands there twice"));
        }
    }
    for needed in ["id", "channel"] {
        if !found.contains_key(needed) {
            return Err(format!(
                "line 1: the column {needed} is missing; the columns are {}",
                COLUMNS.join(", ")
            ));
        }
    }
    Ok(found)
}

fn line(
    record: &csv::StringRecord,
    columns: &BTreeMap<&str, usize>,
    number: u64,
) -> Result<CustomerLine, String> {
    let field = |name: &str| columns.get(name).and_then(|at| record.get(*at)).unwrap_or_default();
    let id = field("id");
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(format!("the id must have 1 to {ID_BYTES_MAX} bytes"));
    }
    let kind = match field("kind") {
        "" => NameKind::Customer,
        word => NameKind::parse(word)
            .ok_or_else(|| format!("the kind {word:?} is none of {}", NameKind::WORDS.join(", ")))?,
    };
    let mut channels = BTreeSet::new();
    for text in field("channel").split_whitespace() {
        channels.insert(ChannelId::parse(text).ok_or_else(|| format!("{text:?} is not a channel id"))?);
    }
    if channels.is_empty() {
        return Err(format!("it names no channel for {id}; `daybridge customers unset` forgets one"));
    }
    let source = Some(field("source")).filter(|source| !source.is_empty()).map(str::to_owned);
    Ok(CustomerLine {
        number,
        source,
        account: field("account").to_owned(),
        name: Name::new(kind, id),
        channels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_a_mark_in_any_order_of_columns() {
        let text = "\u{feff}Channel,ID,kind\r\nA-1,cus_1,\r\n\"B-2 C-3\",sub_1,subscription\r\n";
        let lines = read(text.as_bytes()).unwrap();
        let told: Vec<String> =
            lines.iter().map(|line| format!("{} {:?}", line.name, line.channels)).collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("customer cus_1") && told[1].contains("C-3"), "{told:?}");
        assert_eq!(lines[1].number, 3);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, want) in [
            ("", "column id is missing"),
            ("id,channel\n", "no line below"),
            ("id,chanel\nx,A-1\n", "line 1: there is no column \"chanel\""),
            ("id\nx\n", "line 1: the column channel is missing"),
            ("id,id,channel\nx,x,A-1\n", "twice"),
            ("id,channel\ncus_1,A-1\ncus_2\n", "line 3: it has 1 fields"),
            ("id,channel\ncus_1,A-1\n,A-1\n", "line 3: the id must"),
            ("id,channel\ncus_1,A/1\n", "line 2: \"A/1\" is not a channel id"),
            ("id,channel\ncus_1,\n", "line 2: it names no channel"),
            ("id,channel,kind\ncus_1,A-1,buyer\n", "line 2: the kind \"buyer\""),
            ("id,channel\ncus_1,A-1\ncus_2,B-2\ncus_1,B-2\n", "line 4: the customer cus_1 stands in line 2"),
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.contains(want), "{text:?}: {why}");
        }
        assert!(read(b"id,channel\n\xff,A-1\n").unwrap_err().contains("line 2: it is not UTF-8"));
        let many = |lines: usize| {
            let lines: String = (0..lines).map(|n| format!("cus_{n},A-1\n")).collect();
            read(format!("id,channel\n{lines}").as_bytes())
        };
        assert_eq!(many(LINES_MAX).unwrap().len(), LINES_MAX);
        assert!(many(LINES_MAX + 1).unwrap_err().contains("line 100002"));
    }
}
