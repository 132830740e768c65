//! The server that a URL names, and how it is reached.

use std::time::Duration;

use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::tls::{Checks, Tls};
use crate::{
    config::{self, ledger_server::Parameters},
    ledger::LedgerError,
};

/// Longest time to connect and be let in, and again for the first answer.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long the other end may be silent while something is on its way to it.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A server, and how it is reached.
#[derive(Clone)]
pub(in crate::ledger) struct Server {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Tls,
}

impl Server {
    /// By a URL whose parameters are known; no error quotes a value of it.
    pub(in crate::ledger) fn of(url: &str, settings: &config::LedgerSettings) -> Result<Self, LedgerError> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let parameters = Parameters::of(query, settings)
            .map_err(|why| LedgerError::Refused(format!("ledger.url {why}")))?;
        let parsed = format!("{place}{}", parameters.rest).parse();
        let mut config: tokio_postgres::Config = parsed.map_err(|_| {
            LedgerError::Refused(
                "the ledger's URL cannot be used: write it as postgres://user:password@host:5432/database"
                    .into(),
            )
        })?;
        let (mode, checks) = match parameters.mode() {
            "disable" | "allow" => (SslMode::Disable, Checks::Nothing),
            "prefer" => (SslMode::Prefer, Checks::Nothing),
            "verify-ca" => (SslMode::Require, Checks::Authority),
            "verify-full" => (SslMode::Require, Checks::Name),
            _ => (SslMode::Require, Checks::Nothing),
        };
        // So that of several hosts the last one has its turn, too, before the whole try ends.
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX).max(1);
        let turn = CONNECT_MAX.checked_div(hosts).unwrap_or(CONNECT_MAX);
        config.ssl_mode(mode).connect_timeout(turn).keepalives_idle(SILENCE_MAX);
        config.keepalives_interval(SILENCE_MAX / 3).keepalives_retries(3).tcp_user_timeout(SILENCE_MAX);
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            // A ledger is written to: of a primary and its standbys, it is the primary.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("daybridge");
        }
        Ok(Self { config, tls: Tls::of(parameters, checks) })
    }
}
