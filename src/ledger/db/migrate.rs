//! The schema, brought up to date one released text after the other.
//!
//! The table of what was applied is the one that sqlx kept, which ledgers of before have; so is the lock, for an older
//! worker may start beside this one. Both are only touched where a text is missing: a pool in front of PostgreSQL may
//! hand out a session for one transaction at a time.

use sha2::{Digest as _, Sha384};

use super::{
    fault::{Fault, corrupt},
    tx::{Dialect, Tx},
    value::args,
};
use crate::ledger::LedgerError;

/// A released text; it never changes.
pub(in crate::ledger) struct Migration {
    pub(in crate::ledger) version: i64,
    pub(in crate::ledger) name: &'static str,
    pub(in crate::ledger) text: String,
}

const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
     checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

const TABLE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, \
     checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)";

/// sqlx's lock is this, times the checksum of the database's name.
const LOCK: i64 = 0x3d32_ad9e;

impl Migration {
    fn checksum(&self) -> Vec<u8> {
        Sha384::digest(self.text.as_bytes()).to_vec()
    }
}

impl Tx {
    /// Whether any schema was ever applied.
    pub(in crate::ledger) fn has_schema(&mut self) -> Result<bool, Fault> {
        let there = match self.dialect() {
            Dialect::Sqlite => "SELECT COUNT(*) AS there FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Dialect::Postgres => {
                "SELECT CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN 0 ELSE 1 END AS there"
            }
        };
        Ok(self.one(there, args![])?.get::<i64>("there")? != 0)
    }

    /// Those that are not applied, the oldest first. What was applied must be what this program knows.
    pub(in crate::ledger) fn missing<'m>(
        &mut self,
        migrations: &'m [Migration],
    ) -> Result<Vec<&'m Migration>, Fault> {
        if !self.has_schema()? {
            return Ok(migrations.iter().collect());
        }
        let success = match self.dialect() {
            Dialect::Sqlite => "success",
            Dialect::Postgres => "CASE WHEN success THEN 1 ELSE 0 END",
        };
        let rows = self.all(
            &format!("SELECT version, checksum, {success} AS success FROM _sqlx_migrations ORDER BY version"),
            args![],
        )?;
        let mut applied = Vec::new();
        for row in &rows {
            let version: i64 = row.get("version")?;
            let Some(known) = migrations.iter().find(|migration| migration.version == version) else {
                let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
                return Err(LedgerError::Newer { found: version, known }.into());
            };
            if row.get::<i64>("success")? == 0 {
                return Err(corrupt(format!(
                    "schema {version} was begun and not finished: restore a backup"
                )));
            }
            if row.get::<Vec<u8>>("checksum")? != known.checksum() {
                return Err(corrupt(format!("schema {version} is not the one this program knows")));
            }
            applied.push(version);
        }
        Ok(migrations.iter().filter(|migration| !applied.contains(&migration.version)).collect())
    }

    /// Applies what is missing, in a transaction; of two that start together one waits for the other.
    pub(in crate::ledger) fn migrate(&mut self, migrations: &[Migration]) -> Result<(), Fault> {
        let table = match self.dialect() {
            Dialect::Sqlite => TABLE_SQLITE,
            Dialect::Postgres => {
                let row = self.one("SELECT current_database()::text AS name", args![])?;
                let name = crc32fast::hash(row.get::<String>("name")?.as_bytes());
                let key = LOCK.wrapping_mul(i64::from(name));
                self.optional("SELECT pg_advisory_xact_lock($1)::text AS locked", args![key])?;
                TABLE_POSTGRES
            }
        };
        self.make(table)?;
        for migration in self.missing(migrations)? {
            self.make(&migration.text)?;
            let done = match self.dialect() {
                Dialect::Sqlite => "1",
                Dialect::Postgres => "true",
            };
            self.execute(
                &format!(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     VALUES ($1, $2, {done}, $3, 0)"
                ),
                args![migration.version, migration.name, migration.checksum()],
            )?;
        }
        self.commit();
        Ok(())
    }
}
