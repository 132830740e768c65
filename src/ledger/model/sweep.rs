//! A worker's turn at a source's own list of events.

use crate::domain::Ms;

/// A turn at looking through a source's own list of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The source.
    pub source: String,
    /// Counts its turns; every write of this one checks it.
    pub turn: i64,
    /// All events of before are on the queue or recorded; `None` before the first turn got so far.
    pub seen_until: Option<Ms>,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepTurn {
    /// Ours, until its lease ends or it is given back.
    Ours(Sweep),
    /// Nobody's before this time, or another's until then.
    NotBefore(Ms),
}
