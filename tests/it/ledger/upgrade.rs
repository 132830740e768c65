//! A ledger of an older version, opened by this one.

use daybridge::{
    domain::{channel::Channel, closed::PaymentState, settle::Cause},
    ledger::{
        DeliveryOutcome, Ledger,
        query::{ChannelQuery, Page},
    },
};

use super::{
    desk::settle,
    kit::{Kit, NOW, charge, held, settings, to},
};
use crate::support::{postgres::Dump, sql::Sql};

/// Takes back what the second and third schema added.
async fn as_before(raw: &mut Sql) {
    let indices = [
        "payments_by_state",
        "payments_by_source",
        "payments_by_channel",
        "payments_by_customer",
        "payments_by_amount",
        "transfers_of_channel",
        "transfers_settled",
        "transfers_unsummed",
        "payments_by_cause",
        "transfers_by_cause",
        "events_by_cause",
        "transfers_by_channel",
        "deliveries_by_time",
        "deliveries_by_outcome",
        "deliveries_by_cause",
        "events_by_source",
        "events_by_type",
        "events_dead",
        "channels_by_expiry",
        "channels_by_mode",
    ];
    let columns = [
        ("payments", "state"),
        ("payments", "customer"),
        ("payments", "set_channel"),
        ("payments", "set_days"),
        ("transfers", "settled_at"),
        ("channels", "active_till"),
        ("channels", "mode"),
    ];
    let tables = ["restorations", "spent", "pauses", "audit", "plans", "plan_payments", "plan_events"];
    let statements = indices
        .iter()
        .map(|index| format!("DROP INDEX IF EXISTS {index}"))
        .chain(columns.iter().map(|(table, column)| format!("ALTER TABLE {table} DROP COLUMN {column}")))
        .chain(tables.iter().map(|table| format!("DROP TABLE {table}")));
    for statement in statements {
        raw.execute(&statement).await;
    }
    for statement in [
        "CREATE TABLE plans (hash TEXT NOT NULL PRIMARY KEY)",
        "CREATE TABLE decisions (number BIGINT, at BIGINT NOT NULL, key TEXT NOT NULL, decision TEXT NOT NULL, \
         who TEXT NOT NULL, reason TEXT NOT NULL)",
        "INSERT INTO decisions VALUES (1, 5, 'stripe/pi_3', 'cancel', 'ada', 'because')",
        "DELETE FROM _sqlx_migrations WHERE version IN (2, 3)",
    ] {
        raw.execute(statement).await;
    }
}

pub(super) async fn an_older_ledger_is_brought_up_to_date(kit: Kit) {
    settle(&kit, "1", "CHAN-1", NOW).await;
    let two = kit.grant("2", "CHAN-2").await;
    let claim = kit.claim_one(NOW).await;
    let from = daybridge::domain::settle::State::planned(NOW);
    let unmoved = held(Cause::Unmoved, daybridge::domain::settle::Outcome::Open);
    assert!(kit.put(&claim, &two, &from, unmoved, NOW).await);
    let channel = Channel {
        known: Some(NOW + 7),
        floor: Some(NOW + 7),
        mode: Some("live".into()),
        ..Channel::default()
    };
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    kit.release(&claim, 0).await.unwrap();
    kit.record("evt_3", &charge(&["pi_3"])).await;
    let before = (kit.payments(9).await.unwrap(), kit.counts().await.unwrap(), kit.spent(0).await.unwrap());
    let channels = kit.channels(&ChannelQuery::default(), &Page::first(9)).await.unwrap();
    assert_eq!(channels[0].active_till, Some(NOW + 7));

    as_before(&mut kit.sql().await).await;
    let ledger = Ledger::open(&kit.settings).await.unwrap();

    let query = |state| daybridge::ledger::query::PaymentQuery { state, ..Default::default() };
    let mut found = Vec::new();
    for state in [PaymentState::Held, PaymentState::Credited] {
        found.extend(ledger.payments(&query(Some(state)), &Page::first(9)).await.unwrap());
    }
    assert_eq!(found, before.0);
    assert_eq!(ledger.counts().await.unwrap(), before.1);
    assert_eq!(ledger.spent(0).await.unwrap(), before.2);
    assert_eq!(ledger.channels(&ChannelQuery::default(), &Page::first(9)).await.unwrap(), channels);
    let audit = ledger.audit(None, &Page::first(9)).await.unwrap();
    assert_eq!(
        (audit[0].action.as_str(), &*audit[0].key, &*audit[0].who),
        ("held cancel", "stripe/pi_3", "ada")
    );
}

/// It knows neither the payment's state nor the sums, and its rows stay as they are until the next start.
pub(super) async fn what_an_older_worker_wrote_is_caught_up(kit: Kit) {
    settle(&kit, "1", "CHAN-1", NOW).await;
    settle(&kit, "2", "CHAN-2", NOW).await;
    let before = (kit.payments(9).await.unwrap(), kit.counts().await.unwrap(), kit.spent(0).await.unwrap());
    let mut raw = kit.sql().await;
    for statement in [
        "UPDATE payments SET state = '' WHERE key = 'stripe/pi_1'",
        "UPDATE payments SET state = 'planned' WHERE key = 'stripe/pi_2'",
        "UPDATE transfers SET settled_at = NULL",
        "DELETE FROM spent",
    ] {
        raw.execute(statement).await;
    }
    let ledger = Ledger::open(&kit.settings).await.unwrap();
    let credited =
        daybridge::ledger::query::PaymentQuery { state: Some(PaymentState::Credited), ..Default::default() };
    assert_eq!(ledger.payments(&credited, &Page::first(9)).await.unwrap(), before.0);
    assert_eq!((ledger.counts().await.unwrap(), ledger.spent(0).await.unwrap()), (before.1, before.2));
}

/// Beside each other an older worker and this version could grant a payment twice; SQLite has one writer at a time.
pub(super) async fn an_older_worker_must_be_stopped_first(kit: Kit) {
    kit.beat("old").await.unwrap();
    let mut raw = kit.sql().await;
    raw.execute("DROP INDEX payments_joined").await;
    raw.execute("DELETE FROM _sqlx_migrations WHERE version = 13").await;
    if kit.is_postgres() {
        let told = Ledger::open(&kit.settings).await.unwrap_err().to_string();
        assert!(told.contains("stop every worker first") && told.contains("old"), "{told}");
        kit.rest("old").await.unwrap();
    }
    Ledger::open(&kit.settings).await.unwrap().health().await.unwrap();
}

/// A worker of schema 12, which had another library (48f4762), made them: three payments credited, one of them refunded in part,
/// one held without a channel, one whose channel the partner does not know.
const OF_BEFORE: [&str; 2] = [
    include_str!("../../data/ledgers/0012.sqlite.sql"),
    include_str!("../../data/ledgers/0012.postgres.sql"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_the_version_before_opens_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(OF_BEFORE[0]).unwrap();
    opens_as_it_is(&format!("sqlite:{}", path.display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_the_version_before_opens_as_it_is() {
    let restore = || Dump::kept(OF_BEFORE[1]).restore();
    opens_as_it_is(&tokio::task::spawn_blocking(restore).await.unwrap()).await;
}

async fn opens_as_it_is(url: &str) {
    let kit = Kit { settings: settings(url), ..Kit::of(Ledger::open(&settings(url)).await.unwrap()) };
    let counts = kit.counts().await.unwrap();
    assert_eq!((counts.credited, counts.held), (3, 3), "{counts:?}");
    let refunded = kit.payment("pi_2").await.unwrap().unwrap();
    assert_eq!(refunded.money_out.map(|out| (out.refunded, out.days_spent)), Some((300, 10)));
    let causes: Vec<String> =
        kit.held(9, NOW).await.unwrap().into_iter().map(|held| held.cause.to_string()).collect();
    // A dump that is put on another server is one, whatever wrote it.
    let elsewhere: &[&str] = if kit.is_postgres() { &["failover"] } else { &[] };
    assert_eq!(causes, [elsewhere, &["channel_unknown", "channel_missing", "days_spent"]].concat());
    assert_eq!(kit.payment("pi_1").await.unwrap().unwrap().events.len(), 2, "the duplicate, too");
    // It knows what it granted, and goes on.
    let told_again = to(charge(&["pi_1"]), "CHAN-1", 30);
    assert_eq!(kit.record("evt_new", &told_again).await.outcome, DeliveryOutcome::Duplicate);
    let key = kit.grant("9", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let turn = kit.turn(&claim, NOW).await.unwrap();
    assert!(turn.channel.known.is_some(), "what was read of the channel");
    assert_eq!(turn.transfer.unwrap().key, key);
    drop(kit);
    Ledger::open_existing(&settings(url)).await.unwrap().health().await.unwrap();
}
