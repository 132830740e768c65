//! What a payment costs in a ledger of a reseller who has one price.

use daybridge::{domain::facts::Money, ledger::Take};

use super::kit::{Kit, NOW, charge, delivery, facts, intended, rules, settled, step, to};
use crate::support::sql::Sql;

/// Payments that are there already.
const MANY: i64 = 20_000;

/// So many payments of one amount on 500 channels, credited, each with an event, a delivery and two ids; and a second
/// event of each whose delivery is held.
async fn fill(raw: &mut Sql, postgres: bool) {
    let numbers = if postgres {
        format!("SELECT generate_series AS n FROM generate_series(1, {MANY})")
    } else {
        format!(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {MANY}) SELECT n FROM c"
        )
    };
    let settled = serde_json::to_string(&super::kit::settled()).unwrap();
    let paid = serde_json::to_string(&charge(&["pi_x"])).unwrap();
    for statement in [
        format!(
            "INSERT INTO payments (key, realm, account, livemode, source, decision, state, channel, days, amount, \
             currency, granted, first_seen_at, since) SELECT 'stripe/old_' || n, 'stripe', '', 1, 'stripe', 'granted', \
             'credited', 'CHAN-' || n % 500, 30, 900, 'usd', 1, {NOW} - n, {NOW} - n FROM (NUMBERS) AS numbers"
        ),
        "INSERT INTO aliases (realm, account, livemode, id, strength, payment) SELECT 'stripe', '', 1, 'old_' || n, 0, \
         'stripe/old_' || n FROM (NUMBERS) AS numbers"
            .into(),
        format!(
            "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, \
             facts, family, payment) SELECT 'stripe', 'evt_old_' || n, '', 'charge.succeeded', 'application/json', \
             {NOW}, {NOW}, 0, '{paid}', 'charges', 'stripe/old_' || n FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome) \
             SELECT 'old_' || number, number, 'webhook', '', {NOW}, {NOW}, \
             CASE WHEN number % 2 = 0 THEN 'held' ELSE 'granted' END FROM events"
        ),
        format!(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, open, \
             detail, traceparent, created_at, settled_at) SELECT 'stripe/old_' || n || '#1', 'stripe/old_' || n, 1, \
             'main', 'CHAN-' || n % 500, 30, '', 'settled', 1, 0, 0, '{settled}', '', {NOW}, {NOW} \
             FROM (NUMBERS) AS numbers"
        ),
    ] {
        raw.execute(&statement.replace("NUMBERS", &numbers)).await;
    }
}

/// With an index by amount, or by how deliveries ended, the more there are the slower was each: a plan that chose it
/// walked all of them. With statistics and without.
pub(super) async fn one_price_is_no_cliff(kit: Kit) {
    let postgres = kit.is_postgres();
    let mut raw = kit.sql().await;
    fill(&mut raw, postgres).await;
    for name in ["in", "out"] {
        kit.record(&format!("evt_{name}"), &to(charge(&[&format!("pi_{name}")]), "CHAN-new", 30)).await;
    }
    kit.record("evt_held", &charge(&["pi_held"])).await;
    for statistics in [false, true] {
        if statistics {
            raw.execute("ANALYZE").await;
        }
        for (statement, plan) in kit.hot_plans().await.unwrap() {
            let told = format!("statistics: {statistics}\n{statement}\n{plan}");
            for walked in [
                "Seq Scan",
                "SCAN p\n",
                "SCAN o",
                "SCAN e\n",
                "SCAN events",
                "SCAN d",
                "SCAN t\n",
                "SCAN payments",
                "SCAN transfers",
                "SCAN deliveries",
                "payments_by_amount",
                "payments_by_time",
                "deliveries_by_outcome",
                "events_by_time",
                "events_pkey",
                "SEARCH e USING INTEGER PRIMARY KEY",
                "SEARCH d USING INTEGER PRIMARY KEY",
                "deliveries_pkey on deliveries d",
            ] {
                assert!(!format!("{plan}\n").contains(walked), "{walked}\n{told}");
            }
        }
    }

    // And they find what they did.
    let twin = to(facts(charge(&[]).meaning, &["ch_in"]), "CHAN-new", 30);
    assert!(twin.money == Some(Money { amount: 900, currency: "usd".into() }));
    let recorded = kit.record_as(&delivery("evt_twin"), Ok(&twin), &rules(), false).await;
    assert!(
        recorded.planned.is_none() && recorded.reason.unwrap().contains("stripe/pi_"),
        "a suspected duplicate"
    );
    let held = kit.held_envelopes(None, 0, 9).await.unwrap();
    let ids: Vec<_> = held.iter().map(|(_, envelope, _)| envelope.event_id.as_str()).collect();
    assert_eq!(ids, ["evt_held", "evt_twin"]);
    assert_eq!(kit.held(9, NOW).await.unwrap().len(), 2);
}

/// From the record to the channel that is given back, of a payment that nobody knew.
pub(super) async fn a_payment_takes_few_statements(kit: Kit) {
    for round in 0..3 {
        let before = kit.asked_so_far();
        let now = NOW + round;
        let paid = to(charge(&[&format!("pi_{round}"), &format!("ch_{round}")]), "CHAN-1", 30);
        let take = Take { token: &format!("w/{round}"), lease_until: now + 60_000 };
        let recorded = kit.record_and_take(&format!("evt_{round}"), &paid, take, now).await;
        let claim = recorded.claim.expect("nobody holds the channel");
        let turn = kit.turn(&claim, now).await.unwrap();
        let transfer = turn.transfer.unwrap();
        let intended = intended(claim.epoch);
        assert!(kit.put(&claim, &transfer.key, &transfer.state, intended.clone(), now).await);
        let told = kit.advance(&claim, &transfer.key, &intended, &step(settled()), true, now).await.unwrap();
        assert_eq!(told.and_then(|told| told.due), None);
        let after = kit.asked_so_far();
        // On PostgreSQL three more lock what SQLite's one writer need not: the ids, and the channel of each step.
        let locks = if kit.is_postgres() { 3 } else { 0 };
        assert_eq!(after.commits - before.commits, 3, "round {round}");
        assert_eq!(after.statements - before.statements, 18 + locks, "round {round}");
    }
}
