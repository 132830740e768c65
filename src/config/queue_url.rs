//! Where the queue is: a file on this machine, or one or more hosts of a RabbitMQ cluster.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::parameters::KnownParameters;

/// What may stand behind the `?` of an AMQP URL.
const PARAMETERS: KnownParameters = KnownParameters {
    taken: &["auth_mechanism", "channel_max"],
    elsewhere: &[
        ("heartbeat", "set [queue] heartbeat"),
        ("connection_timeout", "each host has 5 s"),
        ("frame_max", "frames are always 32 KiB"),
        ("cacertfile", "set [queue] ca"),
        ("certfile", "set [queue] client_cert"),
        ("keyfile", "set [queue] client_key"),
        ("verify", "the broker's certificate is always checked; set [queue] ca for a private CA"),
        ("server_name_indication", "the name in the URL must be one of the certificate's"),
    ],
};

/// `[queue] url`
#[derive(Clone)]
pub enum QueueUrl {
    /// A file; `None`: beside the ledger.
    Embedded(Option<PathBuf>),
    /// One AMQP URL per host of the cluster, tried in turn; each may hold a password.
    Amqp(Vec<SecretString>),
}

impl Default for QueueUrl {
    fn default() -> Self {
        Self::Embedded(None)
    }
}

impl std::fmt::Debug for QueueUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            QueueUrl::Embedded(path) => f.debug_tuple("Embedded").field(path).finish(),
            QueueUrl::Amqp(urls) => write!(f, "Amqp({} hosts)", urls.len()),
        }
    }
}

impl QueueUrl {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded(None));
        }
        if let Some(path) = text.strip_prefix("embedded:") {
            return Ok(Self::Embedded(Some(PathBuf::from(path))));
        }
        let Some((scheme, rest)) = text.split_once("://").filter(|(s, _)| matches!(*s, "amqp" | "amqps"))
        else {
            return Err("must be \"embedded\", \"embedded:/path\", \"amqp://…\" or \"amqps://…\"".into());
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (login, at, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login, "@", hosts),
            None => ("", "", authority),
        };
        if hosts.split(',').any(|host| host.trim().is_empty()) {
            return Err("names no host".into());
        }
        let (vhost, query) = path.split_once('?').unwrap_or((path, ""));
        PARAMETERS.check(query)?;
        if vhost == "/" {
            return Err(
                "ends in a / and so names the vhost with no name: leave the / out for the default vhost, or name \
                 one, as in amqp://host/daybridge"
                    .into(),
            );
        }
        Ok(Self::Amqp(
            hosts
                .split(',')
                .map(|host| format!("{scheme}://{login}{at}{}{path}", host.trim()).into())
                .collect(),
        ))
    }
}

impl<'de> Deserialize<'de> for QueueUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Zeroizing::new(String::deserialize(deserializer)?)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn one_url_per_cluster_host() {
        let amqp = |text| match QueueUrl::parse(text).unwrap() {
            QueueUrl::Amqp(urls) => urls.iter().map(|url| url.expose_secret().to_owned()).collect::<Vec<_>>(),
            QueueUrl::Embedded(path) => panic!("embedded {path:?}"),
        };
        let two = "amqp://g:p@a:1,b:2/%2f?auth_mechanism=plain";
        let one = |host| format!("amqp://g:p@{host}/%2f?auth_mechanism=plain");
        assert_eq!(amqp(two), [one("a:1"), one("b:2")]);
        assert_eq!(amqp("amqps://host"), ["amqps://host"]);
        let file = QueueUrl::parse("embedded:/q.db").unwrap();
        assert!(matches!(file, QueueUrl::Embedded(Some(path)) if path.as_os_str() == "/q.db"));
        for bad in ["", "redis://x", "amqp://", "amqp://a,,b/x"] {
            assert!(QueueUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_library_would_ignore_is_refused() {
        for (bad, want) in [
            ("amqp://a/x?heartbeat=60", "[queue] heartbeat"),
            ("amqps://a/x?cacertfile=/etc/ca.pem", "[queue] ca"),
            ("amqps://a/x?verify=verify_none", "always checked"),
            ("amqp://a/x?auth_mechanim=external", "did you mean `auth_mechanism`"),
            ("amqp://a?chanel_max=3", "did you mean `channel_max`"),
            ("amqp://g:s3cret?@a/x", "%3F"),
            ("amqp://a/", "vhost with no name"),
        ] {
            let why = QueueUrl::parse(bad).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(why.contains(want) && !why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
