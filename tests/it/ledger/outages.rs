//! What the ledger cannot take now, and what it can never take: the first ends when its cause does, in the same process;
//! the second is said to be no outage.

use daybridge::{
    domain::{channel::Channel, facts::Meaning, settle::AccountSignal, settle::State},
    ledger::{Act, DeliveryOutcome, Entry, Ledger, LedgerError, Scope, query::Page, query::PaymentQuery},
};
use secrecy::ExposeSecret as _;

use super::kit::*;
use crate::support::{disk::SmallDisk, wait::until};

const ACT: Act<'_> = Act { who: "ada", reason: "to look" };

const YEAR_MS: i64 = 365 * 86_400_000;

fn is_postgres(kit: &Kit) -> bool {
    kit.settings.url.resolve().unwrap().expose_secret().starts_with("postgres")
}

async fn try_record(ledger: &Ledger, name: &str) -> Result<DeliveryOutcome, LedgerError> {
    let facts = to(charge(&[&format!("pi_{name}")]), "CHAN-1", 30);
    let envelope = delivery(&format!("evt_{name}"));
    let rules = rules();
    let entry = Entry {
        envelope: &envelope,
        dead: false,
        take: None,
        asked: None,
        facts: Ok(&facts),
        source: Some(&rules),
        account: ACCOUNT,
        comment: comment(),
    };
    ledger.record(&entry, NOW).await.map(|recorded| recorded.outcome)
}

/// SQLite rolls back by itself on a full disk, and a driver went on counting: the one writing connection never began again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_full_disk_the_same_process_goes_on() {
    let Some(disk) = SmallDisk::mount() else { return };
    let settings = settings(&format!("sqlite:{}/ledger.db", disk.path().display()));
    let kit = Kit::of(Ledger::open(&settings).await.unwrap());
    kit.grant("before", "CHAN-1").await;
    kit.health().await.unwrap();
    disk.fill();
    let why = kit.health().await.unwrap_err().to_string();
    assert!(why.contains("free some space"), "{why}");
    let mut tries = 0;
    let refused = until("a refusal", || {
        tries += 1;
        let name = format!("full_{tries}");
        let ledger = &kit.ledger;
        async move { try_record(ledger, &name).await.err() }
    })
    .await;
    assert!(matches!(refused, LedgerError::Unavailable(_)), "{refused}");
    disk.empty();
    kit.health().await.unwrap();
    assert_eq!(try_record(&kit.ledger, "after").await.unwrap(), DeliveryOutcome::Granted);
    kit.claim_one(NOW).await;
}

/// A server that was demoted, or its switch: sessions that began in that time stay read-only until they end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_spell_of_postgres_ends_with_its_sessions() {
    let kit = postgres().await;
    kit.grant("before", "CHAN-1").await;
    let url = kit.settings.url.resolve().unwrap();
    let database = url.expose_secret().rsplit_once('/').unwrap().1.to_owned();
    let mut person = kit.sql().await;
    for statement in [
        format!("ALTER DATABASE {database} SET default_transaction_read_only = on"),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            .to_owned(),
    ] {
        person.execute(&statement).await;
    }
    // Each of the pool's sessions is one of that time.
    let refused = until("a refusal", || async {
        let tries = (0..8).map(|n| {
            let ledger = &kit.ledger;
            async move { try_record(ledger, &format!("off_{n}")).await }
        });
        let tried = futures_util::future::join_all(tries).await;
        tried.into_iter().filter_map(Result::err).find(|why| why.to_string().contains("read-only"))
    })
    .await;
    assert!(matches!(refused, LedgerError::Unavailable(_)), "{refused}");
    let why = kit.health().await.unwrap_err().to_string();
    assert!(why.contains("read-only"), "{why}");
    person.execute(&format!("ALTER DATABASE {database} RESET default_transaction_read_only")).await;
    until("health", || async { kit.health().await.ok() }).await;
    assert_eq!(try_record(&kit.ledger, "after").await.unwrap(), DeliveryOutcome::Granted);
}

/// U+0000: PostgreSQL refuses it in a text, and in JSON that it looks into.
pub(super) async fn texts_with_a_null_end_alike(kit: Kit) {
    let mut facts = to(charge(&["pi_1\0x"]), "CHAN-1", 30);
    facts.customer = Some("cus\0tomer".into());
    let mut envelope = delivery("evt\0one");
    envelope.event_type = "charge\0succeeded".into();
    let recorded = kit.record_as(&envelope, Ok(&facts), &rules(), false).await;
    assert_eq!(recorded.outcome, DeliveryOutcome::Granted);
    let again = kit.record_as(&envelope, Ok(&facts), &rules(), false).await;
    assert!(again.again, "the same words find the same event");
    let known = kit.recorded(&["stripe".into()], &["evt\0one".into()]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["evt\u{2400}one"]);

    let unread = kit.record_as(&delivery("evt_2"), Err("a \0 in the reason"), &rules(), false).await;
    assert_eq!(unread.outcome, DeliveryOutcome::Held);
    let ignored = facts_ignored("not \0 needed");
    assert_eq!(
        kit.record_as(&delivery("evt_3"), Ok(&ignored), &rules(), false).await.outcome,
        DeliveryOutcome::Ignored
    );

    // A partner's words, and a person's.
    let key = recorded.planned.unwrap();
    let claim = kit.claim_one(NOW).await;
    let later = State::Planned {
        due: NOW,
        since: NOW,
        tries: 1,
        lag_since: None,
        lag_reads: 0,
        reason: Some("it said \0 \\u0000".into()),
        last: None,
        retried: false,
        ahead: None,
    };
    assert!(kit.put(&claim, &key, &State::planned(NOW), later.clone(), NOW).await);
    kit.release(&claim, 0).await.unwrap();
    let query = PaymentQuery { text: Some("cus\0tomer".into()), ..PaymentQuery::default() };
    assert_eq!(kit.ledger.payments(&query, &Page::first(10)).await.unwrap().len(), 1);
    let shown = kit.payment(&key).await.unwrap().unwrap().payment;
    assert_eq!(shown.reason.as_deref(), Some("it said \u{2400} \\u0000"));
}

fn facts_ignored(why: &str) -> daybridge::domain::facts::Facts {
    facts(Meaning::Ignored(why.into()), &[])
}

/// A rule of the database that one row breaks is no outage: retried, it would stay in hand for ever.
pub(super) async fn what_never_fits_is_no_outage(kit: Kit) {
    let raise = if is_postgres(&kit) {
        "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.key LIKE ''%bad%'' THEN \
         RAISE EXCEPTION ''never''; END IF; RETURN NEW; END'; \
         CREATE TRIGGER never BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION never()"
    } else {
        "CREATE TRIGGER never BEFORE INSERT ON payments WHEN NEW.key LIKE '%bad%' \
         BEGIN SELECT RAISE(ABORT, 'never'); END"
    };
    kit.sql().await.execute(raise).await;
    let refused = try_record(&kit.ledger, "bad").await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Unstorable(why) if why.contains("never")), "{refused:?}");
    assert_eq!(try_record(&kit.ledger, "good").await.unwrap(), DeliveryOutcome::Granted);
    // Its bytes are kept all the same.
    let dead = kit.record_as(&delivery("evt_bad"), Err(&refused.to_string()), &rules(), true).await;
    assert_eq!(dead.outcome, DeliveryOutcome::Held);
}

/// A clock that was a year ahead for a moment.
pub(super) async fn what_a_clock_ahead_has_dated_is_not_believed(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let ahead = NOW + YEAR_MS;
    let claim = kit.claim_one(ahead).await;
    let later = State::Planned {
        due: ahead + 1_000,
        since: NOW,
        tries: 1,
        lag_since: None,
        lag_reads: 0,
        reason: None,
        last: None,
        retried: false,
        ahead: None,
    };
    assert!(kit.put(&claim, &key, &State::planned(NOW), later.clone(), NOW).await);
    // Its worker dies with the lease.
    let claim = kit.claim_one(NOW).await;
    let turn = kit.turn(&claim, NOW).await.unwrap();
    assert_eq!(turn.transfer.map(|transfer| transfer.key).as_ref(), Some(&key));
    kit.release(&claim, 0).await.unwrap();
    let claim = kit.claim_one(NOW).await;
    // What is really put off stays so.
    let soon = State::Planned {
        due: NOW + 3_600_000,
        since: NOW,
        tries: 2,
        lag_since: None,
        lag_reads: 0,
        reason: None,
        last: None,
        retried: false,
        ahead: None,
    };
    assert!(kit.put(&claim, &key, &later, soon, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    assert!(kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap().is_empty());

    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key, NOW, ahead).await.unwrap();
    assert!(kit.account_hold(ACCOUNT).await.unwrap().unwrap().probe_due(NOW));
    kit.take_probe(ACCOUNT, NOW, NOW + 300_000).await.unwrap();
    let hold = kit.account_hold(ACCOUNT).await.unwrap();
    assert!(hold.as_ref().is_none_or(|hold| hold.probe_at <= NOW + 300_000), "{hold:?}");

    let mut early = delivery("evt_ahead");
    early.received_at_ms = ahead;
    kit.record_as(&early, Ok(&to(charge(&["pi_2"]), "CHAN-2", 30)), &rules(), false).await;
    let events = kit.events(10).await.unwrap();
    assert!(events.iter().all(|event| event.received_at <= NOW), "{events:?}");

    let mut channel = Channel { quiet_until: ahead, live_due: Some(ahead), ..Channel::default() };
    assert!(channel.believe(NOW) && !channel.believe(NOW));
    assert_eq!((channel.quiet_until, channel.live_due), (NOW, Some(NOW)));
}

/// A server that was started anew, or ends sessions that say nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_ended_while_idle_are_not_used() {
    let kit = postgres().await;
    let all = || futures_util::future::join_all((0..8).map(|_| kit.origin()));
    for _ in 0..20 {
        assert!(all().await.iter().all(Result::is_ok));
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND pid <> pg_backend_pid()";
    kit.sql().await.execute(end).await;
    let told: Vec<_> = all().await.into_iter().filter_map(Result::err).collect();
    assert!(told.is_empty(), "{told:?}");
}

/// SQLite says that all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_removed_or_replaced_keeps_nothing_and_says_so() {
    let kit = sqlite().await;
    kit.grant("1", "CHAN-1").await;
    let url = kit.settings.url.resolve().unwrap();
    let path = std::path::PathBuf::from(url.expose_secret().trim_start_matches("sqlite:"));
    let away = path.with_extension("away");
    let refuses = async || {
        let health = kit.health().await.unwrap_err().to_string();
        assert!(health.contains("was removed or replaced") && health.contains("ledger restored"), "{health}");
        assert!(kit.pause(&Scope::All, &ACT, NOW).await.is_err(), "a write");
        assert!(kit.counts().await.is_err(), "a list");
    };
    std::fs::rename(&path, &away).unwrap();
    refuses().await;
    assert!(!path.exists(), "and no empty one is made in its place");
    std::fs::copy(&away, &path).unwrap();
    refuses().await;
    std::fs::rename(&away, &path).unwrap();
    kit.health().await.unwrap();
    assert!(kit.pause(&Scope::All, &ACT, NOW).await.unwrap());
}
