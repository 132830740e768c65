//! What a database says, turned into what the caller may do: try the transaction again, or report.

use std::time::Duration;

use crate::ledger::LedgerError;

/// Most tries of one transaction that met others.
pub(super) const TRIES_MAX: u32 = 40;

/// Longest wait before the first retry, in ms; it grows with each try up to [`WAIT_MS_MAX`].
const WAIT_MS: u64 = 5;

/// Longest wait before a retry, in ms. 40 tries take at most about 6 s.
const WAIT_MS_MAX: u64 = 160;

/// Why one try of a transaction failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It met another transaction; nothing was changed, and it may be tried at once.
    Conflict(String),
    /// Trying at once does not help.
    Ledger(LedgerError),
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Fault::Ledger(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        if let E::Database(database) = &error {
            let code = database.code();
            // Serialization failure, deadlock; and a row that another transaction wrote between our look
            // and our write, which a fresh look will find.
            let met = matches!(code.as_deref(), Some("40001" | "40P01")) || database.is_unique_violation();
            let text = database.message().to_owned();
            return if met { Fault::Conflict(text) } else { Fault::Ledger(LedgerError::Unavailable(text)) };
        }
        if matches!(&error, E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_)) {
            return Fault::Ledger(LedgerError::Corrupt(error.to_string()));
        }
        let text = match &error {
            E::PoolTimedOut => "every connection is busy, or none can be made".to_owned(),
            // Its text may quote parts of the URL, and with them a password.
            E::Configuration(_) => "the ledger's URL cannot be used".to_owned(),
            _ => error.to_string(),
        };
        Fault::Ledger(LedgerError::Unavailable(text))
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
    ($once:expr) => {{
        let mut tries = 0_u32;
        loop {
            match $once.await {
                Ok(done) => break Ok(done),
                Err($crate::ledger::sql::fault::Fault::Ledger(error)) => break Err(error),
                Err($crate::ledger::sql::fault::Fault::Conflict(text)) => {
                    tries = tries.saturating_add(1);
                    if tries >= $crate::ledger::sql::fault::TRIES_MAX {
                        break Err(LedgerError::Unavailable(text));
                    }
                    $crate::ledger::sql::fault::wait(tries).await;
                }
            }
        }
    }};
}
pub(super) use retry;
