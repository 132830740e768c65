//! What a ledger's URL may say.

use crate::config::parameters::{Known, nearest};

/// Parameters of PostgreSQL's URL.
const POSTGRES: Known = Known {
    taken: &[
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
        "target_session_attrs",
        "statement-cache-capacity",
        "ssl-mode",
        "ssl-root-cert",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
    ],
    elsewhere: &[
        ("connect_timeout", "a connection has 10 s"),
        ("channel_binding", "use sslmode=verify-full, which checks the server"),
        ("gssencmode", "use sslmode"),
        ("sslcrl", "revoked certificates are not looked up; let them be short-lived"),
        ("keepalives", "a connection that does not answer is made anew"),
        ("pgbouncer", "pool in session mode, with as many connections as `connections_max` of all processes"),
    ],
};

/// SQLite's has none: a file is opened in the one way that keeps it safe.
const SQLITE: Known = Known { taken: &[], elsewhere: &[("mode", "the file is made where it is missing")] };

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Checks scheme and parameters; the error never quotes a value.
pub fn check(url: &str) -> Result<(), String> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    if place.starts_with("sqlite:") {
        return SQLITE.check(query);
    }
    if !place.starts_with("postgres://") && !place.starts_with("postgresql://") {
        return Err("must begin with sqlite: or postgres://, as in sqlite:daybridge.db".into());
    }
    POSTGRES.check(query)?;
    tls(query)
}

/// A mode that is one, and that looks at the CA where one is named.
fn tls(query: &str) -> Result<(), String> {
    let value = |names: [&str; 3]| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| names.contains(&&**name)).map(|(_, value)| value.into_owned())
    };
    let mode = value(["sslmode", "ssl-mode", "ssl-mode"]).unwrap_or_else(|| "prefer".into());
    if !SSL_MODES.contains(&mode.as_str()) {
        let nearest = nearest(&mode, &SSL_MODES).unwrap_or_default();
        let all = SSL_MODES.join(", ");
        return Err(format!("has an unknown sslmode; did you mean `{nearest}`? ({all})"));
    }
    if value(["sslrootcert", "ssl-root-cert", "ssl-ca"]).is_some() && !mode.starts_with("verify-") {
        return Err(format!(
            "names a CA, and sslmode {mode} checks no certificate: write sslmode=verify-full"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_ignored_is_refused() {
        for good in [
            "sqlite:daybridge.db",
            "sqlite:///var/lib/x.db",
            "postgres://u:p@h:5432/db",
            "postgresql://u@h/db?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
            "postgres://u:p@a:5432,b:5433/db?target_session_attrs=read-write",
            "postgres://u@localhost/db?host=/run/postgresql&options[search_path]=x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, want) in [
            ("mysql://u:s3cret@h/x", "sqlite: or postgres://"),
            ("sqlite:a.db?mode=ro", "the file is made"),
            ("sqlite:a.db?cache=shared", "takes none"),
            ("postgres://u:s3cret@h/db?sslmod=verify-full", "did you mean `sslmode`"),
            ("postgres://u:s3cret@h/db?sslmode=verify_full", "did you mean `verify-full`"),
            ("postgres://u:s3cret@h/db?ssl_rootcert=/x", "did you mean `sslrootcert`"),
            ("postgres://u:s3cret@h/db?sslmode=require&sslrootcert=/ca.pem", "checks no certificate"),
            ("postgres://u:s3cret@h/db?sslrootcert=/ca.pem", "write sslmode=verify-full"),
            ("postgres://u:s3cret?x@a/db", "%3F"),
        ] {
            let why = check(bad).unwrap_err();
            assert!(why.contains(want) && !why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
