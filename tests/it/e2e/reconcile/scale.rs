//! Ten thousand payments. How long it takes is printed, never asserted.

use std::time::Instant;

use daybridge::domain::facts::{Facts, Family, Meaning};
use sqlx::Connection as _;

use super::{Line, export, open};
use crate::support::daybridge::{House, now_s};

const PAYMENTS: i64 = 10_000;

/// Days that each payment moves, as a ledger would hold it after so many turns.
async fn fill(house: &House, at_ms: i64) {
    let path = house.path("ledger.db");
    assert!(house.command(&["payments", "list"]).status.success(), "makes the ledger");
    let mut ledger = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let counted =
        format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {PAYMENTS})");
    let statements = [
        format!(
            "INSERT INTO payments (key, realm, account, livemode, source, decision, channel, days, amount, currency, \
             granted, first_seen_at, since) {counted} SELECT 'stripe/pi_' || n, 'stripe', '', 1, 'stripe', 'granted', \
             'CHAN-' || (n % 2500), 30, 900, 'usd', 1, {at_ms}, {at_ms} FROM c"
        ),
        format!(
            "INSERT INTO aliases (realm, account, livemode, id, strength, payment) {counted} \
             SELECT 'stripe', '', 1, 'pi_' || n, 0, 'stripe/pi_' || n FROM c UNION ALL \
             SELECT 'stripe', '', 1, 'ch_' || n, 1, 'stripe/pi_' || n FROM c"
        ),
        format!(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, open, \
             detail, traceparent, created_at) {counted} SELECT 'stripe/pi_' || n || '#1', 'stripe/pi_' || n, 1, 'main', \
             'CHAN-' || (n % 2500), 30, '', 'settled', 1, 0, 0, \
             '{{\"state\":\"settled\",\"how\":\"answered\",\"before\":9000000000000,\"after\":9002592000000,\"at\":{at_ms},\"attempt\":1,\"watch\":null}}', \
             '', {at_ms} FROM c"
        ),
        // What tells that the last one, which the record does not have, was paid.
        format!(
            "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, \
             facts, family, payment) VALUES ('stripe', 'evt_1', '', '', '', {at_ms}, {at_ms}, 0, '{}', 'charges', \
             'stripe/pi_{PAYMENTS}')",
            paid(at_ms)
        ),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut ledger).await.unwrap();
    }
    ledger.close().await.unwrap();
}

fn paid(at_ms: i64) -> String {
    let facts = Facts {
        occurred_at: at_ms,
        livemode: true,
        account: None,
        meaning: Meaning::MoneyIn(Family::Charges),
        ids: vec![],
        channel: vec![],
        days: vec![],
        money: None,
        lines: None,
    };
    serde_json::to_string(&facts).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_payments() {
    let house = House::build("embedded", None, "").await;
    let at = now_s() * 1000 - 7_200_000;
    fill(&house, at).await;
    // One of the record was never seen, one of the ledger was never paid, one was extended twice.
    let names: Vec<String> = (0..PAYMENTS).map(|n| format!("pi_{n}")).collect();
    let lines: Vec<Line<'_>> = names.iter().map(|name| Line::new(name, at, "CHAN-1")).collect();
    std::fs::write(house.path("record.csv"), export(&lines)).unwrap();
    let history: String = (1..=PAYMENTS)
        .map(|n| format!("{at} 30 daybridge stripe/pi_{n}#1 30d\n"))
        .chain(["30 stripe/pi_7#1".into()])
        .collect();
    std::fs::write(house.path("history.txt"), history).unwrap();
    let arguments = [
        "reconcile",
        "--source",
        "stripe",
        "--since",
        "1day",
        "--file",
        "record.csv",
        "--history",
        "history.txt",
        "--json",
    ];
    let begun = Instant::now();
    let output = house.command(&arguments);
    println!("{PAYMENTS} payments reconciled in {:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    let want = [("pi_0", "paid_not_extended"), ("pi_7", "extended_twice")];
    let mut want: Vec<_> = want.map(|(about, answer)| (about.to_owned(), answer.to_owned(), 30)).into();
    want.push((format!("pi_{PAYMENTS}"), "extended_not_paid".into(), 30));
    want.sort();
    assert_eq!(open(&report), want);
    assert_eq!(report["sums"]["answers"]["matched"]["rows"], PAYMENTS - 2);
}
