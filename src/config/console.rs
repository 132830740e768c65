//! `[console]`: who may look, and who may act.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::Secret;

/// Longest name of a user, in bytes.
pub const USER_BYTES_MAX: usize = 64;

/// How a hash that `daybridge console password` prints begins.
pub const HASH_BEGINS: &str = "$argon2id$";

/// `[console]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSettings {
    /// `host:port` of the console, `/healthz`, `/readyz` and `/metrics`; never public.
    pub listen: String,
    /// Names by which it may be opened, without port, beside this machine's own (`localhost`, loopback addresses) and the
    /// one in `listen`. A page of a stranger can give its own name this machine's address; it cannot give it one of these.
    pub hosts: Vec<String>,
    /// Who may log in, by name. Without any, and without `proxy_user_header`, there are no pages.
    pub users: BTreeMap<String, User>,
    /// Longest time from login to logout.
    #[serde(with = "humantime_serde")]
    pub session: Duration,
    /// Longest time without a request before a login ends.
    #[serde(with = "humantime_serde")]
    pub session_idle: Duration,
    /// Whether the cookie travels over TLS alone; off only where the console is opened by plain HTTP.
    pub secure_cookie: bool,
    /// Header in which a reverse proxy of `[server] trusted_proxies` names the user it has authenticated.
    pub proxy_user_header: Option<String>,
    /// Those of its users who may act; everybody else may look.
    pub proxy_operators: Vec<String>,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8081".into(),
            hosts: Vec::new(),
            users: BTreeMap::new(),
            session: Duration::from_secs(12 * 3600),
            session_idle: Duration::from_secs(3600),
            secure_cookie: true,
            proxy_user_header: None,
            proxy_operators: Vec::new(),
        }
    }
}

impl ConsoleSettings {
    /// Whether anybody can come in; there are no pages otherwise.
    pub fn has_pages(&self) -> bool {
        !self.users.is_empty() || self.proxy_user_header.is_some()
    }

    /// What does not fit together, a sentence each.
    pub(super) fn contradictions(&self, trusted_proxies: &[String], wrong: &mut Vec<String>) {
        let mut refuse = |bad: bool, text: String| {
            if bad {
                wrong.push(text);
            }
        };
        for host in &self.hosts {
            refuse(
                !is_host(host),
                format!(
                    "console.hosts: {host:?} is no name of a host; write it as in the browser, without scheme and port"
                ),
            );
        }
        for (name, user) in &self.users {
            refuse(
                !is_user(name),
                format!("console.users.{name}: use letters, digits and . _ - @ in a name"),
            );
            refuse(
                user.password.begins_otherwise(HASH_BEGINS),
                format!(
                    "console.users.{name}.password must be a hash, not the password: run `daybridge console password`"
                ),
            );
        }
        refuse(self.session.is_zero(), "console.session must be more than 0s".into());
        refuse(
            self.session_idle.is_zero() || self.session_idle > self.session,
            "console.session_idle must be more than 0s and at most console.session".into(),
        );
        if let Some(header) = &self.proxy_user_header {
            refuse(
                actix_web::http::header::HeaderName::try_from(header.as_str()).is_err(),
                format!("console.proxy_user_header: {header:?} is no name of a header"),
            );
            refuse(
                trusted_proxies.is_empty(),
                "console.proxy_user_header is believed from server.trusted_proxies only, and that is empty"
                    .into(),
            );
        }
        refuse(
            self.proxy_user_header.is_none() && !self.proxy_operators.is_empty(),
            "console.proxy_operators needs console.proxy_user_header".into(),
        );
    }
}

/// Whether a text can be a host's name or address.
fn is_host(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let address = || host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
    (!host.is_empty() && host.bytes().all(plain)) || address()
}

/// Whether a text can be a user's name.
pub fn is_user(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@');
    !name.is_empty() && name.len() <= USER_BYTES_MAX && name.bytes().all(plain)
}

/// `[console.users.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The hash that `daybridge console password` prints.
    pub password: Secret,
    /// What the user may do.
    pub role: Role,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    ReadOnly,
    /// Look and decide.
    Operator,
}

impl Role {
    /// The word in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::ReadOnly => "read-only",
            Role::Operator => "operator",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{check::contradictions, load::parse};

    fn wrong(text: &str) -> Vec<String> {
        contradictions(&parse(text, Vec::new()).unwrap())
    }

    #[test]
    fn a_typed_password_is_refused_and_not_quoted() {
        let told = wrong("[console.users.ada]\npassword = \"hunter2\"\nrole = \"operator\"").join(" ");
        assert!(told.contains("run `daybridge console password`") && !told.contains("hunter2"), "{told}");
        assert!(wrong("[console.users.ada]\npassword = \"$argon2id$x\"\nrole = \"operator\"").is_empty());
        assert!(wrong("[console.users.ada]\npassword = { env = \"X\" }\nrole = \"read-only\"").is_empty());
    }

    #[test]
    fn an_unknown_role_is_named() {
        let text = "[console.users.ada]\npassword = \"$argon2id$x\"\nrole = \"root\"";
        let told = parse(text, Vec::new()).unwrap_err();
        assert!(told.contains("console.users.ada.role") && told.contains("operator"), "{told}");
    }

    #[test]
    fn a_proxys_word_needs_a_trusted_proxy() {
        let told = wrong("[server]\ntrusted_proxies = []\n[console]\nproxy_user_header = \"x-remote-user\"")
            .join(" ");
        assert!(told.contains("trusted_proxies"), "{told}");
        for host in ["", "https://console.example.com", "console.example.com:8443", "*"] {
            assert_eq!(wrong(&format!("[console]\nhosts = [{host:?}]")).len(), 1, "{host}");
        }
        assert!(wrong("[console]\nhosts = [\"console.example.com\", \"10.0.0.5\", \"fd00::5\"]").is_empty());
        assert_eq!(wrong("[console]\nproxy_operators = [\"ada\"]").len(), 1);
        assert_eq!(wrong("[console]\nproxy_user_header = \"a b\"").len(), 1);
        assert_eq!(wrong("[console]\nsession = \"1h\"\nsession_idle = \"2h\"").len(), 1);
        assert_eq!(
            wrong("[console.users.\"a b\"]\npassword = \"$argon2id$x\"\nrole = \"operator\"").len(),
            1
        );
    }
}
