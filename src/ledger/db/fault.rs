//! What a database says, turned into what the caller may do: try the transaction again, or report.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::{ledger::LedgerError, outbound::certificates};

/// Most tries of one transaction that met others.
const TRIES_MAX: u32 = 40;

/// Most tries of one that found a row in its way. Each holds a connection, and SQLite has one that writes.
const TAKEN_TRIES_MAX: u32 = 8;

/// The longest waits before retries: 5, 10, 20, 40, 80, 160, 160 … ms; 40 tries take at most about 6 s.
const WAIT: Backoff = Backoff { first: Duration::from_millis(5), most: Duration::from_millis(160) };

/// A row of this primary key is there.
const SQLITE_PRIMARY_KEY: i32 = 1555;

/// A row of this unique index is there.
const SQLITE_UNIQUE: i32 = 2067;

/// Why one try of a transaction failed.
#[derive(Debug)]
pub(in crate::ledger) enum Fault {
    /// It met another transaction; nothing was changed, and it may be tried at once.
    Conflict(String),
    /// A row is in the way that was not there when we looked: a fresh look finds it, or it never fits.
    Taken(String),
    /// The connection failed, or the database: it is closed, and made anew before the next try.
    Broken(String),
    /// Server or pool has no room for this connection, which is closed; those that are there go on.
    Full(String),
    /// Trying at once does not help.
    Ledger(LedgerError),
}

impl Fault {
    /// Whether it may be tried at once, after so many tries.
    pub(super) fn may_pass(&self, tries: u32) -> bool {
        match self {
            Fault::Conflict(_) => tries < TRIES_MAX,
            Fault::Taken(_) => tries < TAKEN_TRIES_MAX,
            Fault::Broken(_) | Fault::Full(_) | Fault::Ledger(_) => false,
        }
    }

    /// What is told after the last try.
    pub(in crate::ledger) fn report(self) -> LedgerError {
        match self {
            Fault::Conflict(text) | Fault::Broken(text) | Fault::Full(text) => LedgerError::Unavailable(text),
            Fault::Taken(text) => LedgerError::Unstorable(text),
            Fault::Ledger(error) => error,
        }
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Fault::Ledger(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(code, text) => {
                let text = text.unwrap_or_else(|| code.to_string());
                of_sqlite(code.extended_code, text)
            }
            E::SqlInputError { error, msg, .. } => of_sqlite(error.extended_code, msg),
            E::ToSqlConversionFailure(_) => Fault::Ledger(LedgerError::Unstorable(error.to_string())),
            _ => Fault::Ledger(LedgerError::Corrupt(error.to_string())),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(told) = error.as_db_error() {
            return of_postgres(told.code().code(), told.message().to_owned());
        }
        // What the library says is where it was; why stands behind it.
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(why) = cause {
            text = format!("{text}: {why}");
            cause = why.source();
        }
        Fault::Broken(with_advice(text))
    }
}

/// Adds what to do about a certificate, or about hosts of which none is the primary.
fn with_advice(text: String) -> String {
    let ca = "set [ledger] ca (or sslmode=verify-full&sslrootcert=… in ledger.url) to its CA's PEM file";
    if text.contains("database does not allow writes") {
        return format!("{text}: {NO_WRITES}");
    }
    match certificates::advice(&text, ca, OWN) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// How a certificate of our own is named.
const OWN: &str = "set [ledger] client_cert and client_key (or sslcert and sslkey in ledger.url)";

/// What is done about a server that only reads.
const NO_WRITES: &str = "the database takes no writes: where it is a standby, name the primary in ledger.url, or both; else \
     end its maintenance (default_transaction_read_only)";

/// What is done about too few connections; `Some` where this is about that. The server has a code for it, and pgbouncer
/// one for all that it says.
fn full(code: &str, text: &str) -> Option<String> {
    let says = |words: &str| text.contains(words);
    let raise = match code {
        "53300" => "raise the server's max_connections (or the CONNECTION LIMIT of role or database)",
        "08P01" if says("query_wait_timeout") => {
            "no session was free in time; raise the pool's size (pgbouncer: default_pool_size)"
        }
        "08P01" if says("no more connections allowed") => {
            "raise the pool's limit (pgbouncer: max_client_conn)"
        }
        "08P01" if says("too many clients") || says("connection slots are reserved") => {
            "the pool gets no session of the server; raise the server's max_connections, or make the pool smaller"
        }
        _ => return None,
    };
    Some(format!("{text}: {raise}, or lower ledger.connections_max in each process that shares it"))
}

/// What server or pool say before a connection is there: nothing of it is the fault of a statement.
pub(super) fn of_connecting(error: tokio_postgres::Error) -> Fault {
    let Some(told) = error.as_db_error() else { return error.into() };
    let (code, text) = (told.code().code(), told.message());
    if let Some(text) = full(code, text) {
        return Fault::Full(text);
    }
    // What `options` set is unknown, of a wrong value, or not this role's to set.
    let of_options = matches!(code, "42704" | "42501" | "42601" | "22023" | "55P02");
    Fault::Broken(if of_options || text.contains("startup parameter") {
        format!(
            "{text}: take `options` out of ledger.url, and have it set for the role instead (ALTER ROLE … SET …); a pool lets \
             few of them through"
        )
    } else if code == "28000" && text.contains("certificate") {
        format!("{text}: it wants a client certificate whose name (CN) is the role's: {OWN}")
    } else {
        text.to_owned()
    })
}

/// By SQLSTATE: 40 is a conflict, and what the statement itself is to blame for is 22 (data), 23 (constraints), 54
/// (limits) and P0 (raised by a trigger). All else is the server, the session, or rights that somebody took away.
fn of_postgres(code: &str, text: String) -> Fault {
    if let Some(text) = full(code, &text) {
        return Fault::Full(text);
    }
    match (code, code.get(..2)) {
        ("23505", _) => Fault::Taken(text),
        ("40001" | "40P01", _) => Fault::Conflict(text),
        ("42501", _) => Fault::Broken(format!(
            "{text}: the role of ledger.url must own the ledger's tables, or have all rights on them and on their schema \
             (deploy/docs/managed.md)"
        )),
        ("25006", _) => Fault::Broken(format!("{text}: {NO_WRITES}")),
        (_, Some("22" | "23" | "54" | "P0")) => Fault::Ledger(LedgerError::Unstorable(text)),
        _ => Fault::Broken(text),
    }
}

/// By result code, whose low byte is the kind: 5 and 6 are busy; 18 (too big), 19 (constraint), 20 (mismatch) and 25
/// (range) the statement's own; all else is the file or the disk.
fn of_sqlite(code: i32, text: String) -> Fault {
    match (code, code & 0xff) {
        (SQLITE_PRIMARY_KEY | SQLITE_UNIQUE, _) => Fault::Taken(text),
        (_, 5 | 6) => Fault::Ledger(LedgerError::Unavailable(text)),
        (_, 18 | 19 | 20 | 25) => Fault::Ledger(LedgerError::Unstorable(text)),
        _ => Fault::Broken(text),
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault::Ledger(LedgerError::Corrupt(error.to_string()))
    }
}

/// A row this program cannot read.
pub(in crate::ledger) fn corrupt(text: impl Into<String>) -> Fault {
    Fault::Ledger(LedgerError::Corrupt(text.into()))
}

/// A request that does not fit what is recorded.
pub(in crate::ledger) fn refused(text: impl Into<String>) -> Fault {
    Fault::Ledger(LedgerError::Refused(text.into()))
}

/// Wait before try number `tries + 1`: a random part of a doubling span, so that those who met part ways.
pub(super) fn wait(tries: u32) -> Duration {
    WAIT.part(tries, 0.0, 1.0)
}
