//! What the receiver refused: counted by source and reason, with the time of the last one, for an operator who looks for
//! what never came in. In memory and of a fixed size: callers choose neither the sources nor the reasons, and all
//! sources that are not configured are one.
//!
//! Not for: what the queue did not confirm. The provider sends that again, and readiness tells of it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use metrics::{Counter, counter, describe_counter};
use serde::Serialize;

use super::answer::{Answer, REFUSALS};
use crate::domain::Ms;

/// The one row of all sources that are not configured.
pub(super) const UNKNOWN: &str = "unknown";

/// One source's refusals for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// Name of the source, or `unknown`.
    pub source: String,
    /// In one word, as in the metric.
    pub reason: &'static str,
    /// In a sentence.
    pub words: String,
    /// Since the process was started.
    pub count: u64,
    /// Time of the last one, ms since epoch.
    pub last_at_ms: Ms,
}

/// All of a process.
#[derive(Debug)]
pub struct Refused(BTreeMap<String, [Cell; REFUSALS.len()]>);

struct Cell {
    count: AtomicU64,
    last_at_ms: AtomicI64,
    counter: Counter,
}

impl Cell {
    fn new(source: &str, reason: &'static str) -> Self {
        let counter = counter!("daybridge_refused_total", "source" => source.to_owned(), "reason" => reason);
        // There from the start, so that the first one is seen as one more.
        counter.increment(0);
        Self { count: AtomicU64::default(), last_at_ms: AtomicI64::default(), counter }
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.count.fmt(f)
    }
}

impl Refused {
    pub(super) fn of<'s>(sources: impl Iterator<Item = &'s String>) -> Self {
        describe_counter!("daybridge_refused_total", "Requests that were refused, by source and reason");
        let names = sources.cloned().chain([UNKNOWN.to_owned()]);
        let cells = |name: &String| REFUSALS.map(|(reason, _)| Cell::new(name, reason));
        Self(names.map(|name| (name.clone(), cells(&name))).collect())
    }

    /// Counts an answer where it is a refusal; `source` is a configured one's name.
    pub(super) fn count(&self, source: Option<&str>, answer: &Answer, now: Ms) {
        let name = source.unwrap_or(UNKNOWN);
        let place = REFUSALS.iter().position(|(word, _)| *word == answer.label());
        let Some((place, cells)) = place.zip(self.0.get(name)) else { return };
        let Some(cell) = cells.get(place) else { return };
        cell.count.fetch_add(1, Ordering::Relaxed);
        cell.last_at_ms.fetch_max(now, Ordering::Relaxed);
        cell.counter.increment(1);
    }

    /// What was refused at least once.
    pub fn rows(&self) -> Vec<RefusedRow> {
        let row = |source: &String, cell: &Cell, (reason, words): &(&'static str, &str)| RefusedRow {
            source: source.clone(),
            reason,
            words: (*words).to_owned(),
            count: cell.count.load(Ordering::Relaxed),
            last_at_ms: cell.last_at_ms.load(Ordering::Relaxed),
        };
        let of = |(source, cells): (&String, &[Cell; REFUSALS.len()])| {
            cells.iter().zip(&REFUSALS).map(|(cell, what)| row(source, cell, what)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).filter(|row| row.count > 0).collect()
    }
}
