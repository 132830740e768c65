//! What URL and settings say of a server and its certificate, beside what the library knows itself.

use std::fmt::Write as _;

use super::LedgerSettings;

/// A file, and where it is named.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// By the URL or by the settings.
    parameter: &'static str,
    setting: &'static str,
    /// Its path.
    pub(crate) value: String,
    /// Whether the settings name it, and the URL does not.
    pub(crate) is_setting: bool,
}

impl Named {
    /// Where it is named, for people.
    pub(crate) fn name(&self) -> String {
        match self.is_setting {
            true => format!("[ledger] {}", self.setting),
            false => format!("{} of ledger.url", self.parameter),
        }
    }
}

/// What the library does not know of a URL, by libpq's names and by sqlx's, with what the settings say beside it.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) mode: Option<String>,
    pub(crate) ca: Option<Named>,
    pub(crate) client_cert: Option<Named>,
    pub(crate) client_key: Option<Named>,
    /// All other parameters, as the library reads them.
    pub(crate) rest: String,
}

impl Parameters {
    /// Refuses a file that the two name differently; the error never quotes a value.
    pub(crate) fn of(query: &str, settings: &LedgerSettings) -> Result<Self, String> {
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
    pub(crate) fn mode(&self) -> &str {
        match &self.ca {
            Some(ca) if ca.is_setting => self.mode.as_deref().unwrap_or("verify-full"),
            _ => self.mode.as_deref().unwrap_or("prefer"),
        }
    }
}
