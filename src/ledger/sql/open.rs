//! Pools and schema.
//!
//! SQLite: a file is looked at before it is opened, because its own words for a missing directory or a
//! read-only file do not say what to do. WAL lets lists read while the worker writes; `synchronous=FULL`
//! syncs every commit, for an intent must be on the disk before the call it announces.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::ExposeSecret as _;
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _,
    any::AnyPoolOptions,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Dialect, SqlLedger, catch_up::catch_up, failures::Failures, fault::Fault, server};
use crate::{config, disk, ledger::LedgerError, private_file};

/// Longest wait for a connection, in seconds; then the ledger counts as not available.
const ACQUIRE_S_MAX: u64 = 10;

/// How a SQLite connection waits for another process's write (5 s), and how it syncs. Each that
/// waits keeps those behind it waiting: the connection that writes is one.
const SQLITE_WRITE: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;";

/// A connection that lists and never writes.
const SQLITE_READ: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;";

/// Every commit is on disk before it is answered, whatever the server's default; and plans use indices even on
/// small tables, since a serializable transaction that scans one collides with every writer of it.
/// What is left of scans costs so much by that setting that the server would compile each such statement for half a second.
const POSTGRES: &str = "SET enable_seqscan = off; SET jit = off; SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local');";

/// The schema, oldest first; a text never changes once released.
const MIGRATIONS: [(i64, &str, &str); 12] = [
    (1, "ledger", include_str!("migrations/0001_ledger.sql")),
    (2, "restorations", include_str!("migrations/0002_restorations.sql")),
    (3, "operators", include_str!("migrations/0003_operators.sql")),
    (4, "backfill", include_str!("migrations/0004_backfill.sql")),
    (5, "console", include_str!("migrations/0005_console.sql")),
    (6, "money_out", include_str!("migrations/0006_money_out.sql")),
    (7, "not_live", include_str!("migrations/0007_not_live.sql")),
    (8, "ceiling", include_str!("migrations/0008_ceiling.sql")),
    (9, "memory", include_str!("migrations/0009_memory.sql")),
    (10, "closed_events", include_str!("migrations/0010_closed_events.sql")),
    (11, "money", include_str!("migrations/0011_money.sql")),
    (12, "slips", include_str!("migrations/0012_slips.sql")),
];

/// What the schema's text says differently in each database.
type Words = [(&'static str, &'static str); 7];

const SQLITE_WORDS: Words = [
    ("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("{bytes}", "BLOB"),
    ("{known}", "json_extract(detail, '$.known')"),
    ("{mode}", "json_extract(detail, '$.mode')"),
    ("{settled_at}", "json_extract(detail, '$.at')"),
    (
        "{append_only}",
        "CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); \
         END; CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN \
         SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
    ),
    (
        "{adjustments_only_grow}",
        "CREATE TRIGGER adjustments_update BEFORE UPDATE ON adjustments BEGIN \
         SELECT RAISE(ABORT, 'adjustments are append-only'); END; \
         CREATE TRIGGER adjustments_delete BEFORE DELETE ON adjustments BEGIN \
         SELECT RAISE(ABORT, 'adjustments are append-only'); END;",
    ),
];

const POSTGRES_WORDS: Words = [
    ("{serial}", "BIGSERIAL PRIMARY KEY"),
    ("{bytes}", "BYTEA"),
    ("{known}", "(detail::json->>'known')::bigint"),
    ("{mode}", "detail::json->>'mode'"),
    ("{settled_at}", "(detail::json->>'at')::bigint"),
    (
        "{append_only}",
        "CREATE OR REPLACE FUNCTION daybridge_append_only() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''the audit log is append-only''; END'; \
         CREATE TRIGGER audit_fixed BEFORE UPDATE OR DELETE ON audit FOR EACH ROW \
         EXECUTE FUNCTION daybridge_append_only();",
    ),
    (
        "{adjustments_only_grow}",
        "CREATE OR REPLACE FUNCTION daybridge_adjustments_only_grow() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''adjustments are append-only''; END'; \
         CREATE TRIGGER adjustments_fixed BEFORE UPDATE OR DELETE ON adjustments FOR EACH ROW \
         EXECUTE FUNCTION daybridge_adjustments_only_grow();",
    ),
];

/// What is done where there is no ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// It is made.
    Make,
    /// It is an error.
    Refuse,
}

pub(super) async fn open(settings: &config::Ledger, absent: Absent) -> Result<SqlLedger, LedgerError> {
    let url = settings.url.resolve().map_err(LedgerError::Unavailable)?;
    let url = url.expose_secret();
    sqlx::any::install_default_drivers();
    super::url::check(url).map_err(|why| LedgerError::Refused(format!("ledger.url {why}")))?;
    let mut ledger = if url.starts_with("sqlite:") {
        open_sqlite(url, settings.connections_max, absent).await?
    } else {
        let failures = Failures::default();
        let pool = pool(url, settings.connections_max, POSTGRES, true, &failures).await?;
        if absent == Absent::Refuse && !has_schema(&pool).await? {
            return Err(LedgerError::Missing(without_password(url)));
        }
        SqlLedger::of(pool.clone(), pool, Dialect::Postgres, failures, without_password(url))
    };
    migrate(&ledger).await?;
    ledger.stamp(jiff::Timestamp::now().as_millisecond()).await.map_err(Fault::report)?;
    ledger.server = server::question(&ledger.read, ledger.dialect).await.map_err(Fault::report)?;
    ledger.moved().await.map_err(Fault::report)?;
    Ok(ledger)
}

/// Server and database of a URL.
fn without_password(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    format!("postgres://{}", bare.rsplit_once('@').map_or(bare, |(_, place)| place))
}

/// Whether the schema was ever applied to a server's database.
async fn has_schema(pool: &AnyPool) -> Result<bool, LedgerError> {
    let row = sqlx::query("SELECT CAST(to_regclass('_sqlx_migrations') AS TEXT) AS there")
        .fetch_one(pool)
        .await
        .map_err(plain)?;
    Ok(row.try_get::<Option<String>, _>("there").map_err(plain)?.is_some())
}

/// The file that a URL names.
pub(super) fn path(url: &str) -> Result<PathBuf, LedgerError> {
    let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
    if path.is_empty() || path == ":memory:" {
        return Err(LedgerError::Refused(
            "the ledger needs a file: it must outlive the process, as sqlite:daybridge.db does".into(),
        ));
    }
    std::path::absolute(path)
        .map_err(|error| LedgerError::Unavailable(format!("the path {path} cannot be used: {error}")))
}

/// A file's URL; `mode`: `rwc` makes it where it is missing, `rw` does not.
pub(super) fn file_url(path: &Path, mode: &str) -> String {
    let encoded: String = path
        .to_string_lossy()
        .bytes()
        .map(|b| match b {
            b'/' | b'.' | b'_' | b'-' => char::from(b).to_string(),
            _ if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect();
    format!("sqlite:{encoded}?mode={mode}")
}

async fn open_sqlite(url: &str, readers: u32, absent: Absent) -> Result<SqlLedger, LedgerError> {
    let path = path(url)?;
    usable(&path).map_err(LedgerError::Unavailable)?;
    let made = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if absent == Absent::Refuse && !made {
        return Err(LedgerError::Missing(path.display().to_string()));
    }
    private_file::prepare(&path);
    let url = file_url(&path, "rwc");
    let hint = |error: LedgerError| match error {
        LedgerError::Unavailable(text) => LedgerError::Unavailable(format!(
            "{}: {text}; check that the file and its directory can be written by this user and that the disk has room",
            path.display()
        )),
        other => other,
    };
    let failures = Failures::default();
    let write = pool(&url, 1, SQLITE_WRITE, false, &failures).await.map_err(&hint)?;
    let read = pool(&url, readers, SQLITE_READ, false, &failures).await.map_err(&hint)?;
    let ledger = SqlLedger::of(write, read, Dialect::Sqlite, failures, path.display().to_string());
    Ok(SqlLedger { file: Some(path), ..ledger })
}

/// Says what to do about a file that cannot be the ledger.
pub(super) fn usable(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let directory = path.parent().unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(format!("the directory {} does not exist: create it first", directory.display()));
    }
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{shown} cannot be looked at: {error}")),
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory: name a file in it")),
        Ok(found) if found.permissions().readonly() => {
            Err(format!("{shown} is read-only: give this user the right to write it"))
        }
        Ok(_) => std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .map(drop)
            .map_err(|error| format!("{shown} cannot be written: {error}")),
    }
}

/// One connection is made and set up before the pool: a pool tries until its time is over and then only
/// says that it is.
async fn pool(
    url: &str,
    max: u32,
    setup: &'static str,
    ping: bool,
    failures: &Failures,
) -> Result<AnyPool, LedgerError> {
    let failures = failures.clone();
    let mut first = AnyConnection::connect(url).await.map_err(|error| match error {
        // No wait mends it. Its own text may quote parts of the URL, and with them a password.
        sqlx::Error::Configuration(_) => LedgerError::Refused(
            "the ledger's URL cannot be used: write it as postgres://user:password@host:5432/database".into(),
        ),
        error => plain(error),
    })?;
    set_up(&mut first, setup).await.map_err(plain)?;
    first.close().await.map_err(plain)?;
    let made = AnyPoolOptions::new()
        .max_connections(max.max(1))
        .acquire_timeout(Duration::from_secs(ACQUIRE_S_MAX))
        .test_before_acquire(ping)
        .after_connect(move |connection, _| Box::pin(set_up(connection, setup)))
        .before_acquire(move |_, connection| {
            let good = !failures.spoil(connection.age);
            Box::pin(async move { Ok(good) })
        })
        .connect(url)
        .await;
    made.map_err(plain)
}

async fn set_up(connection: &mut AnyConnection, setup: &'static str) -> Result<(), sqlx::Error> {
    for statement in setup.split_inclusive(';').filter(|s| !s.trim().is_empty()) {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

fn plain(error: sqlx::Error) -> LedgerError {
    Fault::from(error).report()
}

/// Brings the schema up to date; sqlx locks it, so that of two workers that start one waits for the other.
async fn migrate(ledger: &SqlLedger) -> Result<(), LedgerError> {
    let words = match ledger.dialect {
        Dialect::Sqlite => &SQLITE_WORDS,
        Dialect::Postgres => &POSTGRES_WORDS,
    };
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, text)| {
            let text = words.iter().fold((*text).to_owned(), |text, (word, sql)| text.replace(word, sql));
            let text = AssertSqlSafe(text).into_sql_str();
            Migration::new(*version, (*name).into(), MigrationType::Simple, text, false)
        })
        .collect();
    match Migrator::with_migrations(migrations).run(&ledger.write).await {
        Ok(()) => {
            let settled_at =
                words.iter().find(|(word, _)| *word == "{settled_at}").map_or("0", |(_, sql)| sql);
            catch_up(ledger, settled_at).await.map_err(Fault::report)
        }
        Err(MigrateError::VersionMissing(found)) => Err(newer(found)),
        Err(MigrateError::VersionMismatch(found)) => {
            Err(LedgerError::Corrupt(format!("schema {found} is not the one this program knows")))
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(not_made(error)),
        Err(other) => Err(LedgerError::Corrupt(other.to_string())),
    }
}

/// Why the schema could not be made. What the database says against the statements themselves (class 42: rights, or
/// tables of somebody else in the way) no wait mends.
fn not_made(error: sqlx::Error) -> LedgerError {
    let told = error.as_database_error().and_then(|told| {
        let code = told.code()?;
        code.starts_with("42").then(|| (code.into_owned(), told.message().to_owned()))
    });
    match told {
        Some((code, why)) if code == "42501" => LedgerError::Refused(format!(
            "the ledger's tables cannot be made: {why}; let the role create them: GRANT USAGE, CREATE ON SCHEMA public TO it, as the database's owner"
        )),
        Some((_, why)) => LedgerError::Refused(format!(
            "the ledger's tables cannot be made: {why}; give it a database of its own, or the one that it had"
        )),
        None => plain(error),
    }
}

pub(super) fn known() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

pub(super) fn newer(found: i64) -> LedgerError {
    LedgerError::Newer { found, known: known() }
}

impl SqlLedger {
    /// Compares the schema with ours, writes, and takes it back: a database may read and not write.
    pub(super) async fn health_once(&self) -> Result<(), Fault> {
        if let Some(file) = &self.file {
            disk::has_room(file).map_err(LedgerError::Unavailable)?;
        }
        let mut tx = self.plain().await?;
        let row =
            sqlx::query("SELECT MAX(version) AS version FROM _sqlx_migrations").fetch_one(&mut *tx).await?;
        let found: Option<i64> = row.try_get("version")?;
        if let Some(found) = found.filter(|found| *found > known()) {
            return Err(newer(found).into());
        }
        // No source has this name.
        sqlx::query("INSERT INTO backfill (source, turn, next_at) VALUES ('', 0, 0)")
            .execute(&mut *tx)
            .await?;
        tx.rollback().await?;
        Ok(())
    }
}
