//! The ledger of a role, opened when it can be: a server that is away is waited for, and said to be away once, loudly.
//! What no wait mends ends the process with words: a file that cannot be opened, a ledger of a newer program, another's
//! schema.

use std::{sync::Arc, time::Duration};

use daybridge::{
    clock,
    config::Config,
    ledger::{self, Ledger, LedgerError, Origin},
    provider::Readers,
    worker::Interpreter,
};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cli::{Failure, output::text::time};

/// A managed database may not let an ordinary role ask.
pub(in crate::cli) const FAILOVER_UNNOTICED: &str = "the database does not tell its timeline, so a failover is not noticed: let standbys be synchronous, or declare it with `daybridge ledger restored`";

/// Wait between tries to reach the ledger at start.
const RETRY: Duration = Duration::from_secs(2);

/// While it stays away, it is said again this often.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Waits for the ledger; with an interpreter where the console has pages. `None`: stopped before it came.
pub async fn ledger(
    config: &Config,
    stop: &CancellationToken,
) -> Result<Option<(Arc<Ledger>, Option<Interpreter>)>, Failure> {
    let url = config.ledger.url.resolve().map_err(|why| Failure::Usage(format!("ledger.url: {why}")))?;
    let server = url.expose_secret().starts_with("postgres");
    let mut said: Option<(String, Instant)> = None;
    loop {
        let tried = tokio::select! {
            () = stop.cancelled() => return Ok(None),
            tried = once(config) => tried,
        };
        let why = match tried {
            Err(Tried::Away(why)) if server => why,
            Err(Tried::Away(why)) => return Err(LedgerError::Unavailable(why).into()),
            Err(Tried::Never(failure)) => return Err(failure),
            Ok(opened) => {
                if said.is_some() {
                    tracing::info!("the ledger is there: the worker begins");
                }
                return Ok(Some(opened));
            }
        };
        if said.as_ref().is_none_or(|(before, at)| *before != why || at.elapsed() >= SAID_AGAIN) {
            tracing::error!(
                why,
                next = "start the database, or correct [ledger] url; nothing is lost meanwhile, and it goes on by itself",
                "the ledger is away: webhooks are queued, and nothing is recorded or called until it comes"
            );
            said = Some((why, Instant::now()));
        }
        let _ = tokio::time::timeout(RETRY, stop.cancelled()).await;
    }
}

/// Why one try did not open it.
enum Tried {
    /// Another one may.
    Away(String),
    /// None will.
    Never(Failure),
}

impl From<LedgerError> for Tried {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Unavailable(why) => Tried::Away(why),
            LedgerError::Newer { .. }
            | LedgerError::Refused(_)
            | LedgerError::Unstorable(_)
            | LedgerError::Corrupt(_)
            | LedgerError::Missing(_) => Tried::Never(error.into()),
        }
    }
}

async fn once(config: &Config) -> Result<(Arc<Ledger>, Option<Interpreter>), Tried> {
    let ledger = ledger::open(&config.ledger).await?;
    say_if_new(ledger.as_ref()).await?;
    let interpreter = match config.console.has_pages() {
        true => Some(interpreter(config, ledger.as_ref()).await?),
        false => None,
    };
    Ok((ledger, interpreter))
}

/// What bodies mean by the settings of today.
async fn interpreter(config: &Config, ledger: &Ledger) -> Result<Interpreter, Tried> {
    let readers = Readers::new(config).map_err(|error| Tried::Never(error.into()))?;
    let looking = Interpreter::looking(config, ledger, Arc::new(readers), clock::now_ms());
    looking.await.map_err(|error| match error.downcast::<LedgerError>() {
        Ok(error) => error.into(),
        Err(error) => Tried::Never(error.into()),
    })
}

/// An empty ledger is the first one, or stands where another one was expected: a disk that is not mounted.
async fn say_if_new(ledger: &Ledger) -> Result<(), LedgerError> {
    let Origin { made_at, grants_since, empty, place, failover_unnoticed } = ledger.origin().await?;
    if failover_unnoticed {
        tracing::warn!(ledger = place, "{FAILOVER_UNNOTICED}");
    }
    if let (Some(made_at), Some(since), true) = (made_at, grants_since, empty) {
        tracing::warn!(
            ledger = place,
            made_at = time(made_at),
            grants_since = time(since),
            "made a new ledger: what was paid before is held with cause before_ledger; if there was one, stop and put it back (is its disk mounted?); if you migrate, `daybridge ledger adopt --since TIME`"
        );
    }
    Ok(())
}
