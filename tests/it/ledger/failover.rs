//! A database server that becomes another one under a ledger: PostgreSQL alone has such a thing.

use daybridge::{
    domain::closed::PauseCause,
    ledger::{Act, Ledger, LedgerError, Scope},
};
use secrecy::ExposeSecret as _;

use super::kit::*;
use crate::support::{
    postgres::Pair,
    sql::Sql,
    wait::{soon, until},
};

const ACT: Act<'_> = Act { who: "ada", reason: "the standby was synchronous" };

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act).await.unwrap()
}

/// Whether the ledger waits for a word, once it can be reached again.
async fn waits(ledger: &Ledger) -> bool {
    let pauses = until("the ledger is back", || async { ledger.pauses().await.ok() }).await;
    pauses.iter().any(|pause| pause.cause == PauseCause::Failover)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_waits_for_a_word() {
    let pair: &Pair = Box::leak(Box::new(blocking(Pair::start).await));
    let settings = settings(&pair.url());
    let kit = Kit::of(Ledger::open(&settings).await.unwrap());
    let idle = Ledger::open(&settings).await.unwrap();
    kit.grant("1", "CHAN-1").await;
    assert!(!waits(&kit.ledger).await);
    let nothing = kit.failover(&ACT, NOW).await.unwrap_err();
    assert!(matches!(&nothing, LedgerError::Refused(text) if text.contains("nothing waits")), "{nothing}");

    blocking(|| pair.part()).await;
    blocking(|| pair.fail_over()).await;
    assert!(waits(&kit.ledger).await);
    let claim = kit.claim_one(NOW).await;
    assert!(kit.turn(&claim, NOW).await.unwrap().moved, "a turn would call");
    let held = kit.held(9, NOW).await.unwrap();
    assert_eq!((held[0].kind.as_str(), held[0].cause.as_str()), ("ledger", "failover"));
    assert!(held[0].next.contains("--nothing-lost") && held[0].next.contains("ledger restored"), "{held:?}");
    let resumed = kit.resume(&Scope::All, &ACT, NOW).await.unwrap_err();
    assert!(matches!(&resumed, LedgerError::Refused(text) if text.contains("--nothing-lost")), "{resumed}");
    // Another process that starts now learns it from the ledger.
    let second = Ledger::open(&settings).await.unwrap();
    assert!(waits(&second).await);

    let done = second.failover(&ACT, NOW).await.unwrap();
    assert_ne!(done.was, done.is);
    for ledger in [&kit.ledger, &second, &idle] {
        assert!(!waits(ledger).await, "a person's word counts for every process");
    }
    assert!(!kit.turn(&claim, NOW).await.unwrap().moved);

    // The old primary is let in again: it remembers itself, but those who have seen the other do not believe it.
    blocking(|| pair.take_back()).await;
    // The first to notice is a list that fails right after: what it noticed and wrote is rolled back.
    let mut raw = Sql::open(&pair.url()).await;
    raw.execute("UPDATE payments SET gap = 'no word of ours', gap_since = 1, covered = '{}'").await;
    until("a list fails of a row", || async {
        matches!(kit.held(9, NOW).await, Err(LedgerError::Corrupt(_))).then_some(())
    })
    .await;
    raw.execute("UPDATE payments SET gap = NULL, gap_since = NULL, covered = NULL").await;
    assert!(waits(&kit.ledger).await);
    let fresh = Ledger::open(&settings).await.unwrap();
    assert!(waits(&fresh).await, "they have told it so");
    kit.restored(0, "ada", NOW + 120_000).await.unwrap();
    assert!(!waits(&kit.ledger).await, "declared restored");
}

/// An ordinary role may ask. Where it may not, nothing is noticed, and nothing breaks.
#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_role_suffices() {
    let kit = postgres().await;
    let url = kit.settings.url.resolve().unwrap();
    let mut raw = kit.sql().await;
    for statement in [
        "CREATE ROLE plain LOGIN",
        "GRANT ALL ON SCHEMA public TO plain",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO plain",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain",
    ] {
        raw.execute(statement).await;
    }
    let plain = settings(&url.expose_secret().replace("daybridge@", "plain@"));
    let ledger = Ledger::open(&plain).await.unwrap();
    assert!(!waits(&ledger).await && !ledger.origin().await.unwrap().failover_unnoticed);
    let nothing = ledger.failover(&ACT, NOW).await.unwrap_err();
    assert!(matches!(&nothing, LedgerError::Refused(text) if text.contains("nothing waits")), "{nothing}");

    for function in ["pg_control_system()", "pg_control_checkpoint()", "pg_current_wal_lsn()"] {
        raw.execute(&format!("REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")).await;
    }
    let ledger = Ledger::open(&plain).await.unwrap();
    assert!(!waits(&ledger).await && ledger.origin().await.unwrap().failover_unnoticed);
    let nothing = ledger.failover(&ACT, NOW).await.unwrap_err();
    assert!(matches!(&nothing, LedgerError::Refused(text) if text.contains("does not tell")), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_hosts_it_is_the_one_that_takes_writes() {
    let pair: &Pair = Box::leak(Box::new(blocking(Pair::start).await));
    let kit = Kit::of(Ledger::open(&settings(&pair.url_of_both())).await.unwrap());
    kit.grant("1", "CHAN-1").await;
    kit.health().await.unwrap();
    let one = Ledger::open_existing(&settings(&pair.url())).await.unwrap();
    assert_eq!(one.counts().await.unwrap().planned, 1);
}

/// The former primary goes on, and takes what its old sessions write: what one session has written there, one that was made
/// later would not find, and call again.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_stays_on_the_server_of_before() {
    let pair: &Pair = Box::leak(Box::new(blocking(Pair::start).await));
    let kit = Kit::of(Ledger::open(&settings(&pair.url_of_both())).await.unwrap());
    let all = || futures_util::future::join_all((0..64).map(|_| kit.origin()));
    all().await;
    let mut before = Sql::open(&pair.url()).await;
    let ours = "FROM pg_stat_activity WHERE application_name = 'daybridge'";
    let mut left = async || before.column(&format!("SELECT COUNT(*)::text {ours}")).await.remove(0).unwrap();
    assert_ne!(left().await, "1", "several sessions");
    blocking(|| pair.promote_beside()).await;
    let end = format!("SELECT pg_terminate_backend(pid)::text {ours} LIMIT 1");
    Sql::open(&pair.url()).await.column(&end).await;
    soon("all are gone from there", async {
        while left().await != "0" {
            all().await;
        }
    })
    .await;
    assert!(waits(&kit.ledger).await, "and nothing is called before a person has said which server counts");
}
