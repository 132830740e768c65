//! Lines, tables and times for people; JSON for programs.

use std::io::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use daybridge::domain::Ms;
use serde::Serialize;

/// Writes one line to standard output; a closed pipe is not an error.
pub fn say(line: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout().lock(), "{}", line.as_ref());
}

/// Writes a value as indented JSON.
pub fn say_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(text),
        Err(error) => tracing::error!(%error, "not printable as JSON"),
    }
}

/// A table without rules, as wide as the terminal.
pub fn table<R: Into<Vec<String>>>(heads: &[&str], rows: impl IntoIterator<Item = R>) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heads.to_vec());
    for row in rows {
        table.add_row(row.into());
    }
    say(table.trim_fmt());
}

/// A time in UTC, to the second.
pub fn time(ms: Ms) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A value, or a dash.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

/// The next step with its time.
pub fn next(next: Option<&str>, at: Option<Ms>) -> String {
    match (next, at) {
        (Some(text), Some(at)) => format!("{text} ({})", time(at)),
        (Some(text), None) => text.to_owned(),
        (None, Some(at)) => time(at),
        (None, None) => "-".to_owned(),
    }
}

/// A time as typed: RFC 3339, a day, or a span before `now` such as `1h` or `2days`.
pub fn parse_time(text: &str, now: Ms) -> Result<Ms, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(now.saturating_sub(daybridge::worker::millis(span)));
    }
    let day = format!("{text}T00:00:00Z");
    [text, &day]
        .iter()
        .find_map(|t| t.parse::<jiff::Timestamp>().ok())
        .map(jiff::Timestamp::as_millisecond)
        .ok_or_else(|| {
            format!("{text:?} is not a time: use 2026-11-23T08:00:00Z, 2026-11-23, or a span such as 1h")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_typed() {
        let now = 1_800_000_000_000;
        assert_eq!(parse_time("1h", now), Ok(now - 3_600_000));
        assert_eq!(parse_time("2026-11-23T08:00:00Z", now), Ok(1_795_420_800_000));
        assert_eq!(parse_time("2026-11-23", now), Ok(1_795_392_000_000));
        assert!(parse_time("soon", now).is_err());
        assert_eq!(time(1_795_420_800_000), "2026-11-23 08:00:00Z");
    }
}
