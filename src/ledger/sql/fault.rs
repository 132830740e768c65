//! What a database says, turned into what the caller may do: try the transaction again, or report.

use std::time::Duration;

use crate::{ledger::LedgerError, outbound::certificates};

/// Most tries of one transaction that met others.
pub(super) const TRIES_MAX: u32 = 40;

/// Longest wait before the first retry, in ms; it grows with each try up to [`WAIT_MS_MAX`].
const WAIT_MS: u64 = 5;

/// Longest wait before a retry, in ms. 40 tries take at most about 6 s.
const WAIT_MS_MAX: u64 = 160;

/// Characters of an SQLSTATE; SQLite's codes are shorter numbers.
const SQLSTATE_CHARS: usize = 5;

/// Why one try of a transaction failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It met another transaction; nothing was changed, and it may be tried at once.
    Conflict(String),
    /// A row is in the way that was not there when we looked: a fresh look finds it, or it never fits.
    Taken(String),
    /// The connection failed, or the database: it is closed, and made anew before the next try.
    Broken(String),
    /// Trying at once does not help.
    Ledger(LedgerError),
}

impl Fault {
    /// Whether it may be tried at once.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Fault::Conflict(_) | Fault::Taken(_))
    }

    /// What is told after the last try.
    pub(super) fn report(self) -> LedgerError {
        match self {
            Fault::Conflict(text) | Fault::Broken(text) => LedgerError::Unavailable(text),
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

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(database) => {
                let text = database.message().to_owned();
                match database.code() {
                    Some(_) if database.is_unique_violation() => Fault::Taken(text),
                    Some(code) if code.len() == SQLSTATE_CHARS => of_postgres(&code, text),
                    Some(code) => of_sqlite(&code, text),
                    None => Fault::Broken(text),
                }
            }
            E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) | E::RowNotFound => {
                Fault::Ledger(LedgerError::Corrupt(error.to_string()))
            }
            E::Encode(_) => Fault::Ledger(LedgerError::Unstorable(error.to_string())),
            E::PoolTimedOut => Fault::Ledger(LedgerError::Unavailable(
                "every connection is busy, or none can be made".to_owned(),
            )),
            // Its text may quote parts of the URL, and with them a password.
            E::Configuration(_) => {
                Fault::Ledger(LedgerError::Unavailable("the ledger's URL cannot be used".to_owned()))
            }
            _ => Fault::Broken(with_advice(error.to_string())),
        }
    }
}

/// Adds what to do about a certificate.
fn with_advice(text: String) -> String {
    let ca = "add sslmode=verify-full&sslrootcert=/path/to/ca.pem to ledger.url";
    let own = "add sslcert=/path/cert.pem&sslkey=/path/key.pem to ledger.url";
    match certificates::advice(&text, ca, own) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// By SQLSTATE: 40 is a conflict, and what the statement itself is to blame for is 22 (data), 23 (constraints), 54
/// (limits) and P0 (raised by a trigger). All else is the server, the session, or rights that somebody took away.
fn of_postgres(code: &str, text: String) -> Fault {
    match (code, code.get(..2)) {
        ("40001" | "40P01", _) => Fault::Conflict(text),
        ("42501", _) => Fault::Broken(format!(
            "{text}: the role of ledger.url must own the ledger's tables, or have all rights on them and on their schema \
             (deploy/managed.md)"
        )),
        ("25006", _) => Fault::Broken(format!(
            "{text}: the database takes no writes; it is a standby, or default_transaction_read_only is on"
        )),
        (_, Some("22" | "23" | "54" | "P0")) => Fault::Ledger(LedgerError::Unstorable(text)),
        _ => Fault::Broken(text),
    }
}

/// By result code, whose low byte is the kind: 5 and 6 are busy; 18 (too big), 19 (constraint), 20 (mismatch) and 25
/// (range) the statement's own; all else is the file or the disk.
fn of_sqlite(code: &str, text: String) -> Fault {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Fault::Ledger(LedgerError::Unavailable(text)),
        Ok(18 | 19 | 20 | 25) => Fault::Ledger(LedgerError::Unstorable(text)),
        _ => Fault::Broken(text),
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault::Ledger(LedgerError::Corrupt(error.to_string()))
    }
}

/// A row this program cannot read.
pub(super) fn corrupt(text: impl Into<String>) -> Fault {
    Fault::Ledger(LedgerError::Corrupt(text.into()))
}

/// A request that does not fit what is recorded.
pub(super) fn refused(text: impl Into<String>) -> Fault {
    Fault::Ledger(LedgerError::Refused(text.into()))
}

/// Waits before try number `tries + 1`: a random part of a doubling span, so that those who met part ways.
pub(super) async fn wait(tries: u32) {
    let span = WAIT_MS.saturating_mul(1 << tries.min(5)).min(WAIT_MS_MAX);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=span))).await;
}

/// Tries a transaction until it meets nobody, at most [`TRIES_MAX`] times.
macro_rules! retry {
    ($ledger:ident.$($once:tt)+) => {{
        let mut tries = 0_u32;
        loop {
            let fault = match $ledger.$($once)+.await {
                Ok(done) => break Ok(done),
                Err(fault) => fault,
            };
            if matches!(fault, $crate::ledger::sql::fault::Fault::Broken(_)) {
                $ledger.failures.note();
            }
            tries = tries.saturating_add(1);
            if !fault.may_pass() || tries >= $crate::ledger::sql::fault::TRIES_MAX {
                break Err(fault.report());
            }
            $crate::ledger::sql::fault::wait(tries).await;
        }
    }};
}
pub(super) use retry;
