//! Events from a file: JSON Lines, one raw event of the provider a line, as its API or a log has them.

use std::io::{BufRead, Read as _};

use super::ReplayError;
use crate::ledger::plan::{Candidate, PaymentStanding};

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A page ends when it holds so many bytes.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Event id and type of a body, or why it is no event.
pub type EventName = Box<dyn Fn(&[u8]) -> Result<(String, String), &'static str> + Send>;

/// The lines of a file, read as they are needed.
pub struct EventLines<'a> {
    source: String,
    name: EventName,
    reader: Box<dyn BufRead + Send + 'a>,
    line: usize,
}

impl<'a> EventLines<'a> {
    /// `name` tells event id and type of a body of this source.
    pub fn new(source: &str, name: EventName, reader: Box<dyn BufRead + Send + 'a>) -> Self {
        Self { source: source.to_owned(), name, reader, line: 0 }
    }

    /// The next events; `None` at the end.
    pub(super) fn page(&mut self, limit: u32) -> Result<Option<Vec<PaymentStanding>>, ReplayError> {
        let mut page = Vec::new();
        let mut held_bytes = 0_usize;
        while u32::try_from(page.len()).is_ok_and(|len| len < limit) && held_bytes < PAGE_BYTES_MAX {
            let mut bytes = Vec::new();
            self.line = self.line.saturating_add(1);
            let wrong = |why: String| ReplayError::Line { line: self.line, why };
            let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
            if read.map_err(|error| wrong(error.to_string()))? == 0 {
                break;
            }
            if bytes.last() != Some(&b'\n')
                && u64::try_from(bytes.len()).is_ok_and(|len| len >= LINE_BYTES_MAX)
            {
                return Err(wrong(format!("longer than {LINE_BYTES_MAX} bytes")));
            }
            let body = bytes.trim_ascii().to_vec();
            held_bytes = held_bytes.saturating_add(body.len());
            if body.is_empty() {
                continue;
            }
            let (event_id, event_type) = (self.name)(&body).map_err(|why| wrong(why.to_owned()))?;
            let candidate = Candidate {
                payment: event_id.clone(),
                number: None,
                source: self.source.clone(),
                event_id,
                event_type,
                body: Some(body),
            };
            page.push(PaymentStanding { candidate, skip: None });
        }
        Ok((!page.is_empty()).then_some(page))
    }
}
