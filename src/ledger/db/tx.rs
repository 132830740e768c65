//! A connection in the hands of one transaction: plain functions of the ledger are written over it.

use std::sync::Arc;

use super::{
    fault::{Fault, corrupt},
    place::Place,
    postgres::Postgres,
    sqlite::Sqlite,
    value::{Arg, Row},
};

/// Which database it is, where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Dialect {
    Sqlite,
    Postgres,
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Begin {
    /// Each statement by itself, on a connection that lists.
    Not,
    /// For what one row's compare-and-set decides.
    Plain,
    /// For what reads, then decides.
    Serial,
}

pub(super) enum Connection {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// See the module. It is rolled back unless it was said to [`commit`](Tx::commit).
pub(in crate::ledger) struct Tx {
    connection: Connection,
    place: Arc<Place>,
    commits: bool,
    answered: bool,
}

impl Tx {
    pub(super) fn new(connection: Connection, place: Arc<Place>) -> Self {
        Self { connection, place, commits: false, answered: false }
    }

    pub(in crate::ledger) fn dialect(&self) -> Dialect {
        match self.connection {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// What the process knows of the database.
    pub(in crate::ledger) fn place(&self) -> &Place {
        &self.place
    }

    /// What was written stays, if nothing fails after this.
    pub(in crate::ledger) fn commit(&mut self) {
        self.commits = true;
    }

    /// Whether the database answered anything of the last run.
    pub(super) fn was_answered(&self) -> bool {
        self.answered
    }

    /// Runs `work` from beginning to end of a transaction.
    pub(super) fn run<T>(
        &mut self,
        begin: Begin,
        work: &mut dyn FnMut(&mut Tx) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        (self.commits, self.answered) = (false, false);
        self.begin(begin)?;
        let done = work(self);
        if begin == Begin::Not {
            return done;
        }
        let commits = done.is_ok() && self.commits;
        let ended = self.batch(if commits { "COMMIT" } else { "ROLLBACK" });
        match (&done, ended) {
            // What it failed of is told; that it cannot be rolled back either comes of it.
            (Err(_), _) | (_, Ok(())) => done,
            (Ok(_), Err(fault)) => {
                let _ = self.batch("ROLLBACK");
                Err(fault)
            }
        }
    }

    fn begin(&mut self, begin: Begin) -> Result<(), Fault> {
        match (begin, self.dialect()) {
            (Begin::Not, _) => Ok(()),
            (Begin::Plain | Begin::Serial, Dialect::Sqlite) => self.batch("BEGIN IMMEDIATE"),
            (Begin::Plain, Dialect::Postgres) => self.batch("BEGIN ISOLATION LEVEL READ COMMITTED"),
            (Begin::Serial, Dialect::Postgres) => self.batch("BEGIN ISOLATION LEVEL SERIALIZABLE"),
        }
    }

    /// Statements without values.
    fn batch(&mut self, statements: &str) -> Result<(), Fault> {
        let told = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.batch(statements),
            Connection::Postgres(postgres) => postgres.batch(statements),
        };
        self.answered |= told.is_ok();
        told
    }

    /// Statements of the schema.
    pub(super) fn make(&mut self, statements: &str) -> Result<(), Fault> {
        match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.batch(statements),
            Connection::Postgres(postgres) => postgres.make(statements),
        }
    }

    /// Rows that were changed.
    pub(in crate::ledger) fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, Fault> {
        let told = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.execute(sql, args),
            Connection::Postgres(postgres) => postgres.execute(sql, args),
        };
        self.answered |= told.is_ok();
        told
    }

    /// All rows.
    pub(in crate::ledger) fn all(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, Fault> {
        self.rows(sql, args, usize::MAX)
    }

    /// The first row, if there is one.
    pub(in crate::ledger) fn optional(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, args, 1)?.pop())
    }

    /// The one row that there is.
    pub(in crate::ledger) fn one(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Row, Fault> {
        self.optional(sql, args)?.ok_or_else(|| corrupt("a row that must be there is missing"))
    }

    /// Whether the server lets this role ask this, and knows it. Not within a transaction.
    pub(in crate::ledger) fn answers(&mut self, sql: &str) -> Result<bool, Fault> {
        match &mut self.connection {
            Connection::Sqlite(_) => Ok(false),
            Connection::Postgres(postgres) => postgres.answers(sql),
        }
    }

    fn rows(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        let told = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.rows(sql, args, limit),
            Connection::Postgres(postgres) => postgres.rows(sql, args, limit),
        };
        self.answered |= told.is_ok();
        told
    }
}
