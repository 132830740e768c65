//! Along which index a list walks that filters by several columns. Both databases would guess, and a wrong guess reads all
//! that is of a common kind to find what is of a rare one; so a few rows of each are counted, and only one is left to them.

use super::{
    fault::Fault,
    filter::{Filter, Value},
    tx::{Dialect, Tx},
    value::{Bind as _, Row},
};

/// Rows of one kind that are counted: below, it is rare enough to be walked.
const COUNTED_MAX: i64 = 500;

/// A column that rows are filtered by, and what is looked for in it.
#[derive(Debug)]
pub(in crate::ledger) struct Way {
    /// `table alias`.
    pub(in crate::ledger) table: &'static str,
    /// `alias.column`.
    pub(in crate::ledger) column: &'static str,
    pub(in crate::ledger) operator: &'static str,
    pub(in crate::ledger) value: Value,
    /// The index that has this value; `None`: nearly all rows have it, and none does.
    pub(in crate::ledger) index: Option<Index>,
}

/// An index and the condition that its rows meet; empty: it has all.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) struct Index {
    pub(in crate::ledger) name: &'static str,
    pub(in crate::ledger) holds: &'static str,
}

impl Way {
    /// Of a column that an index has for all rows.
    pub(in crate::ledger) fn of(
        table: &'static str,
        column: &'static str,
        index: &'static str,
        value: Value,
    ) -> Self {
        Self { table, column, operator: "=", value, index: Some(Index { name: index, holds: "" }) }
    }

    /// Of a text; nothing where there is none.
    pub(in crate::ledger) fn text(
        table: &'static str,
        column: &'static str,
        index: &'static str,
        text: Option<&str>,
    ) -> Option<Self> {
        Some(Self::of(table, column, index, Value::Text(text?.to_owned())))
    }

    /// The same of an index that lacks the commonest word, by the condition that it has.
    pub(in crate::ledger) fn but(self, common: &str, holds: &'static str) -> Self {
        let common = matches!(&self.value, Value::Text(text) if text == common);
        let index = self.index.filter(|_| !common).map(|index| Index { holds, ..index });
        Self { index, ..self }
    }

    fn condition(&self) -> String {
        format!("{} {}", self.column, self.operator)
    }

    /// The condition as no index fits it.
    fn muted(&self) -> String {
        let nothing = match self.value {
            Value::Text(_) => "|| ''",
            Value::Number(_) => "+ 0",
        };
        format!("{} {nothing} {}", self.column, self.operator)
    }

    fn walked(&self, at: usize) -> Option<Walked> {
        self.index.map(|index| Walked { at, column: self.column, index: index.name })
    }

    fn few(&self, tx: &mut Tx) -> Result<i64, Fault> {
        let Some(index) = self.index else { return Ok(i64::MAX) };
        let and = if index.holds.is_empty() { "" } else { " AND " };
        let statement = format!(
            "SELECT COUNT(*) AS many FROM (SELECT 1 FROM {}{} WHERE {} $1{and}{} LIMIT {COUNTED_MAX}) few",
            self.table,
            by(tx, index.name),
            self.condition(),
            index.holds
        );
        let value = self.value.clone().storable();
        tx.one(&statement, &[value.arg()])?.get("many")
    }
}

/// Which of these is walked: the first that is rare enough, else the first that an index has.
pub(in crate::ledger) fn rarest(tx: &mut Tx, ways: &[Way]) -> Result<Option<Walked>, Fault> {
    let mut indexed = ways.iter().enumerate().filter_map(|(at, way)| way.walked(at));
    let (Some(first), second) = (indexed.next(), indexed.next()) else { return Ok(None) };
    if second.is_none() {
        return Ok(Some(first));
    }
    for (at, way) in ways.iter().enumerate() {
        if way.few(tx)? < COUNTED_MAX {
            return Ok(way.walked(at));
        }
    }
    Ok(Some(first))
}

/// What is walked: one of the ways by its place, its column and its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct Walked {
    at: usize,
    pub(in crate::ledger) column: &'static str,
    pub(in crate::ledger) index: &'static str,
}

/// SQLite is told which index it walks: by statistics it would skip through another one. PostgreSQL takes the one that
/// has the order.
fn by(tx: &Tx, index: &str) -> String {
    match tx.dialect() {
        Dialect::Sqlite if index.is_empty() => " NOT INDEXED".to_owned(),
        Dialect::Sqlite => format!(" INDEXED BY {index}"),
        Dialect::Postgres => String::new(),
    }
}

impl Filter {
    /// All of these hold, and the index of one is walked; `None`: of none.
    pub(in crate::ledger) fn along(mut self, tx: &Tx, ways: Vec<Way>, walked: Option<Walked>) -> Self {
        for (at, way) in ways.into_iter().enumerate() {
            if walked.is_some_and(|walked| walked.at == at) {
                self = match tx.dialect() {
                    Dialect::Sqlite if way.operator == "=" => self.rare(&way.condition(), way.value),
                    Dialect::Sqlite | Dialect::Postgres => self.value(&way.condition(), way.value),
                };
                if let Some(index) = way.index.filter(|index| !index.holds.is_empty()) {
                    self = self.fixed(index.holds);
                }
            } else {
                self = self.value(&way.muted(), way.value);
            }
        }
        self
    }

    /// By statistics of a column with few values SQLite would rather walk them all, one after the other.
    fn rare(mut self, condition: &str, value: Value) -> Self {
        let place = self.place(value);
        self.fixed(&format!("likelihood({condition} {place}, 0.0001)"))
    }

    /// Rows of `head WHERE … tail LIMIT limit` in the order of an index, which stands for `{by}` in the head; an empty
    /// one is that of the rows' numbers.
    pub(in crate::ledger) fn walk(
        self,
        tx: &mut Tx,
        head: &str,
        index: &str,
        tail: &str,
        limit: u32,
    ) -> Result<Vec<Row>, Fault> {
        let head = head.replace("{by}", &by(tx, index));
        tx.in_order(|tx| self.rows(tx, &head, tail, limit))
    }
}
