//! One connection to a SQLite file.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rusqlite::{
    CachedStatement, Connection, OpenFlags, StatementStatus, ToSql,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    fault::Fault,
    value::{Arg, Row, Value},
};
use crate::{ledger::LedgerError, machine::file_id::FileId};

/// How a connection waits for another process's write (5 s), and how it syncs. Each that waits keeps those behind it
/// waiting: the connection that writes is one. WAL lets lists read while the worker writes; every commit is synced, for
/// an intent must be on the disk before the call it announces.
const WRITES: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;";

/// A connection that lists and never writes.
const READS: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;";

/// Statements that stay prepared.
const STATEMENTS_MAX: usize = 1024;

/// See the module.
pub(super) struct Sqlite {
    connection: Connection,
    /// `None`: it is in memory.
    file: Option<(PathBuf, FileId)>,
    /// Transactions are savepoints of one that was begun.
    in_group: bool,
    columns: HashMap<Box<str>, Arc<[Box<str>]>>,
    steps: u64,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Read,
}

impl Sqlite {
    /// The file is made where it is missing, but only once: `known` is the one that this process has opened before.
    pub(super) fn open(path: &Path, what: Use, known: &OnceLock<FileId>) -> Result<Self, Fault> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match known.get() {
            Some(known) if !known.stands_at(path) => return Err(gone(path)),
            Some(_) => {}
            None => flags |= OpenFlags::SQLITE_OPEN_CREATE,
        }
        let connection = Connection::open_with_flags(path, flags)?;
        prepare_once(&connection)?;
        connection.execute_batch(match what {
            Use::Write => WRITES,
            Use::Read => READS,
        })?;
        let id = FileId::at(path).map_err(|_| gone(path))?;
        if *known.get_or_init(|| id) != id {
            return Err(gone(path));
        }
        Ok(Self {
            connection,
            file: Some((path.to_owned(), id)),
            in_group: false,
            columns: HashMap::new(),
            steps: 0,
        })
    }

    /// In memory: a copy of another one, or an empty one.
    pub(super) fn in_memory(copy: Option<&[u8]>) -> Result<Self, Fault> {
        let mut connection = Connection::open_in_memory()?;
        if let Some(copy) = copy {
            connection.deserialize_read_exact("main", copy, copy.len(), false)?;
        }
        prepare_once(&connection)?;
        connection.execute_batch("PRAGMA foreign_keys = ON")?;
        Ok(Self { connection, file: None, in_group: false, columns: HashMap::new(), steps: 0 })
    }

    /// A copy of all that it holds.
    pub(super) fn copy(&mut self) -> Result<Vec<u8>, Fault> {
        Ok(self.connection.serialize("main")?.to_vec())
    }

    /// Whether the path still names the file: what is written into another one is kept nowhere.
    pub(super) fn stands(&self) -> Result<(), Fault> {
        match &self.file {
            Some((path, id)) if !id.stands_at(path) => Err(gone(path)),
            Some(_) | None => Ok(()),
        }
    }

    /// Steps of SQLite's machine since the last call.
    pub(super) fn take_steps(&mut self) -> u64 {
        std::mem::take(&mut self.steps)
    }

    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        match self.has_savepoints() {
            false => self.batch("BEGIN IMMEDIATE"),
            true => self.run("SAVEPOINT work"),
        }
    }

    pub(super) fn end(&mut self, commits: bool) -> Result<(), Fault> {
        match (self.has_savepoints(), commits) {
            (false, true) => self.batch("COMMIT"),
            (false, false) => self.batch("ROLLBACK"),
            (true, true) => self.run("RELEASE work"),
            (true, false) => self.run("ROLLBACK TO work").and_then(|()| self.run("RELEASE work")),
        }
    }

    /// Begins a transaction in which others begin and end.
    pub(super) fn begin_group(&mut self) -> Result<(), Fault> {
        self.stands()?;
        self.batch("BEGIN IMMEDIATE")?;
        self.in_group = true;
        Ok(())
    }

    /// Whether it is still there.
    pub(super) fn is_in_group(&self) -> bool {
        self.in_group && !self.connection.is_autocommit()
    }

    /// Commits it.
    pub(super) fn end_group(&mut self) -> Result<(), Fault> {
        // It may have been replaced since the first of them looked.
        self.stands()?;
        self.in_group = false;
        self.batch("COMMIT")
    }

    fn has_savepoints(&self) -> bool {
        self.in_group || self.file.is_none()
    }

    /// In memory: what is written from now on can be taken back.
    pub(super) fn mark(&mut self) -> Result<(), Fault> {
        self.run("SAVEPOINT mark")
    }

    /// All since the mark is taken back.
    pub(super) fn take_back(&mut self) -> Result<(), Fault> {
        self.run("ROLLBACK TO mark").and_then(|()| self.run("RELEASE mark"))
    }

    fn run(&mut self, statement: &str) -> Result<(), Fault> {
        self.connection.prepare_cached(statement)?.raw_execute()?;
        Ok(())
    }

    pub(super) fn batch(&mut self, statements: &str) -> Result<(), Fault> {
        Ok(self.connection.execute_batch(statements)?)
    }

    /// Rows that were changed.
    pub(super) fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind(&mut statement, args)?;
        let changed = statement.raw_execute()?;
        self.steps = self.steps.saturating_add(steps_of(&mut statement));
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// At most `limit` rows.
    pub(super) fn rows(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = match self.columns.get(sql) {
            Some(columns) => columns.clone(),
            None => {
                if self.columns.len() >= STATEMENTS_MAX {
                    self.columns.clear();
                }
                let columns: Arc<[Box<str>]> = statement.column_names().map(Box::from).collect();
                self.columns.insert(sql.into(), columns.clone());
                columns
            }
        };
        bind(&mut statement, args)?;
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            let values = (0..columns.len()).map(|at| Ok(value(row.get_ref(at)?)));
            found.push(Row::new(columns.clone(), values.collect::<Result<_, rusqlite::Error>>()?));
        }
        drop(rows);
        self.steps = self.steps.saturating_add(steps_of(&mut statement));
        Ok(found)
    }
}

/// One that was put in its place may be a backup, which lacks calls that were made: nobody goes on with it by themselves.
fn gone(path: &Path) -> Fault {
    Fault::Ledger(LedgerError::Unavailable(format!(
        "{} was removed or replaced while it was in use, and nothing is kept until it is back: put the same file there again; where it is lost, stop every process, restore a backup and `daybridge ledger restored --since TIME`",
        path.display()
    )))
}

/// Statements stay prepared, whatever values they are run with next. Otherwise SQLite looks at the values to see whether a
/// partial index fits them, and prepares the statement again each time that they differ.
fn prepare_once(connection: &Connection) -> Result<(), Fault> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn steps_of(statement: &mut CachedStatement<'_>) -> u64 {
    u64::try_from(statement.reset_status(StatementStatus::VmStep)).unwrap_or(0)
}

/// SQLite takes `$4` for a name and numbers names by where they first stand.
fn bind(statement: &mut CachedStatement<'_>, args: &[Arg<'_>]) -> Result<(), Fault> {
    for place in 1..=statement.parameter_count() {
        let name = statement.parameter_name(place).unwrap_or_default();
        let arg = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let arg = arg.and_then(|number| args.get(number.checked_sub(1)?));
        let arg = arg.ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))?;
        statement.raw_bind_parameter(place, arg)?;
    }
    Ok(())
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Arg::Number(None) | Arg::Text(None) | Arg::Bytes(None) => ValueRef::Null,
            Arg::Number(Some(number)) => ValueRef::Integer(*number),
            Arg::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Arg::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
    }
}
