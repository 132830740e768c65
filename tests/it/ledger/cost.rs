//! What a payment and a list cost in a ledger that has many payments already: no statement looks at all of them, whatever
//! they have in common, and whether the database has statistics or not.

use daybridge::{
    domain::{
        channel::Channel,
        closed::{HeldCause, PaymentState, TransferState},
        facts::Meaning,
        settle::{AccountNews, State},
    },
    envelope::Trigger,
    ledger::{
        Outcome, Scope, Selection, Take,
        books::Walk,
        query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
    },
};

use super::{
    kit::{ACCOUNT, Kit, NOW, charge, facts, intended, rules, settled, step, to},
    money_out::refund,
};
use crate::support::sql::Sql;

/// Payments that are there already, at first and later.
const FEW: i64 = 4_000;
const MANY: i64 = 16_000;

/// What the payments have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    OnePrice,
    MixedPrices,
    OneChannel,
}

/// The payments from one number to another, credited, each with an event, a delivery and an id. Half of the deliveries are
/// held.
async fn fill(kit: &Kit, raw: &mut Sql, shape: Shape, from: i64, to: i64) {
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
    let channel = if shape == Shape::OneChannel { "'CHAN-1'" } else { "'CHAN-' || (n % 500)" };
    let amount = if shape == Shape::MixedPrices { "100 + n % 997" } else { "900" };
    for statement in [
        format!(
            "INSERT INTO payments (key, realm, account, livemode, source, decision, state, channel, days, amount, \
             currency, granted, first_seen_at, since) SELECT 'stripe/old_' || n, 'stripe', '', 1, 'stripe', 'granted', \
             'credited', {channel}, 30, {amount}, 'usd', 1, {NOW} - n, {NOW} - n FROM (NUMBERS) AS numbers"
        ),
        "INSERT INTO aliases (realm, account, livemode, id, strength, payment) SELECT 'stripe', '', 1, 'old_' || n, 0, \
         'stripe/old_' || n FROM (NUMBERS) AS numbers"
            .into(),
        format!(
            "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, dead, \
             facts, family, payment) SELECT 'stripe', 'evt_old_' || n, '', 'charge.succeeded', 'application/json', \
             {NOW} - n, {NOW}, 0, '{paid}', 'charges', 'stripe/old_' || n FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome) \
             SELECT 'old_' || n, (SELECT number FROM events WHERE event_id = 'evt_old_' || n), 'webhook', '', {NOW} - n, \
             {NOW}, CASE WHEN n % 2 = 0 THEN 'held' ELSE 'granted' END FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO bodies (event, size, zlib) SELECT number, 1, {} FROM events e WHERE event_id LIKE 'evt_old_%' \
             AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.event = e.number)",
            if kit.is_postgres() { "'\\x789cab000000790079'::bytea" } else { "x'789cab000000790079'" }
        ),
        format!(
            "INSERT INTO transfers (key, payment, n, account, channel, days, comment, state, attempt, epoch, open, \
             detail, traceparent, created_at, settled_at) SELECT 'stripe/old_' || n || '#1', 'stripe/old_' || n, 1, \
             'main', {channel}, 30, '', 'settled', 1, 0, 0, '{settled}', '', {NOW} - n, {NOW} - 7200000 - n \
             FROM (NUMBERS) AS numbers"
        ),
        format!(
            "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, deferred, detail, active_till) \
             SELECT 'main', 'OLD-' || n, 1, '', 0, 0, '{known}', {NOW} + n FROM (NUMBERS) AS numbers"
        ),
        "INSERT INTO steps (transfer, at, state, attempt, note) SELECT 'stripe/old_' || n || '#1', 1, 'settled', 1, '' \
         FROM (NUMBERS) AS numbers"
            .into(),
    ] {
        raw.execute(&statement.replace("NUMBERS", &numbers)).await;
    }
}

pub(super) async fn payments_of_one_price_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::OnePrice).await;
}

pub(super) async fn payments_of_mixed_prices_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::MixedPrices).await;
}

pub(super) async fn payments_of_one_channel_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::OneChannel).await;
}

/// All are on one channel, so the statistics say of each channel that it has all.
const OF_A_CHANNEL: &str = "reconcile loose";

async fn costs_no_more(kit: Kit, shape: Shape) {
    let mut raw = kit.sql().await;
    kit.log_statements();
    fill(&kit, &mut raw, shape, 0, FEW).await;
    let few = measured(&kit, "few").await;
    fill(&kit, &mut raw, shape, FEW, MANY).await;
    let many = measured(&kit, "many").await;
    no_more(&few, &many);
    raw.execute("ANALYZE").await;
    let mut known = measured(&kit, "known").await;
    if shape == Shape::OneChannel {
        known.iter_mut().filter(|(what, _)| what == OF_A_CHANNEL).for_each(|(_, steps)| *steps = 0);
    }
    no_more(&few, &known);
}

/// Steps of SQLite's machine, which has no luck. A list of another page, or of one more row, takes some more.
fn no_more(few: &[(String, u64)], many: &[(String, u64)]) {
    for ((what, few), (_, many)) in few.iter().zip(many) {
        assert!(*many <= few + few / 2 + 5_000, "{what}: {few} steps, then {many}");
    }
}

/// A payment's life and each list, with their steps.
async fn measured(kit: &Kit, name: &str) -> Vec<(String, u64)> {
    let mut steps = Vec::new();
    let before = kit.database_counts().steps;
    life(kit, name).await;
    steps.push(("a payment".to_owned(), kit.database_counts().steps - before));
    for (statement, plan) in kit.plans_of_logged().await.unwrap() {
        assert!(!scans(&plan), "{name}\n{statement}\n{plan}");
    }
    lists(kit, &mut steps).await;
    for (statement, plan) in kit.plans_of_logged().await.unwrap() {
        // SQLite's steps tell. Without statistics PostgreSQL takes every condition for one that most rows meet; it makes
        // some by itself.
        let known = kit.is_postgres() && name == "known";
        // A channel's days are a sum over all of its transfers, which may be all that there are.
        let sums = statement.contains(" AS bought");
        assert!(!known || sums || !scans(&plan), "{name}\n{statement}\n{plan}");
    }
    steps
}

/// Tables that have a row for each payment, or more, and the names by which statements know them.
const GROW: [&str; 8] =
    ["payments", "events", "deliveries", "transfers", "aliases", "steps", "bodies", "channels"];

/// Whether a plan reads a growing table from end to end: by no index at all, or by one without a condition and without an
/// order that a page needs.
fn scans(plan: &str) -> bool {
    plan.lines().any(|line| {
        let line = line.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let walked = line.strip_prefix("SCAN ").filter(|rest| !rest.contains("USING"));
        let walked = walked.or_else(|| line.strip_prefix("Seq Scan on "));
        walked.is_some_and(|rest| {
            let table = rest.split_whitespace().next().unwrap_or_default();
            GROW.contains(&table) || ["p", "e", "d", "t"].contains(&table)
        })
    })
}

/// All that happens to a payment, and what a start and a worker without work ask.
async fn life(kit: &Kit, name: &str) {
    let id = |kind: &str| format!("{kind}_{name}");
    let paid = to(charge(&[&id("pi")]), "CHAN-1", 30);
    let take = Take { token: name, lease_until: NOW + 60_000 };
    let recorded = kit.record_and_take(&id("evt"), &paid, take, NOW).await;
    let claim = recorded.claim.expect("nobody holds the channel");
    kit.record(&id("evt"), &paid).await;
    kit.record(&id("evt_link"), &facts(Meaning::Link, &[&id("pi"), &id("in")])).await;
    let turn = kit.turn(&claim, NOW).await.unwrap();
    let transfer = turn.transfer.unwrap();
    let called = intended(claim.epoch);
    kit.may_call(&claim, 30, &super::pauses::no_brake(), NOW).await.unwrap();
    assert!(kit.put(&claim, &transfer.key, &transfer.state, called.clone(), NOW).await);
    assert!(
        kit.advance(&claim, &transfer.key, &called, &step(settled()), true, NOW).await.unwrap().is_some()
    );
    kit.record(&id("evt_re"), &refund(&id("pi"), 300)).await;
    // Of another kind of id, for the same money: it is compared.
    kit.record(&id("evt_other"), &to(charge(&[&id("cs")]), "CHAN-1", 30)).await;
    kit.record(&id("evt_held"), &charge(&[&id("pi_held")])).await;
    for news in [AccountNews::NoBalance, AccountNews::Extends] {
        kit.account_news(ACCOUNT, news, &transfer.key, NOW, NOW).await.unwrap();
        kit.take_probe(ACCOUNT, NOW, NOW + 1).await.unwrap();
    }
    kit.health().await.unwrap();
    kit.beat(name).await.unwrap();
    kit.held_envelopes(None, 0, 100).await.unwrap();
    kit.note_rules("stripe", "charges", NOW).await.unwrap();
    kit.note_source("stripe", &rules()).await.unwrap();
    for claim in kit.claim(ACCOUNT, name, NOW, NOW + 60_000, 9).await.unwrap() {
        kit.release(&claim, NOW + 1).await.unwrap();
    }
    kit.next_due(ACCOUNT).await.unwrap();
    // Two that become one.
    kit.record(&id("evt_a"), &facts(Meaning::Link, &[&id("cs_a")])).await;
    kit.record(&id("evt_b"), &facts(Meaning::Link, &[&id("in_b")])).await;
    kit.record(&id("evt_ab"), &facts(Meaning::Link, &[&id("cs_a"), &id("in_b")])).await;
    // Nothing of it is in the way of the next one.
    assert!(!matches!(transfer.state, State::Settled { .. }));
}

async fn lists(kit: &Kit, steps: &mut Vec<(String, u64)>) {
    macro_rules! list {
        ($name:expr, $asked:expr) => {{
            let before = kit.database_counts().steps;
            $asked.await.unwrap();
            steps.push(($name.to_string(), kit.database_counts().steps - before));
        }};
    }
    let page = Page::first(50);
    let text = |text: &str| Some(text.to_owned());
    let all = PaymentQuery::default();
    for (name, wanted) in [
        ("payments", all.clone()),
        ("payments by text", PaymentQuery { text: text("old_7"), ..all.clone() }),
        ("payments by state", PaymentQuery { state: Some(PaymentState::Held), ..all.clone() }),
        ("payments by source", PaymentQuery { source: text("stripe"), ..all.clone() }),
        ("payments by channel", PaymentQuery { channel: text("CHAN-1"), ..all.clone() }),
        ("payments by customer", PaymentQuery { customer: text("cus_1"), ..all.clone() }),
        ("payments by amount", PaymentQuery { amount: Some(900), ..all.clone() }),
        ("payments by time", PaymentQuery { since: Some(NOW - 50), until: Some(NOW), ..all.clone() }),
    ] {
        list!(name, kit.ledger.payments(&wanted, &page));
    }
    let all = TransferQuery::default();
    for (name, wanted) in [
        ("transfers", all.clone()),
        ("transfers by state", TransferQuery { state: Some(TransferState::Held), ..all.clone() }),
        ("transfers by channel", TransferQuery { channel: text("CHAN-1"), ..all.clone() }),
    ] {
        list!(name, kit.ledger.transfers(&wanted, &page));
    }
    let all = EventQuery::default();
    for (name, wanted) in [
        ("events", all.clone()),
        ("events by source", EventQuery { source: text("stripe"), ..all.clone() }),
        ("events by type", EventQuery { event_type: text("charge.succeeded"), ..all.clone() }),
        ("events by outcome", EventQuery { outcome: Some(Outcome::Refund), ..all.clone() }),
        ("events by trigger", EventQuery { trigger: Some(Trigger::Webhook), ..all.clone() }),
    ] {
        list!(name, kit.ledger.events(&wanted, &page));
    }
    list!("channels", kit.ledger.channels(&ChannelQuery::default(), &page));
    list!("held", kit.ledger.held(&HeldQuery::default(), 50, NOW));
    let twins = HeldQuery { cause: Some(HeldCause::Twin), key: None };
    list!("held by cause", kit.ledger.held(&twins, 50, NOW));
    list!("held groups", kit.ledger.held_groups(NOW));
    list!("measures", kit.ledger.measures(&["stripe".to_owned()], NOW));
    list!("movements", kit.ledger.movements(50));
    list!("spent", kit.ledger.spent(NOW - 86_400_000));
    list!("last deliveries", kit.ledger.last_deliveries(&["stripe".to_owned()]));
    list!("kept back", kit.ledger.kept_back(&Scope::Account(ACCOUNT.to_owned()), 1));
    list!("one payment", kit.ledger.payment("old_7"));
    list!("one event", kit.ledger.event("evt_old_7"));
    list!("plans", kit.ledger.plans(&page));
    list!("audit", kit.ledger.audit(None, &page));
    let all = Selection::default();
    for (name, wanted) in [
        ("replay of a channel", Selection { channel: text("CHAN-7"), ..all.clone() }),
        ("replay of a state", Selection { state: Some(PaymentState::Held), ..all.clone() }),
        ("replay of a source", Selection { source: text("stripe"), ..all.clone() }),
        ("replay of a type", Selection { event_type: text("charge.succeeded"), ..all.clone() }),
        ("replay of a time", Selection { since: Some(NOW - 50), until: Some(NOW), ..all.clone() }),
        ("replay of an event", Selection { event: text("evt_old_7"), ..all.clone() }),
        ("replay of a payment", Selection { payment: text("stripe/old_7"), ..all.clone() }),
    ] {
        list!(name, kit.ledger.select(&wanted, 0, 50));
    }
    let walk = Walk { realm: "stripe", livemode: true, since: 0, until: NOW + 1, limit: 50 };
    list!("reconcile", kit.ledger.booked_page(&walk, None));
    list!("reconcile by name", kit.ledger.named("stripe", true, &["old_7".to_owned()]));
    list!("reconcile channels", kit.ledger.channels_page(ACCOUNT, "", 50));
    list!("reconcile movements", kit.ledger.movements_page(ACCOUNT, 0, NOW, 0, 50));
    list!("reconcile loose", kit.ledger.loose(ACCOUNT, &["CHAN-7".to_owned()]));
}

/// From the record to the channel that is given back, of a payment that nobody knew.
pub(super) async fn a_payment_takes_few_statements(kit: Kit) {
    for round in 0..3 {
        let before = kit.database_counts();
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
        let after = kit.database_counts();
        // On PostgreSQL three more lock what SQLite's one writer need not: the ids, and the channel of each step.
        let locks = if kit.is_postgres() { 3 } else { 0 };
        assert_eq!(after.commits - before.commits, 3, "round {round}");
        assert_eq!(after.statements - before.statements, 18 + locks, "round {round}");
    }
}
