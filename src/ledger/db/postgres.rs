//! One connection to a PostgreSQL server, with the runtime that it lives on.

use std::{error::Error, mem, sync::Arc};

use bytes::BytesMut;
use futures_util::future::try_join_all;
use tokio::{runtime::Runtime, time::timeout};
use tokio_postgres::{
    Client,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    address::{CONNECT_MAX, Server},
    fault::{Fault, corrupt, of_connecting, refused},
    value::{Arg, OwnedArg, Row, Value},
};

/// Plans that cost the same however large the ledger is: along an index, row by row, in its order. What PostgreSQL takes for
/// cheaper reads whole tables, or sorts all that fits, where it has no statistics, or only thinks so. A session whose
/// program was frozen within a transaction loses its locks.
macro_rules! plans {
    () => {
        "SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL enable_seqscan = off; \
         SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
         SET LOCAL enable_material = off; SET LOCAL jit = off"
    };
}

/// Every commit is on disk before it is answered, whatever the server's default. Said anew in each transaction: a pool may
/// hand out another session for the next.
macro_rules! begin {
    ($lock:literal) => {
        concat!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT set_config('synchronous_commit', 'on', true) \
             WHERE current_setting('synchronous_commit') IN ('off', 'local'); ",
            plans!(),
            "; SELECT ",
            $lock,
            "(7233171301)"
        )
    };
}

/// Begins one that lists: each of its statements sees what was committed before it. Not READ ONLY, for whoever reads may be
/// the first that sees the ledger on its server, and notes it.
pub(super) const BEGIN_READING: &str = concat!("BEGIN ISOLATION LEVEL READ COMMITTED; ", plans!());

/// Begins a transaction among others.
pub(super) const BEGIN_AMONG_OTHERS: &str = begin!("pg_advisory_xact_lock_shared");

/// Begins one that waits until all others have ended, and lets none begin before it has.
pub(super) const BEGIN_ALONE: &str = begin!("pg_advisory_xact_lock");

/// Which run of which server a connection leads to: since when it runs, in microseconds. Everybody may ask this. Rejected:
/// its address, of which it may have several; a pool uses them in turn.
const RUN: &str = "SELECT extract(epoch FROM pg_postmaster_start_time())::text";

/// See the module.
///
/// No statement is prepared under a name: names are counted in each process, and of two processes behind a pool that
/// hands out sessions by the transaction, one would run the other's statement.
pub(super) struct Postgres {
    runtime: Runtime,
    client: Client,
    /// That of the server that it led to first.
    run: String,
    waiting: Waiting,
}

/// What goes out with the next statement that is waited for.
#[derive(Default)]
struct Waiting {
    /// What begins the transaction.
    begin: Option<&'static str>,
    sent: Vec<(String, Vec<OwnedArg>)>,
}

/// Statements that are sent before one is waited for.
const SENT_MAX: usize = 16;

impl Postgres {
    pub(super) fn open(server: &Server) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Fault::Broken(error.to_string()))?;
        let tls = server.tls.connector()?;
        let (client, run) = runtime.block_on(async {
            let connected = timeout(CONNECT_MAX, server.config.connect(tls)).await;
            let connected = connected.map_err(|_| {
                unanswered("the server did not answer within", "is it the right host and port, and is a pool before it full?")
            })?;
            let (client, connection) = connected.map_err(of_connecting)?;
            // Its errors are those of the statements that it serves.
            tokio::spawn(connection);
            let told = timeout(CONNECT_MAX, client.query_typed_one(RUN, &[])).await;
            let told = told.map_err(|_| {
                unanswered(
                    "it let us in, and had no session for us within",
                    "raise the size of the pool before the server, or lower ledger.connections_max in each process that shares it",
                )
            })?;
            Ok::<_, Fault>((client, told?.try_get(0)?))
        })?;
        Ok(Self { runtime, client, run, waiting: Waiting::default() })
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Begins a transaction with the next statement.
    pub(super) fn begin(&mut self, begin: &'static str) {
        self.waiting = Waiting { begin: Some(begin), sent: Vec::new() };
    }

    /// Ends a transaction, if any statement of it went out.
    pub(super) fn end(&mut self, commits: bool) -> Result<(), Fault> {
        let waiting = mem::take(&mut self.waiting);
        match commits {
            true if waiting.begin.is_some() && waiting.sent.is_empty() => Ok(()),
            true => self.wait(waiting, self.client.batch_execute("COMMIT")),
            false if waiting.begin.is_some() => Ok(()),
            false => self.wait(Waiting::default(), self.client.batch_execute("ROLLBACK")),
        }
    }

    /// Sends what waits and a statement, one behind the other, and waits for all of it.
    fn wait<T>(
        &self,
        waiting: Waiting,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let begun = async {
            match waiting.begin {
                Some(begin) => self.client.batch_execute(begin).await,
                None => Ok(()),
            }
        };
        let sent = try_join_all(waiting.sent.iter().map(|(sql, args)| async {
            let args: Vec<Arg<'_>> = args.iter().map(OwnedArg::lent).collect();
            execute(&self.client, sql, &args).await
        }));
        // Polled in this order, so sent in this order.
        let all = async { tokio::join!(biased; begun, sent, statement) };
        let (begun, sent, done) = self.runtime.block_on(all);
        begun?;
        sent?;
        Ok(done?)
    }

    /// Runs a statement of which only the failure matters; that is told with the next one, at the latest with the end.
    pub(super) fn send(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<(), Fault> {
        self.waiting.sent.push((sql.to_owned(), args.iter().map(Arg::owned).collect()));
        if self.waiting.sent.len() < SENT_MAX {
            return Ok(());
        }
        let waiting = mem::take(&mut self.waiting);
        self.wait(waiting, async { Ok(()) })
    }

    /// Statements of the schema. What the server says against them themselves (class 42: rights, or tables of somebody
    /// else in the way; 3F: no schema that the role may use) no wait mends.
    pub(super) fn make(&mut self, statements: &str) -> Result<(), Fault> {
        let waiting = mem::take(&mut self.waiting);
        self.wait(waiting, async { Ok(()) })?;
        let error = match self.runtime.block_on(self.client.batch_execute(statements)) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let told = error.as_db_error().map(|told| (told.code().code(), told.message()));
        Err(match told {
            Some(("42501" | "3F000", why)) => refused(format!(
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
        let waiting = mem::take(&mut self.waiting);
        self.wait(waiting, execute(&self.client, sql, args))
    }

    /// At most `limit` rows.
    pub(super) fn rows(&mut self, sql: &str, args: &[Arg<'_>], limit: usize) -> Result<Vec<Row>, Fault> {
        let waiting = mem::take(&mut self.waiting);
        let typed = typed(args);
        let found = self.wait(waiting, self.client.query_typed(sql, &typed))?;
        let Some(columns) = found.first().map(tokio_postgres::Row::columns) else { return Ok(Vec::new()) };
        let columns: Arc<[Box<str>]> = columns.iter().map(|column| column.name().into()).collect();
        let row = |row: &tokio_postgres::Row| {
            let values = (0..columns.len()).map(|at| row.try_get::<_, Value>(at));
            let values = values.collect::<Result<_, tokio_postgres::Error>>();
            Ok(Row::new(columns.clone(), values.map_err(|error| corrupt(error.to_string()))?))
        };
        found.iter().take(limit).map(row).collect()
    }

    /// Whether it is permitted, there and supported. Before the first statement of a transaction, for it may fail.
    pub(super) fn answers(&mut self, sql: &str) -> Result<bool, Fault> {
        use tokio_postgres::error::SqlState as State;
        let not = [State::INSUFFICIENT_PRIVILEGE, State::UNDEFINED_FUNCTION, State::FEATURE_NOT_SUPPORTED];
        match self.runtime.block_on(self.client.simple_query(sql)) {
            Ok(_) => Ok(true),
            Err(error) if error.code().is_some_and(|code| not.contains(code)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn unanswered(what: &str, to_do: &str) -> Fault {
    Fault::Full(format!("{what} {CONNECT_MAX:?}: {to_do}"))
}

async fn execute(client: &Client, sql: &str, args: &[Arg<'_>]) -> Result<u64, tokio_postgres::Error> {
    client.execute_typed(sql, &typed(args)).await
}

/// With the kinds of the values: the server would guess smaller ones from what stands beside them.
fn typed<'a>(args: &'a [Arg<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    args.iter().map(|arg| (arg as &(dyn ToSql + Sync), kind(arg))).collect()
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
