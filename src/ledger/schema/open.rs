//! Opening, and the schema. SQLite's file is looked at before it is opened, because its own words for a missing directory
//! or a read-only file do not say what to do.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::ExposeSecret as _;

use super::catch_up;
use crate::{
    config,
    domain::Ms,
    ledger::{
        Ledger, LedgerError,
        db::{Db, Dialect, Fault, Migration, Server, Tx, args, fault::refused},
    },
    machine::disk,
    machine::private_file,
};

/// The schema, oldest first; a text never changes once released.
const MIGRATIONS: [(i64, &str, &str); 21] = [
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
    (13, "joined", include_str!("migrations/0013_joined.sql")),
    (14, "indexes", include_str!("migrations/0014_indexes.sql")),
    (15, "slices", include_str!("migrations/0015_slices.sql")),
    (16, "directory", include_str!("migrations/0016_directory.sql")),
    (17, "agreements", include_str!("migrations/0017_agreements.sql")),
    (18, "channels", include_str!("migrations/0018_channels.sql")),
    (19, "granted", include_str!("migrations/0019_granted.sql")),
    (20, "customers", include_str!("migrations/0020_customers.sql")),
    (21, "marks", include_str!("migrations/0021_marks.sql")),
];

/// What the schema's text says differently in each database.
type Words = [(&'static str, &'static str); 8];

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
    (
        "{aliases_id_first}",
        "CREATE TABLE aliases_of_14 (realm TEXT NOT NULL, account TEXT NOT NULL, livemode BIGINT NOT NULL, \
         id TEXT NOT NULL, strength BIGINT NOT NULL, payment TEXT NOT NULL, PRIMARY KEY (id, realm, account, livemode)); \
         INSERT INTO aliases_of_14 (realm, account, livemode, id, strength, payment) \
         SELECT realm, account, livemode, id, strength, payment FROM aliases ORDER BY id; \
         DROP TABLE aliases; ALTER TABLE aliases_of_14 RENAME TO aliases;",
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
    (
        "{aliases_id_first}",
        "ALTER TABLE aliases DROP CONSTRAINT aliases_pkey, ADD PRIMARY KEY (id, realm, account, livemode);",
    ),
];

/// What is done where there is no ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Absent {
    /// It is made.
    Make,
    /// It is an error.
    Refuse,
}

pub(in crate::ledger) async fn open(
    settings: &config::LedgerSettings,
    absent: Absent,
) -> Result<Ledger, LedgerError> {
    let url = settings.url.resolve().map_err(LedgerError::Unavailable)?;
    let url = url.expose_secret();
    config::ledger_url::check(url, settings)
        .map_err(|why| LedgerError::Refused(format!("ledger.url {why}")))?;
    let ledger = if url.starts_with("sqlite:") {
        open_sqlite(url, settings.connections_max, absent).await?
    } else {
        let db = Db::postgres(Server::of(url, settings)?, without_password(url), settings.connections_max)?;
        if absent == Absent::Refuse && !db.read(Tx::has_schema).await? {
            return Err(LedgerError::Missing(db.place().name.clone()));
        }
        Ledger { db }
    };
    ledger.allocate(settings.allocation.clone());
    up_to_date(&ledger.db, jiff::Timestamp::now().as_millisecond()).await?;
    ledger.db.read(|tx| tx.find_question().and_then(|()| tx.moved())).await?;
    Ok(ledger)
}

/// Makes or completes the tables; `now` is when the ledger was made, where it is new.
pub(in crate::ledger) async fn up_to_date(db: &Db, now: Ms) -> Result<(), LedgerError> {
    let migrations = Arc::new(migrations(db.read(|tx| Ok(tx.dialect())).await?));
    migrate(db, &migrations).await?;
    db.write(move |tx| tx.stamp(now)).await
}

/// Server and database of a URL.
fn without_password(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    format!("postgres://{}", bare.rsplit_once('@').map_or(bare, |(_, place)| place))
}

/// The file that a URL names.
pub(in crate::ledger) fn path(url: &str) -> Result<PathBuf, LedgerError> {
    let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
    if path.is_empty() || path == ":memory:" {
        return Err(LedgerError::Refused(
            "the ledger needs a file: it must outlive the process, as sqlite:daybridge.db does".into(),
        ));
    }
    std::path::absolute(path)
        .map_err(|error| LedgerError::Unavailable(format!("the path {path} cannot be used: {error}")))
}

async fn open_sqlite(url: &str, readers: u32, absent: Absent) -> Result<Ledger, LedgerError> {
    let path = path(url)?;
    usable(&path).map_err(LedgerError::Unavailable)?;
    let made = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if absent == Absent::Refuse && !made {
        return Err(LedgerError::Missing(path.display().to_string()));
    }
    private_file::prepare(&path);
    let hint = |error: LedgerError| match error {
        LedgerError::Unavailable(text) => LedgerError::Unavailable(format!(
            "{}: {text}; check that the file and its directory can be written by this user and that the disk has room",
            path.display()
        )),
        other => other,
    };
    let db = Db::sqlite(&path, readers)?;
    // Opens the file, and makes it one that others may read meanwhile.
    db.write(|_| Ok(())).await.map_err(hint)?;
    Ok(Ledger { db })
}

/// Says what to do about a file that cannot be the ledger.
pub(in crate::ledger) fn usable(path: &Path) -> Result<(), String> {
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

fn migrations(dialect: Dialect) -> Vec<Migration> {
    let words = words(dialect);
    let text = |text: &str| words.iter().fold(text.to_owned(), |text, (word, sql)| text.replace(word, sql));
    MIGRATIONS
        .iter()
        .map(|(version, name, sql)| Migration { version: *version, name, text: text(sql) })
        .collect()
}

fn words(dialect: Dialect) -> &'static Words {
    match dialect {
        Dialect::Sqlite => &SQLITE_WORDS,
        Dialect::Postgres => &POSTGRES_WORDS,
    }
}

/// Schemas from this one on know which workers run.
const HEARTBEATS_SINCE: i64 = 12;

/// An older worker does not take the locks of this one: beside each other the two could grant a payment twice. SQLite has
/// one writer at a time anyway.
fn no_older_worker(tx: &mut Tx, migrations: &[Migration]) -> Result<(), Fault> {
    let missing = tx.missing(migrations)?;
    let beats = missing.iter().all(|migration| migration.version > HEARTBEATS_SINCE);
    if tx.dialect() == Dialect::Sqlite || missing.is_empty() || !beats {
        return Ok(());
    }
    match tx.alive()?.first() {
        None => Ok(()),
        Some(seen) => Err(refused(format!(
            "an older daybridge works on this ledger: {}, heard {} s ago; stop every worker first, then start this version",
            seen.worker,
            seen.silent_ms / 1000
        ))),
    }
}

/// Brings the schema up to date.
async fn migrate(db: &Db, migrations: &Arc<Vec<Migration>>) -> Result<(), LedgerError> {
    let known = migrations.clone();
    if !db.read(move |tx| Ok(tx.missing(&known)?.is_empty())).await? {
        let known = migrations.clone();
        db.write(move |tx| {
            no_older_worker(tx, &known)?;
            tx.migrate(&known)
        })
        .await?;
    }
    if db.read(catch_up::behind).await? {
        let settled_at = |tx: &Tx| words(tx.dialect()).iter().find(|(word, _)| *word == "{settled_at}");
        db.alone(move |tx| {
            let settled_at = settled_at(tx).map_or("0", |(_, sql)| sql);
            catch_up::catch_up(tx, settled_at)
        })
        .await?;
    }
    Ok(())
}

pub(in crate::ledger) fn known() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

pub(in crate::ledger) fn newer(found: i64) -> LedgerError {
    LedgerError::Newer { found, known: known() }
}

impl Ledger {
    /// Reaches the database and compares its schema.
    pub async fn health(&self) -> Result<(), LedgerError> {
        self.db.write(move |tx| tx.health()).await
    }
}

impl Tx {
    /// Compares the schema with ours, writes, and takes it back: a database may read and not write.
    pub(in crate::ledger) fn health(&mut self) -> Result<(), Fault> {
        if let Some(file) = &self.place().file {
            disk::has_room(file).map_err(LedgerError::Unavailable)?;
        }
        let row = self.one("SELECT MAX(version) AS version FROM _sqlx_migrations", args![])?;
        let found: Option<i64> = row.get("version")?;
        if let Some(found) = found.filter(|found| *found > known()) {
            return Err(newer(found).into());
        }
        // No source has this name.
        self.execute("INSERT INTO backfill (source, turn, next_at) VALUES ('', 0, 0)", args![])?;
        Ok(())
    }
}
