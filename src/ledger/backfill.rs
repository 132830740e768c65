//! Where each source's backfill stands. Turns are taken by one row's compare-and-set; a worker whose turn was
//! taken over moves nothing any more.

use super::{
    Ledger, LedgerError, Sweep, SweepTurn,
    db::{Bind, Fault, Tx, args},
    storable,
};
use crate::domain::Ms;
use std::collections::BTreeSet;

impl Ledger {
    /// Takes the turn of a source's backfill if it is due; one caller wins. A due time beyond `believed_until`
    /// comes from other settings or another clock, and counts as come.
    pub async fn take_sweep(
        &self,
        source: &str,
        now: Ms,
        lease_until: Ms,
        believed_until: Ms,
    ) -> Result<SweepTurn, LedgerError> {
        let source = source.to_owned();
        self.db.write(move |tx| tx.take_sweep(&source, now, lease_until, believed_until)).await
    }

    /// Keeps how far a turn has come and when the next one is due; `false`: another has taken it over.
    pub async fn save_sweep(&self, sweep: &Sweep, next_at: Ms) -> Result<bool, LedgerError> {
        let sweep = sweep.clone();
        self.db.write(move |tx| tx.save_sweep(&sweep, next_at)).await
    }

    /// Which of these event ids were ever recorded from any of the sources.
    pub async fn recorded(
        &self,
        sources: &[String],
        events: &[String],
    ) -> Result<BTreeSet<String>, LedgerError> {
        let (sources, events) = (sources.to_vec(), events.to_vec());
        self.db.read(move |tx| tx.recorded(&sources, &events)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn take_sweep(
        &mut self,
        source: &str,
        now: Ms,
        lease_until: Ms,
        believed_until: Ms,
    ) -> Result<SweepTurn, Fault> {
        self.execute(
            "INSERT INTO backfill (source, turn, next_at) VALUES ($1, 0, 0) ON CONFLICT (source) DO NOTHING",
            args![source],
        )?;
        let taken = self.optional(
            "UPDATE backfill SET turn = turn + 1, next_at = $2 \
             WHERE source = $1 AND (next_at <= $3 OR next_at > $4) RETURNING turn, seen_until",
            args![source, lease_until, now, believed_until],
        )?;
        let turn = match taken {
            Some(row) => SweepTurn::Ours(Sweep {
                source: source.to_owned(),
                turn: row.get("turn")?,
                seen_until: row.get("seen_until")?,
            }),
            None => {
                let row = self.one("SELECT next_at FROM backfill WHERE source = $1", args![source])?;
                SweepTurn::NotBefore(row.get("next_at")?)
            }
        };
        self.commit();
        Ok(turn)
    }

    pub(in crate::ledger) fn save_sweep(&mut self, sweep: &Sweep, next_at: Ms) -> Result<bool, Fault> {
        let done = self.execute(
            "UPDATE backfill SET seen_until = $1, next_at = $2 WHERE source = $3 AND turn = $4",
            args![sweep.seen_until, next_at, &*sweep.source, sweep.turn],
        )?;
        self.commit();
        Ok(done > 0)
    }

    pub(in crate::ledger) fn recorded(
        &mut self,
        sources: &[String],
        events: &[String],
    ) -> Result<BTreeSet<String>, Fault> {
        if sources.is_empty() || events.is_empty() {
            return Ok(BTreeSet::new());
        }
        let marks = |from: usize, count: usize| {
            (from..from.saturating_add(count)).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
        };
        let text = format!(
            "SELECT DISTINCT event_id FROM events WHERE event_id IN ({}) AND source IN ({})",
            marks(1, events.len()),
            marks(events.len().saturating_add(1), sources.len()),
        );
        let words: Vec<String> = events.iter().chain(sources).map(|word| storable::text(word)).collect();
        let rows = self.all(&text, &words.iter().map(Bind::arg).collect::<Vec<_>>())?;
        rows.iter().map(|row| row.get("event_id")).collect()
    }
}
