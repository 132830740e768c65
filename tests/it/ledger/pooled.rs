//! pgbouncer before PostgreSQL, in session and in transaction mode, and one that is too small.

use std::{collections::BTreeSet, sync::Arc};

use daybridge::{
    domain::settle::{Cause, Order, Outcome as Open},
    ledger::{self, DeliveryOutcome, Ledger, LedgerError},
};
use tokio::task::JoinSet;

use super::{kit::*, ops::state_of};
use crate::support::{
    pgbouncer::{Mode, Pgbouncer},
    postgres::{Postgres, sql},
    sql::Sql,
    wait::{soon, until},
};

/// Payments of the test, each of a channel of its own.
const PAYMENTS: usize = 40;

/// The database's own URL, and a pool before it.
async fn pool(mode: Mode, sessions: u32, more: &'static str) -> (String, Pgbouncer) {
    let start = move || {
        let url = Postgres::url_of_new_database();
        let pool = Pgbouncer::start(&url, mode, sessions, more);
        (url, pool)
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// Claims and settles until nothing is due; the transfers that were settled.
async fn settles(kit: Arc<Kit>, worker: &'static str) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let claims = kit.claim(ACCOUNT, worker, NOW, NOW + 60_000, 4).await.unwrap();
        if claims.is_empty() {
            return done;
        }
        for claim in claims {
            let transfer = kit.turn(&claim, NOW).await.unwrap().transfer.unwrap();
            let (key, intended) = (transfer.key, intended(claim.epoch));
            assert!(kit.put(&claim, &key, &transfer.state, intended.clone(), NOW).await, "{key}");
            assert!(kit.put(&claim, &key, &intended, settled(), NOW).await, "{key}");
            kit.release(&claim, NOW).await.unwrap();
            done.push(key);
        }
    }
}

/// Two processes' worth of connections: the schema is made by both, and all that is written is written once.
async fn two_ledgers_work_side_by_side(pool: &Pgbouncer) {
    let settings = settings(&pool.url());
    assert!(matches!(ledger::look(&settings).await.unwrap(), ledger::LedgerState::Missing(_)));
    let (one, two) = tokio::join!(Ledger::open(&settings), Ledger::open(&settings));
    let (one, two) = (Arc::new(Kit::of(one.unwrap())), Arc::new(Kit::of(two.unwrap())));
    assert_eq!(ledger::look(&settings).await.unwrap(), ledger::LedgerState::Whole);

    // Each payment is told to both at once.
    let mut told = JoinSet::new();
    for n in 0..PAYMENTS {
        for kit in [&one, &two] {
            let kit = kit.clone();
            told.spawn(async move {
                let facts = to(charge(&[&format!("pi_{n}")]), &format!("CHAN-{n}"), 30);
                kit.record(&format!("evt_{n}"), &facts).await.outcome
            });
        }
    }
    let outcomes = told.join_all().await;
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == DeliveryOutcome::Granted).count(),
        PAYMENTS,
        "{outcomes:?}"
    );

    let (by_one, by_two) = tokio::join!(settles(one.clone(), "w1"), settles(two.clone(), "w2"));
    assert_eq!(by_one.len() + by_two.len(), PAYMENTS, "none by both");
    let keys: BTreeSet<&String> = by_one.iter().chain(&by_two).collect();
    assert_eq!(keys.len(), PAYMENTS);
    let counts = one.counts().await.unwrap();
    assert_eq!((counts.credited, counts.planned), (PAYMENTS as u64, 0), "{counts:?}");

    // A person decides, beside others who record; then the ledger is declared restored.
    let refused = one.grant("refused", "CHAN-R").await;
    let claim = one.claim_one(NOW).await;
    let transfer = one.turn(&claim, NOW).await.unwrap().transfer.unwrap();
    let asked = intended(claim.epoch);
    assert!(one.put(&claim, &refused, &transfer.state, asked.clone(), NOW).await);
    let to_decide = held(Cause::Unmoved, Open::Open);
    assert!(one.put(&claim, &refused, &asked, to_decide, NOW).await);
    let applied = decided(Order::Applied);
    let (decided, _) = tokio::join!(two.decide(&refused, &applied, NOW + 1), one.grant("beside", "CHAN-B"));
    decided.unwrap();
    assert_eq!(state_of(&one, &refused).await, "settled");
    let declared = two.restored(NOW - 86_400_000, "ada", NOW + 120_000).await.unwrap();
    assert_eq!(declared.held, 1, "what was planned");
    one.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_session_mode() {
    // As many sessions as connections, and those of `look`.
    let (_, pool) = pool(Mode::Session, 20, "").await;
    soon("both are done", two_ledgers_work_side_by_side(&pool)).await;
}

/// Fewer sessions of the server than the 16 connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_transaction_mode() {
    let (url, pool) = pool(Mode::Transaction, 3, "").await;
    soon("both are done", two_ledgers_work_side_by_side(&pool)).await;
    let sessions = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(sql(&url, sessions), "3");
}

/// The pool knows the server by two addresses, and uses them in turn: that is no reason to make connections anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_two_addresses_is_one_server() {
    let (_, pool) = pool(Mode::Transaction, 4, "server_round_robin = 1").await;
    let mut persons = Vec::new();
    let mut addresses = BTreeSet::new();
    for _ in 0..4 {
        let mut person = Sql::open(&pool.url()).await;
        person.execute("BEGIN").await;
        addresses.extend(person.column("SELECT host(inet_server_addr())").await);
        persons.push(person);
    }
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for person in &mut persons {
        person.execute("COMMIT").await;
    }
    let before = pool.logins();
    let ledger = Ledger::open(&settings(&pool.url())).await.unwrap();
    for _ in 0..20 {
        let all = futures_util::future::join_all((0..32).map(|_| ledger.origin())).await;
        assert!(all.iter().all(Result::is_ok));
    }
    let made = pool.logins() - before;
    assert!((2..=8).contains(&made), "{made} connections were made, of 8 at most: {}", pool.log());
}

/// A person's transaction has the only session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_starves_says_so_and_loses_nothing() {
    let (_, pool) = pool(Mode::Transaction, 1, "query_wait_timeout = 1").await;
    let settings = settings(&pool.url());
    let kit = Kit::of(Ledger::open(&settings).await.unwrap());
    kit.grant("before", "CHAN-1").await;
    let mut person = Sql::open(&pool.url()).await;
    person.execute("BEGIN").await;
    let starved = |told: LedgerError| {
        let text = told.to_string();
        assert!(matches!(told, LedgerError::Unavailable(_)), "an outage: {text}");
        assert!(text.contains("default_pool_size") && text.contains("ledger.connections_max"), "{text}");
    };
    // Connections that are there, one that is made, and `check`.
    starved(soon("a refusal", kit.health()).await.unwrap_err());
    starved(soon("a refusal", Ledger::open(&settings)).await.unwrap_err());
    starved(soon("a refusal", ledger::look(&settings)).await.unwrap_err());
    person.execute("COMMIT").await;
    until("health", || async { kit.health().await.ok() }).await;
    kit.grant("after", "CHAN-2").await;
    assert_eq!(kit.counts().await.unwrap().planned, 2);
}

/// Nobody has told the pool to give up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_lets_us_wait_is_told_apart() {
    let (_, pool) = pool(Mode::Transaction, 1, "").await;
    let settings = settings(&pool.url());
    let mut person = Sql::open(&pool.url()).await;
    person.execute("BEGIN").await;
    let told = soon("a refusal", ledger::look(&settings)).await.unwrap_err();
    assert!(matches!(told, LedgerError::Unavailable(_)), "an outage: {told}");
    let text = told.to_string();
    assert!(text.contains("it let us in") && text.contains("ledger.connections_max"), "{text}");
    person.execute("COMMIT").await;
    ledger::look(&settings).await.unwrap();
}

/// Those of the same ledger are not made anew because others are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_that_are_there_go_on() {
    let (_, pool) = pool(Mode::Transaction, 4, "max_client_conn = 10").await;
    let settings = settings(&pool.url());
    // To open it takes fewer than 10 of its 16.
    let ledger =
        Ledger::open(&daybridge::config::LedgerSettings { connections_max: 16, ..settings }).await.unwrap();
    let mut persons = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(&pool.url(), tokio_postgres::NoTls).await {
        tokio::spawn(connection);
        persons.push(client);
    }
    let before = pool.logins();
    let (mut well, mut refused) = (0, 0);
    for _ in 0..20 {
        for told in futures_util::future::join_all((0..32).map(|_| ledger.origin())).await {
            if told.is_ok() { well += 1 } else { refused += 1 }
        }
    }
    assert!(well > 0 && refused > 0, "{well} and {refused}");
    assert_eq!(pool.logins(), before, "none is made anew");
}

/// One is there, and goes on, while others are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_room_for_another_connection_says_so() {
    let (_, pool) = pool(Mode::Transaction, 4, "max_client_conn = 3").await;
    let settings = settings(&pool.url());
    let mut persons = Vec::new();
    let ledger = Ledger::open(&daybridge::config::LedgerSettings { connections_max: 1, ..settings.clone() })
        .await
        .unwrap();
    for _ in 0..2 {
        persons.push(Sql::open(&pool.url()).await);
    }
    for told in [Ledger::open(&settings).await.map(drop), ledger::look(&settings).await.map(drop)] {
        let told = told.unwrap_err();
        assert!(matches!(told, LedgerError::Unavailable(_)), "an outage: {told}");
        let text = told.to_string();
        assert!(text.contains("max_client_conn") && text.contains("ledger.connections_max"), "{text}");
    }
    ledger.health().await.unwrap();
    drop(persons);
    until("room", || async { ledger::look(&settings).await.ok() }).await;
}

/// The same of the server itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_for_another_connection_says_so() {
    let url = tokio::task::spawn_blocking(Postgres::url_of_new_database).await.unwrap();
    let role = format!("few_{}", url.rsplit('/').next().unwrap());
    sql(&url, &format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 2; GRANT ALL ON SCHEMA public TO {role}"));
    let settings = settings(&url.replace("daybridge@", &format!("{role}@")));
    let of_one = daybridge::config::LedgerSettings { connections_max: 1, ..settings.clone() };
    let one = Ledger::open(&of_one).await.unwrap();
    let two = Ledger::open(&of_one).await.unwrap();
    let told = ledger::look(&settings).await.unwrap_err();
    assert!(matches!(told, LedgerError::Unavailable(_)), "an outage: {told}");
    let text = told.to_string();
    assert!(text.contains("CONNECTION LIMIT") && text.contains("ledger.connections_max"), "{text}");
    one.health().await.unwrap();
    drop(two);
    until("room", || async { ledger::look(&settings).await.ok() }).await;
}

/// `options` is none that this pool lets through; a server refuses what it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_startup_parameter_that_is_refused_is_told_with_the_mend() {
    let (url, pool) = pool(Mode::Transaction, 2, "").await;
    for (place, option) in [
        (pool.url(), "-c%20work_mem=8MB"),
        (url.clone(), "-c%20no_such_setting=1"),
        (url.clone(), "-c%20work_mem=much"),
        (url, "-c%20fsync=off"),
    ] {
        let settings = settings(&format!("{place}?options={option}"));
        for told in [ledger::look(&settings).await.map(drop), Ledger::open(&settings).await.map(drop)] {
            let told = told.unwrap_err();
            assert!(matches!(told, LedgerError::Unavailable(_)), "{told}");
            let text = told.to_string();
            assert!(text.contains("`options`") && text.contains("ALTER ROLE"), "{option}: {text}");
        }
    }
}
