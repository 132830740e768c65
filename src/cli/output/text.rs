//! Lines, tables and times for people; JSON for programs. Every line for people goes through [`say`] or [`table`], which
//! write out whatever a terminal would act on.

use std::io::{ErrorKind, Write as _};

pub use super::json::say_json;
use comfy_table::{ContentArrangement, Table, presets};
pub use daybridge::times::{typed as parse_time, utc as time};
use daybridge::{
    domain::Ms,
    terminal::{escaped, escaped_lines},
};

use crate::cli::Failure;

/// Writes one line to standard output, after the blank lines that it begins with.
pub fn say(line: impl AsRef<str>) {
    let line = line.as_ref();
    let text = line.trim_start_matches('\n');
    let blank = line.len().saturating_sub(text.len());
    put(&format!("{}{}", "\n".repeat(blank), escaped(text)));
}

/// Writes lines that came from outside, such as a body.
pub fn say_lines(text: &str) {
    put(&escaped_lines(text));
}

/// What is safe already. A closed pipe is not an error: whoever reads has seen enough.
pub fn put(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes bytes for a file or a program as they are.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
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
        let cells: Vec<String> = row.into();
        table.add_row(cells.iter().map(|cell| escaped(cell).into_owned()));
    }
    put(&table.trim_fmt());
}

/// A table, or a sentence where it would have no row.
pub fn listing<R: Into<Vec<String>>>(none: &str, heads: &[&str], rows: impl IntoIterator<Item = R>) {
    let mut rows = rows.into_iter().peekable();
    match rows.peek() {
        Some(_) => table(heads, rows),
        None => say(none),
    }
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
