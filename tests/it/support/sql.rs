//! A database as a person with a client of its own sees it: a file of SQLite's, or one of a PostgreSQL server.

use rusqlite::{Connection, OpenFlags, types::Value};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::wait::PATIENCE;

/// A connection. A transaction that was begun on it is held until it is dropped.
pub(crate) enum Sql {
    Sqlite(Connection),
    Postgres(Client),
}

impl Sql {
    /// Of a database that is there, by a ledger's URL.
    pub(crate) async fn open(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags).unwrap();
            connection.busy_timeout(PATIENCE).unwrap();
            return Self::Sqlite(connection);
        }
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        // Its errors are those of the statements that it serves.
        tokio::spawn(connection);
        Self::Postgres(client)
    }

    /// One statement or several.
    pub(crate) async fn execute(&mut self, statements: &str) {
        self.tried(statements).await.unwrap_or_else(|why| panic!("{statements}: {why}"));
    }

    /// What the database says against a statement.
    pub(crate) async fn refused(&mut self, statement: &str) -> String {
        self.tried(statement).await.expect_err(statement)
    }

    async fn tried(&mut self, statements: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => {
                connection.execute_batch(statements).map_err(|error| error.to_string())
            }
            Self::Postgres(client) => {
                let done = client.batch_execute(statements).await;
                done.map_err(|error| error.as_db_error().map_or(error.to_string(), |told| told.to_string()))
            }
        }
    }

    /// The first column of what a question finds.
    pub(crate) async fn column(&mut self, question: &str) -> Vec<Option<String>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(question).unwrap();
                let found = statement.query_map([], |row| row.get::<_, Value>(0)).unwrap();
                found.map(|value| text(value.unwrap())).collect()
            }
            Self::Postgres(client) => {
                let told = client.simple_query(question).await.unwrap();
                let row = |message: &SimpleQueryMessage| match message {
                    SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
                    _ => None,
                };
                told.iter().filter_map(row).collect()
            }
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
