//! Logs: pretty on a terminal, JSON lines otherwise, on standard error. `RUST_LOG` sets the level; without it
//! roles log from `info`, commands that answer on standard output from `warn`.
//!
//! Every line about a delivery or a transfer carries `trace`, the request's id, and its key. Bodies,
//! signatures, secrets and tokens are never given to a log call.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::terminal::LogWriter;

/// What libraries may say at most, whatever `RUST_LOG` asks for: their errors reach the operator through ours,
/// and at finer levels they print heads, frames and statements, with signatures, passwords and bodies in them.
fn most() -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("daybridge", LevelFilter::TRACE)
        .with_target("lapin", LevelFilter::OFF)
        .with_target("actix_http", LevelFilter::OFF)
}

/// Starts logging for the process from this level; a second call changes nothing.
pub fn start(level: tracing::Level) {
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level.to_string()));
    let lines = if std::io::stderr().is_terminal() {
        let lines = fmt::layer().with_writer(|| LogWriter(std::io::stderr()));
        lines.with_target(false).compact().boxed()
    } else {
        fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed()
    };
    let _ = tracing_subscriber::registry().with(most()).with(asked).with(lines).try_init();
}
