//! What a payment and a list cost in a ledger that has many payments already: no statement looks at all of them, whatever
//! they have in common, and whether the database has statistics or not.

use daybridge::{
    domain::{
        facts::Meaning,
        settle::{AccountSignal, State},
    },
    ledger::Take,
};

use super::{
    cost_fill::{Shape, fill},
    cost_lists::lists,
    kit::{ACCOUNT, Kit, NOW, charge, facts, intended, rules, settled, step, to},
    reversal::refund,
};
use crate::support::sql::Sql;

/// Payments that are there already, at first and later.
const FEW: i64 = 4_000;
const MANY: i64 = 16_000;

pub(super) async fn payments_of_one_price_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::OnePrice).await;
}

pub(super) async fn payments_of_mixed_prices_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::MixedPrices).await;
}

pub(super) async fn payments_of_one_channel_cost_no_more(kit: Kit) {
    costs_no_more(kit, Shape::OneChannel).await;
}

async fn costs_no_more(kit: Kit, shape: Shape) {
    let mut raw = kit.sql().await;
    kit.explain_statements();
    if kit.is_postgres() {
        without_own_statistics(&mut raw).await;
    }
    fill(&kit, &mut raw, shape, 0, FEW).await;
    let few = measured(&kit, "few", FEW).await;
    fill(&kit, &mut raw, shape, FEW, MANY).await;
    let mut grow = grown(&kit, &few, "many").await;
    raw.execute("ANALYZE").await;
    grow.extend(grown(&kit, &few, "known").await);
    assert!(grow.is_empty(), "{} grow\n\n{}", grow.len(), grow.join("\n\n"));
}

/// What takes more than it did, and does so again: where other databases of the server change their tables at the time, a
/// session forgets what it knows of its own, and whatever runs next reads that once more.
async fn grown(kit: &Kit, few: &[Cost], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in [name.to_owned(), format!("{name}_again")] {
        let later = measured(kit, &name, MANY).await;
        found = few
            .iter()
            .flat_map(|few| {
                later.iter().filter(|later| later.what == few.what).map(move |later| (few, later))
            })
            .filter(|(few, later)| later.work > few.work * 3 / 2 + slack(kit))
            .map(|(few, later)| {
                format!("GROWS {}: {}, then {}\n{}", few.what, few.work, later.work, later.plans)
            })
            .collect();
        if found.is_empty() {
            break;
        }
    }
    found
}

/// What one ask may take more than another by chance: a row that is written may make its table's file longer, and looks for
/// room first (28 pages instead of 5 were seen).
fn slack(kit: &Kit) -> u64 {
    if kit.is_postgres() { 60 } else { 1_000 }
}

/// PostgreSQL makes some by itself, whenever it comes to it.
async fn without_own_statistics(raw: &mut Sql) {
    for table in GROW {
        raw.execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)")).await;
    }
}

/// What something costs: steps of SQLite's machine, or pages that PostgreSQL read.
pub(super) struct Cost {
    pub(super) what: String,
    pub(super) work: u64,
    pub(super) plans: String,
}

/// Of a payment's life, also by its statements on PostgreSQL, and of each list.
async fn measured(kit: &Kit, name: &str, size: i64) -> Vec<Cost> {
    let mut costs = Vec::new();
    let before = steps(kit);
    life(kit, name).await;
    if kit.is_postgres() {
        costs.extend(kit.explained().into_iter().map(|explained| Cost {
            what: format!("a payment: {}", explained.statement),
            work: explained.pages,
            plans: explained.plan,
        }));
    } else {
        costs.push(cost(kit, "a payment", before));
    }
    lists(kit, size, &mut costs).await;
    costs
}

/// So far, of SQLite's machine.
pub(super) fn steps(kit: &Kit) -> u64 {
    kit.database_counts().steps
}

/// Of what was asked since there were so many steps.
pub(super) fn cost(kit: &Kit, what: &str, before: u64) -> Cost {
    let explained = kit.explained();
    let pages: u64 = explained.iter().map(|explained| explained.pages).sum();
    let plans = explained.iter().map(|explained| format!("{}\n{}\n", explained.statement, explained.plan));
    Cost { what: what.to_owned(), work: steps(kit) - before + pages, plans: plans.collect() }
}

/// Tables that have a row for each payment, or more.
const GROW: [&str; 9] = [
    "payments",
    "events",
    "deliveries",
    "transfers",
    "aliases",
    "steps",
    "bodies",
    "channels",
    "listed_channels",
];

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
    for news in [AccountSignal::NoBalance, AccountSignal::Extends] {
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
