//! A SQLite file that cannot be the ledger, and a server that is not there: the sentence says what to do.

use daybridge::ledger::{Ledger, LedgerError};

use super::kit::settings;

async fn refusal(url: &str) -> String {
    let error = Ledger::open(&settings(url)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unavailable(_) | LedgerError::Refused(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn bad_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}/{name}", directory.path().display());
    assert!(refusal(&at("none/ledger.db")).await.contains("create it first"));
    std::fs::create_dir(directory.path().join("folder")).unwrap();
    assert!(refusal(&at("folder")).await.contains("is a directory"));
    let file = directory.path().join("kept.db");
    std::fs::write(&file, "").unwrap();
    let mut rights = std::fs::metadata(&file).unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&file, rights).unwrap();
    assert!(refusal(&at("kept.db")).await.contains("is read-only"));
    std::fs::write(directory.path().join("text.db"), "x".repeat(4096)).unwrap();
    let text = refusal(&at("text.db")).await;
    assert!(text.contains("not a database"), "{text}");
    assert!(refusal("sqlite::memory:").await.contains("needs a file"));
    let text = refusal("mysql://u:secret@h/d").await;
    assert!(text.contains("must begin with") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn odd_names_are_files_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let name = "a b#c%41ü.db";
    Ledger::open(&settings(&format!("sqlite:{}/{name}", directory.path().display()))).await.unwrap();
    assert!(directory.path().join(name).is_file());
}

#[tokio::test]
async fn passwords_stay_out_of_errors() {
    for url in ["postgres://u:s3cret@127.0.0.1:1/d", "postgres://u:s3cret@127.0.0.1:port/d"] {
        let text = refusal(url).await;
        assert!(!text.contains("s3cret"), "{text}");
    }
}
