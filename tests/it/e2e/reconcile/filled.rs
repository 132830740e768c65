//! A ledger as so many turns would leave it, without taking them.

use daybridge::domain::facts::{Facts, Family, Meaning};

use crate::support::{daybridge::House, sql::Sql};

/// So many settled payments `pi_1` …, of 30 days and 9.00 USD each, paid and settled at a time.
pub(super) async fn fill(house: &House, payments: i64, at_ms: i64) {
    let path = house.path("ledger.db");
    assert!(house.command(&["payments", "list"]).status.success(), "makes the ledger");
    let mut ledger = Sql::open(&format!("sqlite:{}", path.display())).await;
    let counted =
        format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {payments})");
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
        format!(
            "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, \
             facts, family, payment) {counted} SELECT 'stripe', 'evt_' || n, '', '', '', {at_ms}, {at_ms}, 0, '{}', \
             'charges', 'stripe/pi_' || n FROM c",
            paid(at_ms)
        ),
    ];
    for statement in statements {
        ledger.execute(&statement).await;
    }
}

fn paid(at_ms: i64) -> String {
    let facts = Facts {
        occurred_at: at_ms,
        paid_at: Some(at_ms),
        livemode: true,
        account: None,
        meaning: Meaning::MoneyIn(Family::new("charges")),
        ids: vec![],
        channel: vec![],
        days: vec![],
        money: None,
        ..Facts::ignored(0, String::new())
    };
    serde_json::to_string(&facts).unwrap()
}
