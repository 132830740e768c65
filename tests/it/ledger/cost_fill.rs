//! Ledgers that have many payments already.

use daybridge::domain::channel::Channel;

use super::kit::{Kit, NOW, charge, settled};
use crate::support::sql::Sql;

/// When the first payment was seen; each next one a second later.
pub(super) const BEGUN: i64 = NOW - 86_400_000;

/// What the payments have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    OnePrice,
    MixedPrices,
    OneChannel,
}

/// The payments from one number to another, credited, each with an event, a delivery and an id. Half of the deliveries are
/// held.
pub(super) async fn fill(kit: &Kit, raw: &mut Sql, shape: Shape, from: i64, to: i64) {
    let numbers = match kit.is_postgres() {
        true => format!("SELECT generate_series AS n FROM generate_series({}, {to})", from + 1),
        false => format!(
            "WITH RECURSIVE c(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM c WHERE n < {to}) SELECT n FROM c",
            from + 1
        ),
    };
    let settled = serde_json::to_string(&settled()).unwrap();
    let paid = serde_json::to_string(&charge(&["pi_x"])).unwrap();
    let known = serde_json::to_string(&Channel::default()).unwrap();
    let channel = if shape == Shape::OneChannel { "'CHAN-1'" } else { "'CHAN-' || (n / 100)" };
    let customer = if shape == Shape::OneChannel { "'cus_1'" } else { "'cus_' || (n / 100)" };
    let amount = if shape == Shape::MixedPrices { "900 + n / 100" } else { "900" };
    for statement in [
        format!(
            "INSERT INTO payments (key, realm, account, livemode, source, decision, state, channel, customer, days, \
             amount, currency, granted, first_seen_at, since) SELECT 'stripe/old_' || n, 'stripe', '', 1, 'stripe', \
             'granted', 'credited', {channel}, {customer}, 30, {amount}, 'usd', 1, {BEGUN} + n * 1000, {BEGUN} + n * 1000 FROM (NUMBERS) AS numbers"
        ),
        "INSERT INTO aliases (realm, account, livemode, id, strength, payment) SELECT 'stripe', '', 1, 'old_' || n, 0, \
         'stripe/old_' || n FROM (NUMBERS) AS numbers"
            .into(),
        format!(
            "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, \
             facts, family, payment) SELECT 'stripe', 'evt_old_' || n, '', 'charge.succeeded', 'application/json', \
             {BEGUN} + n * 1000, {BEGUN} + n * 1000, 0, '{paid}', 'charges', 'stripe/old_' || n FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome) \
             SELECT 'old_' || n, (SELECT number FROM events WHERE event_id = 'evt_old_' || n), 'webhook', '', \
             {BEGUN} + n * 1000, {BEGUN} + n * 1000, CASE WHEN n % 2 = 0 THEN 'held' ELSE 'granted' END FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO bodies (event, size, zlib) SELECT number, 1, {} FROM events e WHERE event_id LIKE 'evt_old_%' \
             AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.event = e.number)",
            if kit.is_postgres() { "'\\x789cab000000790079'::bytea" } else { "x'789cab000000790079'" }
        ),
        format!(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, open, \
             detail, traceparent, created_at, settled_at) SELECT 'stripe/old_' || n || '#1', 'stripe/old_' || n, 1, \
             'main', {channel}, 30, '', 'settled', 1, 0, 0, '{settled}', '', {BEGUN} + n * 1000, \
             {BEGUN} + n * 1000 \
             FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, deferred, detail, active_till, \
             mode) SELECT 'main', 'OLD-' || n, 1, '', 0, 0, '{known}', {NOW} + n, 'live' FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO listed_channels (account, channel, mode, active_till, seen_at) SELECT 'main', \
             CASE WHEN n % 2 = 0 THEN 'OLD-' || n ELSE 'ONLY-' || n END, 'live', {NOW} + n, {NOW} FROM (NUMBERS) AS numbers"
        ),
        "INSERT INTO steps (transfer, at, state, attempt, note) SELECT 'stripe/old_' || n || '#1', 1, 'settled', 1, '' \
         FROM (NUMBERS) AS numbers"
            .into(),
    ] {
        raw.execute(&statement.replace("NUMBERS", &numbers)).await;
    }
}
