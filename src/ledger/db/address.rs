//! The server that a URL names, and what URL and settings say of its certificate.

use std::{fmt::Write as _, time::Duration};

use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::{
    postgres::CONNECT_MAX,
    tls::{Checks, Tls},
};
use crate::{config, ledger::LedgerError};

/// How long the other end may be silent while something is on its way to it.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A server, and how it is reached.
#[derive(Clone)]
pub(in crate::ledger) struct Server {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Tls,
}

/// A file, and where it is named.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Named {
    /// By the URL or by the settings.
    parameter: &'static str,
    setting: &'static str,
    /// Its path.
    pub(in crate::ledger) value: String,
    /// Whether the settings name it, and the URL does not.
    pub(in crate::ledger) is_setting: bool,
}

impl Named {
    /// Where it is named, for people.
    pub(in crate::ledger) fn name(&self) -> String {
        match self.is_setting {
            true => format!("[ledger] {}", self.setting),
            false => format!("{} of ledger.url", self.parameter),
        }
    }
}

/// What the library does not know of a URL, by libpq's names and by sqlx's, with what the settings say beside it.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Parameters {
    pub(in crate::ledger) mode: Option<String>,
    pub(in crate::ledger) ca: Option<Named>,
    pub(in crate::ledger) client_cert: Option<Named>,
    pub(in crate::ledger) client_key: Option<Named>,
    /// All other parameters, as the library reads them.
    rest: String,
}

impl Parameters {
    /// Refuses a file that the two name differently; the error never quotes a value.
    pub(in crate::ledger) fn of(query: &str, settings: &config::Ledger) -> Result<Self, String> {
        let mut all = Self::default();
        let (mut ca, mut client_cert, mut client_key) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "sslmode" | "ssl-mode" => all.mode = Some(value),
                "sslrootcert" | "ssl-root-cert" | "ssl-ca" => ca = Some(value),
                "sslcert" | "ssl-cert" => client_cert = Some(value),
                "sslkey" | "ssl-key" => client_key = Some(value),
                // Of the library that was here before.
                "statement-cache-capacity" => {}
                _ => {
                    let pair =
                        form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
                    let joint = if all.rest.is_empty() { '?' } else { '&' };
                    let _ = write!(all.rest, "{joint}{}", pair.replace('+', "%20"));
                }
            }
        }
        let one = |parameter, setting, typed: Option<String>, set: &Option<std::path::PathBuf>| {
            let set = set.as_ref().map(|path| path.display().to_string());
            let is_setting = typed.is_none();
            match (typed, set) {
                (Some(typed), Some(set)) if typed != set => Err(format!(
                    "says another file in {parameter} than [ledger] {setting}: leave one of the two out"
                )),
                (typed, set) => {
                    let value = typed.or(set);
                    Ok(value.map(|value| Named { parameter, setting, value, is_setting }))
                }
            }
        };
        all.ca = one("sslrootcert", "ca", ca, &settings.ca)?;
        all.client_cert = one("sslcert", "client_cert", client_cert, &settings.client_cert)?;
        all.client_key = one("sslkey", "client_key", client_key, &settings.client_key)?;
        Ok(all)
    }

    /// The mode; a CA that the settings name is there to be looked at.
    pub(in crate::ledger) fn mode(&self) -> &str {
        match &self.ca {
            Some(ca) if ca.is_setting => self.mode.as_deref().unwrap_or("verify-full"),
            _ => self.mode.as_deref().unwrap_or("prefer"),
        }
    }
}

impl Server {
    /// By a URL whose parameters are known; no error quotes a value of it.
    pub(in crate::ledger) fn of(url: &str, settings: &config::Ledger) -> Result<Self, LedgerError> {
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
