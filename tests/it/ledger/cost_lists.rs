//! Every list and search, with each filter, two at a time, and deep pages.

use daybridge::{
    domain::closed::{HeldCause, PaymentState, TransferState},
    envelope::Trigger,
    ledger::{
        Act, DeliveryOutcome, Scope, Selection,
        books::BookWalk,
        query::{ChannelQuery, EventQuery, HeldQuery, Page, PaymentQuery, TransferQuery},
        view::{self, MarkKind},
    },
};

use super::{
    cost::{Cost, cost, steps},
    cost_fill::BEGUN,
    kit::{ACCOUNT, Kit, NOW},
};

/// One of the oldest payments.
const OLDEST: &str = "stripe/old_500";

/// Rows of a page.
const ROWS: u32 = 50;

/// Measures one question.
macro_rules! list {
    ($kit:ident, $costs:ident, $name:expr, $asked:expr) => {{
        let before = steps($kit);
        let found = $asked.await.unwrap();
        $costs.push(cost($kit, $name, before));
        found
    }};
}

/// Measures the first, the second, a deeper and a page near the end, after a row; a list may end before.
macro_rules! pages {
    ($kit:ident, $costs:ident, $name:expr, |$page:ident| $asked:expr, |$row:ident| $after:expr, $deep:expr) => {{
        let mut page = Page::first(ROWS);
        for at in [1, 2, 3, 10, 99] {
            if at == 99 {
                page.after = Some($deep);
            }
            // The pages up to the tenth are one, which is not measured.
            page.limit = if at == 3 { 7 * ROWS } else { ROWS };
            let before = steps($kit);
            let $page = &page;
            let found = $asked.await.unwrap();
            let cost = cost($kit, &format!("{}, page {at}", $name), before);
            if at != 3 {
                $costs.push(cost);
            }
            page.after = found.last().map(|$row| $after).or(page.after);
        }
    }};
}

/// `size`: payments that are there.
pub(super) async fn lists(kit: &Kit, size: i64, costs: &mut Vec<Cost>) {
    let (since, until) = (BEGUN + (size - 3_000) * 1_000, BEGUN + (size - 500) * 1_000);
    payments(kit, since, costs).await;
    transfers_and_channels(kit, size - 500, costs).await;
    events(kit, until, costs).await;
    what_waits(kit, costs).await;
    replays(kit, (since, until), costs).await;
    reconcile(kit, size - 500, costs).await;
}

/// A filter by its name, and how it is set.
type Set<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// None, each by itself, and two at a time.
fn pairs<T: Clone + Default + PartialEq>(filters: &[Set<'_, T>]) -> Vec<(String, T)> {
    let mut found = vec![("all".to_owned(), T::default())];
    for (at, (name, set)) in filters.iter().enumerate() {
        let mut one = T::default();
        set(&mut one);
        found.push(((*name).to_owned(), one.clone()));
        for (other, also) in &filters[at + 1..] {
            let (mut two, mut alone) = (one.clone(), T::default());
            also(&mut two);
            also(&mut alone);
            // Two values of one column are the second.
            if two != alone {
                found.push((format!("{name}, {other}"), two));
            }
        }
    }
    found
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn payments(kit: &Kit, since: i64, costs: &mut Vec<Cost>) {
    let filters: [Set<'_, PaymentQuery>; 13] = [
        ("text", &|q| q.text = text("old_7")),
        ("text of a channel", &|q| q.text = text("CHAN-1")),
        ("held", &|q| q.state = Some(PaymentState::Held)),
        ("credited", &|q| q.state = Some(PaymentState::Credited)),
        ("source", &|q| q.source = text("stripe")),
        ("rare source", &|q| q.source = text("old")),
        ("channel", &|q| q.channel = text("CHAN-1")),
        ("no channel", &|q| q.channel = text("CHAN-NONE")),
        ("customer", &|q| q.customer = text("cus_1")),
        ("realm", &|q| q.realm = text("stripe")),
        ("amount", &|q| q.amount = Some(900)),
        ("since", &|q| q.since = Some(since)),
        ("until", &|q| q.until = Some(NOW)),
    ];
    for (name, wanted) in pairs(&filters) {
        let name = format!("payments: {name}");
        pages!(
            kit,
            costs,
            name,
            |page| kit.ledger.payments(&wanted, page),
            |row| row.key.clone(),
            OLDEST.to_owned()
        );
    }
}

async fn transfers_and_channels(kit: &Kit, deep: i64, costs: &mut Vec<Cost>) {
    let filters: [Set<'_, TransferQuery>; 4] = [
        ("held", &|q| q.state = Some(TransferState::Held)),
        ("settled", &|q| q.state = Some(TransferState::Settled)),
        ("channel", &|q| q.channel = text("CHAN-1")),
        ("no channel", &|q| q.channel = text("CHAN-NONE")),
    ];
    for (name, wanted) in pairs(&filters) {
        let name = format!("transfers: {name}");
        pages!(
            kit,
            costs,
            name,
            |page| kit.ledger.transfers(&wanted, page),
            |row| row.key.clone(),
            format!("{OLDEST}#1")
        );
    }
    let filters: [Set<'_, ChannelQuery>; 7] = [
        ("until", &|q| q.until = Some(NOW + 86_400_000)),
        ("dark", &|q| q.dark_at = Some(NOW)),
        ("unpaid", &|q| q.unpaid = true),
        ("channel", &|q| q.channel = text("OLD-7")),
        ("live", &|q| q.mode = text("live")),
        ("mode", &|q| q.mode = text("test")),
        ("no channel", &|q| q.channel = text("CHAN-NONE")),
    ];
    for (name, wanted) in pairs(&filters) {
        let name = format!("channels: {name}");
        let deep = format!("main/OLD-{deep}");
        let after = |row: &view::ChannelRow| format!("{}/{}", row.account, row.channel);
        pages!(kit, costs, name, |page| kit.ledger.channels(&wanted, page), |row| after(row), deep.clone());
    }
}

async fn events(kit: &Kit, until: i64, costs: &mut Vec<Cost>) {
    let filters: [Set<'_, EventQuery>; 10] = [
        ("source", &|q| q.source = text("stripe")),
        ("rare source", &|q| q.source = text("old")),
        ("type", &|q| q.event_type = text("charge.succeeded")),
        ("rare type", &|q| q.event_type = text("invoice.paid")),
        ("granted", &|q| q.outcome = Some(DeliveryOutcome::Granted)),
        ("held", &|q| q.outcome = Some(DeliveryOutcome::Held)),
        ("refund", &|q| q.outcome = Some(DeliveryOutcome::Refund)),
        ("duplicate", &|q| q.outcome = Some(DeliveryOutcome::Duplicate)),
        ("webhook", &|q| q.trigger = Some(Trigger::Webhook)),
        ("replay", &|q| q.trigger = Some(Trigger::Replay)),
    ];
    for (name, wanted) in pairs(&filters) {
        let name = format!("events: {name}");
        pages!(
            kit,
            costs,
            name,
            |page| kit.ledger.events(&wanted, page),
            |row| row.delivery.clone(),
            "old_500".to_owned()
        );
    }
    list!(kit, costs, "one event", kit.ledger.event("evt_old_7"));
    list!(kit, costs, "one event by its source", kit.ledger.event("stripe/evt_old_7"));
    list!(kit, costs, "one event by its delivery", kit.ledger.event("old_7"));
    list!(kit, costs, "traffic", kit.ledger.traffic(until));
}

async fn what_waits(kit: &Kit, costs: &mut Vec<Cost>) {
    let act = Act { who: "ada", reason: "read" };
    kit.ledger.mark_balance(ACCOUNT, MarkKind::Set, 1_000_000, &act, BEGUN).await.unwrap();
    list!(kit, costs, "held", kit.ledger.held(&HeldQuery::default(), ROWS, NOW));
    let twins = HeldQuery { cause: Some(HeldCause::SuspectedDuplicate), key: None };
    list!(kit, costs, "held by cause", kit.ledger.held(&twins, ROWS, NOW));
    let one = HeldQuery { cause: None, key: text("stripe/old_7") };
    list!(kit, costs, "held by key", kit.ledger.held(&one, ROWS, NOW));
    list!(kit, costs, "held groups", kit.ledger.held_groups(NOW));
    list!(kit, costs, "counts", kit.ledger.counts());
    list!(kit, costs, "measures", kit.ledger.measures(&["stripe".to_owned()], NOW));
    list!(kit, costs, "balance", kit.ledger.balance(ACCOUNT, None, NOW));
    list!(kit, costs, "grants", kit.ledger.grants(NOW, NOW + 1));
    list!(kit, costs, "movements", kit.ledger.movements(ROWS));
    list!(kit, costs, "movements of a channel", kit.ledger.movements_of(ACCOUNT, "CHAN-1", ROWS));
    list!(kit, costs, "late slices", kit.ledger.late_slices(ACCOUNT, NOW, 50));
    list!(kit, costs, "spent", kit.ledger.spent(NOW - 86_400_000));
    list!(kit, costs, "last deliveries", kit.ledger.last_deliveries(&["stripe".to_owned()]));
    list!(kit, costs, "kept back", kit.ledger.kept_back(&Scope::Account(ACCOUNT.to_owned()), 1));
    list!(kit, costs, "one payment", kit.ledger.payment("old_7"));
    list!(kit, costs, "plans", kit.ledger.plans(&Page::first(ROWS)));
    list!(kit, costs, "audit", kit.ledger.audit(None, &Page::first(ROWS)));
}

async fn replays(kit: &Kit, (since, until): (i64, i64), costs: &mut Vec<Cost>) {
    let filters: [Set<'_, Selection>; 12] = [
        ("event", &|q| q.event = text("evt_old_7")),
        ("payment", &|q| q.payment = text("stripe/old_7")),
        ("channel", &|q| q.channel = text("CHAN-1")),
        ("no channel", &|q| q.channel = text("CHAN-NONE")),
        ("held", &|q| q.state = Some(PaymentState::Held)),
        ("credited", &|q| q.state = Some(PaymentState::Credited)),
        ("source", &|q| q.source = text("stripe")),
        ("type", &|q| q.event_type = text("charge.succeeded")),
        ("webhook", &|q| q.trigger = Some(Trigger::Webhook)),
        ("since", &|q| q.since = Some(since)),
        ("until", &|q| q.until = Some(until)),
        ("dead", &|q| q.dead = true),
    ];
    for (name, wanted) in pairs(&filters) {
        let mut after = None;
        for (at, rows) in [(1, ROWS), (2, ROWS), (3, 57 * ROWS), (60, ROWS)] {
            let before = steps(kit);
            let found = kit.ledger.select(&wanted, after.as_ref(), rows).await.unwrap();
            let cost = cost(kit, &format!("replay: {name}, page {at}"), before);
            if at != 3 {
                costs.push(cost);
            }
            after = found.into_iter().last().or(after);
        }
    }
}

async fn reconcile(kit: &Kit, deep: i64, costs: &mut Vec<Cost>) {
    let walk = BookWalk { realm: "stripe", livemode: true, since: 0, until: NOW + 1, limit: ROWS };
    let mut after = None;
    for at in 1..=11 {
        if at == 11 {
            after = Some((BEGUN + deep * 1_000, String::new()));
        }
        let before = steps(kit);
        let found = kit.ledger.booked_page(&walk, after.clone()).await.unwrap();
        if [1, 2, 10, 11].contains(&at) {
            costs.push(cost(kit, &format!("reconcile, page {at}"), before));
        }
        after = found.last().map(|last| (last.first_seen_at, last.key.clone())).or(after);
    }
    list!(kit, costs, "reconcile by name", kit.ledger.named("stripe", true, &["old_7".to_owned()]));
    list!(kit, costs, "reconcile by key", kit.ledger.booked(&["stripe/old_7".to_owned()]));
    list!(kit, costs, "reconcile, when paid", kit.ledger.paid_at(&["stripe/old_7".to_owned()]));
    list!(kit, costs, "reconcile channels", kit.ledger.channels_page(ACCOUNT, "", ROWS));
    list!(kit, costs, "reconcile channels, deep", kit.ledger.channels_page(ACCOUNT, "OLD-3", ROWS));
    list!(kit, costs, "reconcile movements", kit.ledger.movements_page(ACCOUNT, 0, NOW, 0, ROWS));
    list!(kit, costs, "reconcile loose", kit.ledger.loose(ACCOUNT, &["CHAN-7".to_owned()]));
}
