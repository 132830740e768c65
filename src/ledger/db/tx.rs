//! A connection in the hands of one transaction: plain functions of the ledger are written over it.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use sha2::{Digest as _, Sha256};

use super::{
    fault::{Fault, corrupt},
    place::{Place, Seen},
    postgres::{BEGIN_ALONE, BEGIN_AMONG_OTHERS, BEGIN_READING, Postgres},
    sqlite::Sqlite,
    value::{Arg, Row, args},
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
    /// For what lists: each statement sees what was committed before it. A transaction on PostgreSQL only, for the
    /// settings of its plans; its end is one more round trip.
    Reading,
    /// Among others: what may meet is decided by compare-and-set, or under [`Tx::lock`].
    AmongOthers,
    /// Nobody else writes meanwhile.
    Alone,
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
    locks: bool,
    begin: Begin,
    sees: Option<Seen>,
}

impl Tx {
    pub(super) fn new(connection: Connection, place: Arc<Place>) -> Self {
        Self {
            connection,
            place,
            commits: false,
            answered: false,
            locks: true,
            begin: Begin::Reading,
            sees: None,
        }
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
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

    /// Whether this connection leads to another server than those before it.
    pub(super) fn is_elsewhere(&self) -> bool {
        match &self.connection {
            Connection::Sqlite(_) => false,
            Connection::Postgres(postgres) => self.place.is_moved_to(postgres.run()),
        }
    }

    /// What was written stays, if nothing fails after this.
    pub(in crate::ledger) fn commit(&mut self) {
        self.commits = true;
    }

    /// This is the server. The process goes by it once what was written about it is committed: of what is rolled back nobody
    /// would hear again.
    pub(in crate::ledger) fn sees(&mut self, server: Seen) {
        self.sees = Some(server);
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
        (self.commits, self.answered, self.locks, self.begin) = (false, false, true, begin);
        self.sees = None;
        self.begin_with(begin)?;
        let done = work(self);
        if let Connection::Sqlite(sqlite) = &mut self.connection {
            self.place.counts.steps.fetch_add(sqlite.take_steps(), Ordering::Relaxed);
        }
        let commits = done.is_ok() && (self.commits || begin == Begin::Reading);
        let ended = self.end(commits);
        if commits
            && ended.is_ok()
            && let Some(seen) = self.sees.take()
        {
            self.place.sees(seen);
        }
        match (&done, ended) {
            // What is left of it would be committed with the others.
            (_, Err(_)) if self.is_in_group() => {
                Err(Fault::Broken("a part of a transaction could not be ended".to_owned()))
            }
            // What it failed of is told; that it cannot be rolled back either comes of it.
            (Err(_), _) | (_, Ok(())) => done,
            (Ok(_), Err(fault)) => {
                let _ = self.end(false);
                Err(fault)
            }
        }
    }

    /// Begins a transaction for several: what runs until its end stays if all of it is committed.
    pub(super) fn begin_group(&mut self) -> Result<(), Fault> {
        match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.begin_group(),
            Connection::Postgres(_) => Err(corrupt("a server has one transaction at a time")),
        }
    }

    /// Whether that transaction is still there: SQLite takes some back by itself.
    pub(super) fn is_in_group(&self) -> bool {
        match &self.connection {
            Connection::Sqlite(sqlite) => sqlite.is_in_group(),
            Connection::Postgres(_) => false,
        }
    }

    /// Commits it.
    pub(super) fn end_group(&mut self) -> Result<(), Fault> {
        match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.end_group()?,
            Connection::Postgres(_) => {}
        }
        self.place.counts.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn begin_with(&mut self, begin: Begin) -> Result<(), Fault> {
        match &mut self.connection {
            Connection::Sqlite(sqlite) => {
                sqlite.stands()?;
                if begin != Begin::Reading {
                    sqlite.begin()?;
                    self.answered = true;
                }
            }
            Connection::Postgres(postgres) => match begin {
                Begin::Reading => postgres.begin(BEGIN_READING),
                Begin::AmongOthers => postgres.begin(BEGIN_AMONG_OTHERS),
                Begin::Alone => postgres.begin(BEGIN_ALONE),
            },
        }
        Ok(())
    }

    fn end(&mut self, commits: bool) -> Result<(), Fault> {
        if commits && self.begin != Begin::Reading && !self.is_in_group() {
            self.place.counts.commits.fetch_add(1, Ordering::Relaxed);
        }
        match &mut self.connection {
            Connection::Sqlite(_) if self.begin == Begin::Reading => Ok(()),
            Connection::Sqlite(sqlite) => sqlite.end(commits),
            Connection::Postgres(postgres) => postgres.end(commits),
        }
    }

    /// Nothing that it writes will stay, so it keeps nobody away.
    pub(in crate::ledger) fn rehearses(&mut self) {
        self.locks = false;
    }

    /// Whether it keeps others away from what it decides on.
    pub(in crate::ledger) fn locks(&self) -> bool {
        self.locks
    }

    /// Keeps every other transaction away that locks one of these names, until this one ends. All that it needs are
    /// locked at once, in one order, so that of two neither waits for the other. SQLite has one that writes anyway.
    pub(in crate::ledger) fn lock(&mut self, names: &BTreeSet<String>) -> Result<(), Fault> {
        if self.dialect() == Dialect::Sqlite || !self.locks || names.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<i64> = names.iter().map(|name| lock_key(name)).collect();
        let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
        self.optional(
            "SELECT COUNT(pg_advisory_xact_lock(key)) AS locked \
             FROM unnest(string_to_array($1, ',')::bigint[]) WITH ORDINALITY AS names (key, place)",
            args![keys.join(",")],
        )?;
        Ok(())
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
        self.count(sql, args);
        let told = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.execute(sql, args),
            Connection::Postgres(postgres) => postgres.execute(sql, args),
        };
        self.answered |= told.is_ok();
        told
    }

    /// Runs a statement of which only the failure matters. That is told now or later; nothing is committed after one.
    pub(in crate::ledger) fn send(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<(), Fault> {
        self.count(sql, args);
        match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.execute(sql, args).map(drop),
            Connection::Postgres(postgres) => postgres.send(sql, args),
        }
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

    /// Asks for rows in the order of an index. Without statistics PostgreSQL takes what a condition leaves for little, and
    /// would rather sort it than walk to the end of a page.
    pub(in crate::ledger) fn in_order<T>(
        &mut self,
        ask: impl FnOnce(&mut Tx) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Connection::Postgres(postgres) = &mut self.connection else { return ask(self) };
        postgres.send("SET LOCAL enable_sort = off", &[])?;
        let asked = ask(self)?;
        if let Connection::Postgres(postgres) = &mut self.connection {
            postgres.send("SET LOCAL enable_sort = on", &[])?;
        }
        Ok(asked)
    }

    fn count(&mut self, sql: &str, args: &[Arg<'_>]) {
        self.place.counts.statements.fetch_add(1, Ordering::Relaxed);
        if self.place.log.get().is_some() {
            self.explain(sql, args);
        }
    }

    fn rows(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        self.count(sql, args);
        let told = self.asked(sql, args, limit);
        self.answered |= told.is_ok();
        told
    }

    /// At most `limit` rows of a statement that nothing counts.
    pub(super) fn asked(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.rows(sql, args, limit),
            Connection::Postgres(postgres) => postgres.rows(sql, args, limit),
        }
    }
}

/// Two names of one key wait for each other for nothing, and nothing else comes of it.
fn lock_key(name: &str) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(name));
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}
