//! A role that may not make tables, and a server that takes no writes: `check` and a start say what to do.

use daybridge::ledger::{self, Ledger, LedgerError};

use super::kit::*;
use crate::support::postgres::{Pair, Postgres, sql};

/// What `check` says, and what a start says.
async fn both(url: &str) -> [String; 2] {
    let settings = settings(url);
    let looked = ledger::look(&settings).await.unwrap_err();
    let started = Ledger::open(&settings).await.unwrap_err();
    [looked.to_string(), started.to_string()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_make_tables() {
    let url = tokio::task::spawn_blocking(Postgres::url_of_new_database).await.unwrap();
    let role = format!("role_{}", url.rsplit('/').next().unwrap());
    sql(&url, &format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let own = url.replace("daybridge@", &format!("{role}@"));
    // It may look into the schema; then not even that.
    for _ in 0..2 {
        for said in both(&own).await {
            assert!(said.contains("GRANT USAGE, CREATE ON SCHEMA public TO"), "{said}");
        }
        sql(&url, "REVOKE ALL ON SCHEMA public FROM PUBLIC");
    }
    let never = Ledger::open(&settings(&own)).await.unwrap_err();
    assert!(matches!(never, LedgerError::Refused(_)), "no wait mends it: {never}");
    sql(&url, &format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}"));
    Ledger::open(&settings(&own)).await.unwrap().health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_and_a_database_that_is_only_read() {
    let pair = tokio::task::spawn_blocking(Pair::start).await.unwrap();
    let standby = pair.url_of_standby();
    // Its own words, and where it is asked for the primary those of the connection.
    for url in [standby.clone(), format!("{standby}?target_session_attrs=read-write")] {
        for said in both(&url).await {
            assert!(said.contains("standby") && said.contains("name the primary in ledger.url"), "{said}");
        }
    }
    tokio::task::spawn_blocking(move || drop(pair)).await.unwrap();

    let url = tokio::task::spawn_blocking(Postgres::url_of_new_database).await.unwrap();
    let database = url.rsplit('/').next().unwrap();
    sql(&url, &format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
    for said in both(&url).await {
        assert!(said.contains("takes no writes") && said.contains("default_transaction_read_only"), "{said}");
    }
}
