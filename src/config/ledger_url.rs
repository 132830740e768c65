//! What a ledger's URL may say, and the certificates beside it.

use super::{
    LedgerSettings,
    ledger_server::Parameters,
    parameters::{KnownParameters, nearest},
};

/// Parameters of PostgreSQL's URL.
const POSTGRES: KnownParameters = KnownParameters {
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
        ("pgbouncer", "a pool needs no word here"),
    ],
};

/// SQLite's has none: a file is opened in the one way that keeps it safe.
const SQLITE: KnownParameters =
    KnownParameters { taken: &[], elsewhere: &[("mode", "the file is made where it is missing")] };

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Checks scheme, parameters and certificates; the error never quotes a value.
pub fn check(url: &str, settings: &LedgerSettings) -> Result<(), String> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    if place.starts_with("sqlite:") {
        if settings.ca.is_some() || settings.client_cert.is_some() || settings.client_key.is_some() {
            return Err("names a file, and [ledger] ca, client_cert and client_key are for PostgreSQL: leave them out"
                .into());
        }
        return SQLITE.check(query);
    }
    if !place.starts_with("postgres://") && !place.starts_with("postgresql://") {
        return Err("must begin with sqlite: or postgres://, as in sqlite:daybridge.db".into());
    }
    POSTGRES.check(query)?;
    tls(&Parameters::of(query, settings)?)
}

/// A mode that is one, and that looks at the CA and shows the certificate where one is named.
fn tls(parameters: &Parameters) -> Result<(), String> {
    let mode = parameters.mode();
    if !SSL_MODES.contains(&mode) {
        let nearest = nearest(mode, &SSL_MODES).unwrap_or_default();
        let all = SSL_MODES.join(", ");
        return Err(format!("has an unknown sslmode; did you mean `{nearest}`? ({all})"));
    }
    if let Some(ca) = &parameters.ca
        && !mode.starts_with("verify-")
    {
        let where_named = if ca.is_setting { "has a CA in [ledger] ca" } else { "names a CA" };
        return Err(format!(
            "{where_named}, and sslmode {mode} checks no certificate: write sslmode=verify-full"
        ));
    }
    match (&parameters.client_cert, &parameters.client_key) {
        (Some(_), None) | (None, Some(_)) => Err(
            "needs a client certificate and its key together: set [ledger] client_cert and client_key (or sslcert and \
             sslkey in the URL)"
                .into(),
        ),
        (Some(_), Some(_)) if ["disable", "allow"].contains(&mode) => Err(format!(
            "has a client certificate, and with sslmode {mode} there is no TLS to show it in: write sslmode=verify-full"
        )),
        _ => Ok(()),
    }
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
            assert_eq!(check(good, &LedgerSettings::default()), Ok(()), "{good}");
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
            ("postgres://u:s3cret@h/db?prepared_statements=false", "unknown parameter"),
            (
                "postgres://u:s3cret@h/db?target_sesion_attrs=read-write",
                "did you mean `target_session_attrs`",
            ),
            ("postgres://u:s3cret@h/db?pgbouncer=true", "does nothing here"),
            ("postgres://u:s3cret@h/db?sslcert=/c.pem", "client_key"),
        ] {
            let why = check(bad, &LedgerSettings::default()).unwrap_err();
            assert!(why.contains(want) && !why.contains("s3cret"), "{bad}: {why}");
        }
    }

    #[test]
    fn url_and_settings_name_the_same_certificates() {
        let ledger = |ca: &str, cert: &str, key: &str| {
            let path = |path: &str| (!path.is_empty()).then(|| path.into());
            LedgerSettings {
                ca: path(ca),
                client_cert: path(cert),
                client_key: path(key),
                ..Default::default()
            }
        };
        for (good, settings) in [
            ("postgres://u@h/db", ledger("/ca", "/cert", "/key")),
            ("postgres://u@h/db?sslmode=verify-ca", ledger("/ca", "", "")),
            ("postgres://u@h/db?sslmode=verify-full&sslrootcert=%2Fca", ledger("/ca", "", "")),
            ("postgres://u@h/db?sslcert=/cert", ledger("", "", "/key")),
        ] {
            assert_eq!(check(good, &settings), Ok(()), "{good}");
        }
        for (bad, settings, want) in [
            ("sqlite:a.db", ledger("/ca", "", ""), "for PostgreSQL"),
            (
                "postgres://u@h/db?sslmode=verify-full&sslrootcert=/s3cret",
                ledger("/ca", "", ""),
                "[ledger] ca",
            ),
            ("postgres://u@h/db?sslcert=/s3cret", ledger("", "/cert", "/key"), "[ledger] client_cert"),
            ("postgres://u@h/db?sslkey=/s3cret", ledger("", "/cert", "/key"), "[ledger] client_key"),
            ("postgres://u@h/db", ledger("", "/cert", ""), "together"),
            ("postgres://u@h/db?sslmode=require", ledger("/ca", "", ""), "checks no certificate"),
            ("postgres://u@h/db?sslmode=disable", ledger("", "/cert", "/key"), "no TLS"),
        ] {
            let why = check(bad, &settings).unwrap_err();
            assert!(why.contains(want) && !why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
