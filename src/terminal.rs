//! What a terminal is shown of texts that came from outside: a body, an id, a name. A control character would move its
//! cursor, name its window or answer in its place; a bidi mark would let a line read as another one.
//!
//! Not for: programs. JSON and files hold what was received.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Marks that turn the order in which text is read.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a terminal may act on it, or break the line at it.
fn acts(c: char) -> bool {
    c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// One line, with whatever a terminal may act on written out: `\u{1b}`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Several lines: their ends and tabs stay.
pub fn escaped_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let cells: Vec<Cow<'_, str>> = line.split('\t').map(escaped).collect();
        cells.join("\t")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// JSON that means the same, with nothing in it that a terminal acts on: outside of texts there is no such character.
pub fn escaped_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) && c != '\n' {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Log lines on a terminal: the log's own colours stay, and it writes control characters out itself; the marks it does
/// not know are written out here.
pub struct LogWriter<W>(pub W);

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(buf) {
            Ok(text) if text.contains(turns) => {
                let safe: String = text
                    .chars()
                    .flat_map(|c| if turns(c) { c.escape_unicode().collect() } else { vec![c] })
                    .collect();
                self.0.write_all(safe.as_bytes())?;
            }
            _ => self.0.write_all(buf)?,
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str =
        "a\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt\u{2066}\r\nstate credited\u{2028}é 日本 👩\u{200d}👧";

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let line = escaped(NASTY);
        assert!(!line.contains(acts), "{line}");
        assert!(line.starts_with("a\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{202e}txt"), "{line}");
        assert!(line.ends_with("é 日本 👩\u{200d}👧"), "what is only text stays: {line}");
        assert!(matches!(escaped("stripe/pi_1"), Cow::Borrowed(_)));
        assert_eq!(escaped_lines("{\n\t\"a\": \u{1b}\n}"), "{\n\t\"a\": \\u{1b}\n}");
    }

    #[test]
    fn json_means_the_same() {
        let json = serde_json::to_string_pretty(&serde_json::json!({ "id": NASTY })).unwrap();
        let safe = escaped_json(&json);
        assert!(!safe.contains(|c| acts(c) && c != '\n'), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap()["id"], NASTY);
    }

    #[test]
    fn log_lines_keep_their_colours() {
        let mut told = Vec::new();
        LogWriter(&mut told).write_all("\u{1b}[32mINFO\u{1b}[0m pi_\u{202e}1\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), "\u{1b}[32mINFO\u{1b}[0m pi_\\u{202e}1\n");
    }
}
