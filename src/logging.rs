//! Logs: pretty on a terminal, JSON lines otherwise, on standard error. `RUST_LOG` sets the level; without it
//! roles log from `info`, commands that answer on standard output from `warn`.
//!
//! Every line about a delivery or a transfer carries `trace`, the request's id, and its key. Bodies,
//! signatures, secrets and tokens are never given to a log call.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt};

/// What libraries may say: their errors reach the operator through ours. sqlx warns of each transaction that met
/// another and was tried again.
const LIBRARIES: &str = "lapin=off,sqlx=off,actix_http=off,actix_server=warn";

/// Starts logging for the process from this level; a second call changes nothing.
pub fn start(level: tracing::Level) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{LIBRARIES}")));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        let _ = builder.with_target(false).compact().try_init();
    } else {
        let _ = builder.json().flatten_event(true).try_init();
    }
}
