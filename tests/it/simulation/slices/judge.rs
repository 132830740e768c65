//! What is judged when all is over: each slice once, in the order of its channel's queue, numbered without a gap, and told as
//! it was.

use std::collections::{BTreeMap, BTreeSet};

use daybridge::ledger::{
    Ledger,
    query::{Page, PaymentQuery},
};

use super::{
    super::{
        judge::{days_in_books, is_excused},
        world::World,
    },
    Key,
};

/// Most rows of a list.
const ROWS_MAX: u32 = 10_000;

/// The transfer that a comment, or a key, names.
pub fn numbered(world: &World, comment: &str) -> Option<Key> {
    let name = world.payment_of(comment)?;
    let key = comment.split_whitespace().find(|word| word.contains('/'))?;
    Some((name, key.split_once('#')?.1.parse().ok()?))
}

/// The days that the books have for a transfer.
pub fn days_of(world: &World, key: &Key) -> u32 {
    let lines = world.partner().lines.clone();
    let own = lines.iter().filter(|line| numbered(world, &line.comment).as_ref() == Some(key));
    own.map(|line| line.days).sum()
}

/// Whether days of a payment are in the books twice: two lines of one transfer.
pub fn twice(world: &World, name: &str) -> Option<Key> {
    let lines = world.partner().lines.clone();
    let mut seen = BTreeSet::new();
    let keys = lines.iter().filter_map(|line| numbered(world, &line.comment));
    keys.filter(|(own, _)| own == name).find(|key| !seen.insert(key.clone()))
}

/// See the module.
pub async fn judge(world: &World, ledger: &Ledger) -> Vec<String> {
    let terms = world.inner().slices.terms;
    if !terms.is_on() {
        return Vec::new();
    }
    let mut wrong = sums(world, ledger).await;
    if !terms.at_once && !world.inner().restored {
        wrong.extend(order(world));
    }
    wrong
}

/// Whether the ledger tells of each payment what the books do, and numbers its slices one after the other.
async fn sums(world: &World, ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = ledger.payments(&PaymentQuery::default(), &Page::first(ROWS_MAX)).await.unwrap();
    for row in &rows {
        let Some(name) = world.payment_of(&row.key) else { continue };
        let Some(whole) = ledger.payment(&row.key).await.unwrap() else { continue };
        let mut numbers: Vec<u32> =
            whole.transfers.iter().filter_map(|one| one.key.split_once('#')?.1.parse().ok()).collect();
        numbers.sort_unstable();
        if numbers.iter().zip(1..).any(|(number, wanted)| *number != wanted) {
            wrong.push(format!("numbers: {} has the slices {numbers:?}", row.key));
        }
        if numbers.is_empty() || is_excused(world, &name) {
            continue;
        }
        let (moved, bought) = (days_in_books(world, &name), row.days.unwrap_or(0));
        if row.moved != moved {
            wrong.push(format!("moved: {}: {} days are told, {moved} are in the books", row.key, row.moved));
        }
        if row.moved + row.owed > bought {
            wrong.push(format!("owed: {}: {} and {} of {bought} days", row.key, row.moved, row.owed));
        }
    }
    wrong
}

/// Whether a channel's payments came one after the other: none is interrupted by another, but where a person or money that
/// went out kept it back.
fn order(world: &World) -> Vec<String> {
    let lines = world.partner().lines.clone();
    let mut on: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in &lines {
        let Some(name) = world.payment_of(&line.comment) else { continue };
        let names = on.entry(line.channel.clone()).or_default();
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    let free = |name: &str| {
        let payments = world.payments();
        let Some(payment) = payments.get(name) else { return true };
        let money = !payment.refunds.is_empty() || payment.dispute.is_some();
        drop(payments);
        money || world.inner().slices.touched.contains(name) || is_excused(world, name)
    };
    let mut wrong = Vec::new();
    for (channel, names) in on {
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) && !free(name) {
                wrong.push(format!("order: {name} was interrupted on {channel}: {}", names.join(", ")));
            }
        }
    }
    wrong
}
