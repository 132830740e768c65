//! One connection to a PostgreSQL server, with the runtime that it lives on.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{runtime::Runtime, time::timeout};
use tokio_postgres::{
    Client, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    address::Server,
    fault::{Fault, corrupt, refused},
    value::{Arg, Row, Value},
};
use crate::ledger::LedgerError;

/// Every commit is on disk before it is answered, whatever the server's default; and plans use indices even on
/// small tables, since a serializable transaction that scans one collides with every writer of it.
/// What is left of scans costs so much by that setting that the server would compile each such statement for half a second.
const SET_UP: &str = "SET enable_seqscan = off; SET jit = off; SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local');";

/// Longest time to connect and be let in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Statements that stay prepared.
const STATEMENTS_MAX: usize = 512;

/// See the module.
pub(super) struct Postgres {
    runtime: Runtime,
    client: Client,
    statements: HashMap<Box<str>, Prepared>,
}

/// A statement, and the names of its columns.
type Prepared = (Statement, Arc<[Box<str>]>);

impl Postgres {
    pub(super) fn open(server: &Server) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Fault::Broken(error.to_string()))?;
        let client = runtime.block_on(async {
            let connected = async {
                let (client, connection) = server.config.connect(server.tls.clone()).await?;
                // Its errors are those of the statements that it serves.
                tokio::spawn(connection);
                client.batch_execute(SET_UP).await?;
                Ok::<_, Fault>(client)
            };
            timeout(CONNECT_MAX, connected).await.unwrap_or_else(|_| {
                Err(Fault::Ledger(LedgerError::Unavailable(format!(
                    "the server did not answer within {CONNECT_MAX:?}"
                ))))
            })
        })?;
        Ok(Self { runtime, client, statements: HashMap::new() })
    }

    pub(super) fn batch(&mut self, statements: &str) -> Result<(), Fault> {
        Ok(self.runtime.block_on(self.client.batch_execute(statements))?)
    }

    /// Statements of the schema. What the server says against them themselves (class 42: rights, or tables of somebody
    /// else in the way) no wait mends.
    pub(super) fn make(&mut self, statements: &str) -> Result<(), Fault> {
        let error = match self.runtime.block_on(self.client.batch_execute(statements)) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let told = error.as_db_error().map(|told| (told.code().code(), told.message()));
        Err(match told {
            Some(("42501", why)) => refused(format!(
                "the ledger's tables cannot be made: {why}; let the role create them: GRANT USAGE, CREATE ON SCHEMA public TO it, as the database's owner"
            )),
            Some((code, why)) if code.starts_with("42") => refused(format!(
                "the ledger's tables cannot be made: {why}; give it a database of its own, or the one that it had"
            )),
            _ => error.into(),
        })
    }

    /// Rows that were changed.
    pub(super) fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, Fault> {
        let (statement, _) = self.prepared(sql, args)?;
        let changed = self.runtime.block_on(self.client.execute_raw(&statement, args));
        Ok(changed?)
    }

    /// At most `limit` rows.
    pub(super) fn rows(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        let (statement, columns) = self.prepared(sql, args)?;
        let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
        let found = self.runtime.block_on(self.client.query(&statement, &args))?;
        let row = |row: &tokio_postgres::Row| {
            let values = (0..columns.len()).map(|at| row.try_get::<_, Value>(at));
            let values = values.collect::<Result<_, tokio_postgres::Error>>();
            Ok(Row::new(columns.clone(), values.map_err(|error| corrupt(error.to_string()))?))
        };
        found.iter().take(limit).map(row).collect()
    }

    /// Whether it is permitted, there and supported.
    pub(super) fn answers(&mut self, sql: &str) -> Result<bool, Fault> {
        use tokio_postgres::error::SqlState as State;
        let not = [State::INSUFFICIENT_PRIVILEGE, State::UNDEFINED_FUNCTION, State::FEATURE_NOT_SUPPORTED];
        match self.runtime.block_on(self.client.simple_query(sql)) {
            Ok(_) => Ok(true),
            Err(error) if error.code().is_some_and(|code| not.contains(code)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// With the kinds of the values: the server would guess smaller ones from what stands beside them.
    fn prepared(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Prepared, Fault> {
        if let Some((statement, columns)) = self.statements.get(sql) {
            return Ok((statement.clone(), columns.clone()));
        }
        let kinds: Vec<Type> = args.iter().map(kind).collect();
        let statement = self.runtime.block_on(self.client.prepare_typed(sql, &kinds))?;
        let columns: Arc<[Box<str>]> =
            statement.columns().iter().map(|column| column.name().into()).collect();
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        self.statements.insert(sql.into(), (statement.clone(), columns.clone()));
        Ok((statement, columns))
    }
}

fn kind(arg: &Arg<'_>) -> Type {
    match arg {
        Arg::Number(_) => Type::INT8,
        Arg::Text(_) => Type::TEXT,
        Arg::Bytes(_) => Type::BYTEA,
    }
}

impl ToSql for Arg<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Arg::Number(number) => number.to_sql(ty, out),
            Arg::Text(text) => text.to_sql(ty, out),
            Arg::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

impl FromSql<'_> for Value {
    fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Value::Number(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Number(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Number(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(raw.to_owned()),
            _ => Value::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA].contains(ty) || <String as FromSql>::accepts(ty)
    }
}
