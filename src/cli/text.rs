//! Lines, tables and times for people; JSON for programs.

use std::io::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use daybridge::domain::Ms;
pub use daybridge::times::{typed as parse_time, utc as time};
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
