//! A PostgreSQL that takes nobody without TLS and a client certificate, as a company's or a managed one does.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use daybridge::{
    config,
    ledger::{self, Ledger, LedgerError},
};

use super::kit::settings;
use crate::support::{
    authority::{Authority, Issued, shown},
    postgres::{Own, sql},
    wait::until,
};

/// A key that its owner alone may use.
fn closed(issued: Issued) -> Issued {
    fs::set_permissions(&issued.key, fs::Permissions::from_mode(0o600)).unwrap();
    issued
}

fn with(url: &str, ca: Option<&Path>, own: Option<(&Path, &Path)>) -> config::LedgerSettings {
    config::LedgerSettings {
        ca: ca.map(Path::to_owned),
        client_cert: own.map(|(cert, _)| cert.to_owned()),
        client_key: own.map(|(_, key)| key.to_owned()),
        ..settings(url)
    }
}

/// Why it cannot be used; `check` and a start say the same.
async fn why(settings: &config::LedgerSettings) -> String {
    let looked = ledger::look(settings).await.unwrap_err().to_string();
    assert_eq!(Ledger::open(settings).await.unwrap_err().to_string(), looked);
    looked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_ca_and_a_client_certificate() {
    let authority = Authority::new();
    let of_server = authority.issue("database", "DNS:localhost,IP:127.0.0.1");
    let ca = authority.ca();
    let server = tokio::task::spawn_blocking(move || {
        let server = Own::stopped();
        server.asks_for_certificates(&ca, &of_server.cert, &of_server.key);
        server.start();
        server
    });
    let server = server.await.unwrap();
    let ca = authority.ca();
    // Its name is the role's.
    let client = closed(authority.issue("daybridge", "DNS:daybridge"));
    let own = Some((&*client.cert, &*client.key));
    let url = server.url();

    // By the settings: with a CA, certificate and name are checked without a further word.
    let ledger = Ledger::open(&with(&url, Some(&ca), own)).await.unwrap();
    ledger.health().await.unwrap();
    let other_name = with(&url.replace("127.0.0.1", "127.0.0.2"), Some(&ca), own);
    assert!(why(&other_name).await.contains("another name"));

    // By the URL, as ever, and of both; a key in the URL may have whatever rights it had.
    let open_key = client.key.with_extension("open");
    fs::copy(&client.key, &open_key).unwrap();
    fs::set_permissions(&open_key, fs::Permissions::from_mode(0o644)).unwrap();
    let cert = shown(&client.cert);
    let by_url = format!(
        "{url}?sslmode=verify-full&sslrootcert={}&sslcert={cert}&sslkey={}",
        shown(&ca),
        shown(&open_key)
    );
    for settings in [settings(&by_url), with(&format!("{url}?sslcert={cert}"), Some(&ca), own)] {
        Ledger::open(&settings).await.unwrap().health().await.unwrap();
    }

    // What is missing is named, with its setting.
    let said = why(&with(&format!("{url}?sslmode=verify-full"), None, own)).await;
    assert!(said.contains("UnknownIssuer") && said.contains("[ledger] ca"), "{said}");
    let said = why(&with(&url, Some(&ca), None)).await;
    assert!(said.contains("client certificate") && said.contains("[ledger] client_cert"), "{said}");
    let stranger = closed(authority.issue("stranger", "DNS:stranger"));
    let said = why(&with(&url, Some(&ca), Some((&stranger.cert, &stranger.key)))).await;
    assert!(said.contains("whose name (CN) is the role's"), "{said}");

    // The files are read for each connection.
    let renewed = client.key.with_extension("renewed");
    fs::copy(&client.key, &renewed).unwrap();
    let ledger = Ledger::open(&with(&url, Some(&ca), Some((&client.cert, &renewed)))).await.unwrap();
    fs::write(&renewed, "s3cret").unwrap();
    let admin = format!("{by_url}&sslkey={}", shown(&client.key))
        .replace(&format!("&sslkey={}", shown(&open_key)), "");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'daybridge'";
    sql(&admin, end);
    let said = until("a new connection", || async { ledger.health().await.err() }).await.to_string();
    assert!(said.contains("[ledger] client_key") && !said.contains("s3cret"), "{said}");
    fs::copy(&client.key, &renewed).unwrap();
    until("the renewed key is used", || async { ledger.health().await.ok() }).await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

/// Nothing is connected to.
#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_the_mend() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let client = closed(authority.issue("daybridge", "DNS:daybridge"));
    let other = closed(authority.issue("other", "DNS:other"));
    let no_pem = file("no.pem", "s3cret", 0o600);
    let open_key = file("open.key", &fs::read_to_string(&client.key).unwrap(), 0o604);
    let missing = folder.path().join("missing.pem");
    let ca = authority.ca();
    let url = "postgres://daybridge@127.0.0.1:1/x";
    let own = |cert: &Path, key: &Path| with(url, Some(&ca), Some((cert, key)));
    for (settings, place, to_do) in [
        (
            with(url, Some(&missing), None),
            format!("[ledger] ca: {}", shown(&missing)),
            "name a file that is there",
        ),
        (
            with(url, Some(folder.path()), None),
            format!("[ledger] ca: {}", shown(folder.path())),
            "name a PEM file",
        ),
        (with(url, Some(&no_pem), None), format!("[ledger] ca: {}", shown(&no_pem)), "BEGIN CERTIFICATE"),
        (
            with(url, Some(&client.key), None),
            format!("[ledger] ca: {}", shown(&client.key)),
            "BEGIN CERTIFICATE",
        ),
        (own(&no_pem, &client.key), format!("[ledger] client_cert: {}", shown(&no_pem)), "BEGIN CERTIFICATE"),
        (own(&client.cert, &no_pem), format!("[ledger] client_key: {}", shown(&no_pem)), "openssl pkey"),
        (
            own(&client.cert, &other.key),
            format!("[ledger] client_key: {}", shown(&other.key)),
            "belong together",
        ),
        (own(&client.cert, &open_key), format!("[ledger] client_key: {}", shown(&open_key)), "chmod o="),
        (
            settings(&format!("{url}?sslmode=verify-full&sslrootcert={}", shown(&missing))),
            format!("sslrootcert of ledger.url: {}", shown(&missing)),
            "name a file that is there",
        ),
    ] {
        let error = ledger::look(&settings).await.unwrap_err();
        assert!(matches!(error, LedgerError::Unavailable(_)), "{error}");
        let said = error.to_string();
        assert!(said.contains(&place) && said.contains(to_do) && !said.contains("s3cret"), "{said}");
    }
}
