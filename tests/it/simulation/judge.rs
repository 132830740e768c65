//! The judge. It shares no rule with the product: what each payment should have come to it reckons from what really
//! happened at the provider and from the partner's books.

use std::collections::BTreeSet;

use daybridge::{
    domain::closed::{HeldCause, PaymentState},
    ledger::{
        Ledger,
        query::{EventQuery, Page, PaymentQuery},
        view::Held,
    },
};

use super::{slices::judge::twice, world::World};

/// Most rows of a list.
const ROWS_MAX: u32 = 10_000;

/// How often the books have a payment.
pub fn in_books(world: &World, name: &str) -> usize {
    let comments: Vec<String> = world.partner().lines.iter().map(|line| line.comment.clone()).collect();
    comments.iter().filter(|comment| world.payment_of(comment).as_deref() == Some(name)).count()
}

/// The days that the books have for it.
pub fn days_in_books(world: &World, name: &str) -> u32 {
    let lines = world.partner().lines.clone();
    let mine = lines.iter().filter(|line| world.payment_of(&line.comment).as_deref() == Some(name));
    mine.map(|line| line.days).sum()
}

/// Whether days of it, or of its channel, moved that a restored ledger forgot, and nobody told it: they explain nothing
/// there, and may be taken for others.
fn is_forgotten(world: &World, name: &str) -> bool {
    let channel = world.payments()[name].channel.clone();
    let lines = world.partner().lines.clone();
    let its = |comment: &str| world.payment_of(comment).as_deref() == Some(name);
    lines.iter().any(|line| world.is_forgotten(line.at) && (line.channel == channel || its(&line.comment)))
}

/// Whether something made of a payment what it came to that no program can know: a person's word, or a copy that was put
/// back without one (design.md §6: a restored ledger must be declared).
pub fn is_excused(world: &World, name: &str) -> bool {
    world.is_a_persons(name) || is_forgotten(world, name)
}

/// Whether the reasons of what is held are true.
pub fn reasons(world: &World, rows: &[Held]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows {
        let Some(name) = world.payment_of(row.payment.as_deref().unwrap_or(&row.key)) else {
            continue;
        };
        if is_excused(world, &name) {
            continue;
        }
        let payments = world.payments();
        let payment = &payments[&name];
        let true_words = match row.cause {
            HeldCause::Refunded => !payment.refunds.is_empty() || payment.was_tried,
            HeldCause::Disputed => payment.dispute.is_some(),
            HeldCause::DaysSpent => {
                drop(payments);
                let by_hand = world.partner().owed.contains_key(&name);
                in_books(world, &name) > 0 || by_hand
            }
            _ => true,
        };
        if !true_words {
            wrong.push(format!("untrue: {} {} is held as {}", row.kind, row.key, row.cause));
        }
    }
    wrong
}

/// Whether what is called credited is in the books, and no payment is there twice.
pub async fn payments(world: &World, ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = ledger.payments(&PaymentQuery::default(), &Page::first(ROWS_MAX)).await.unwrap();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let Some(name) = world.payment_of(&row.key) else {
            continue;
        };
        let counts = !matches!(row.state, PaymentState::Linked | PaymentState::Cancelled);
        if counts && world.is_joined(&name) && !seen.insert(name.clone()) {
            wrong.push(format!("two rows: {name}: {} is {}", row.key, row.state));
        }
        let by_hand = world.partner().owed.contains_key(&name);
        let excused = is_excused(world, &name);
        if row.state == PaymentState::Credited && in_books(world, &name) == 0 && !by_hand && !excused {
            wrong.push(format!("untrue: {} is called credited, and the books have it not", row.key));
        }
    }
    wrong
}

/// Whether everything came to what it should have.
pub async fn judge(world: &World, ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let names: Vec<String> = world.payments().keys().cloned().collect();
    for name in names {
        let booked = in_books(world, &name);
        let (due, bought, channel) = {
            let payments = world.payments();
            let payment = &payments[&name];
            (payment.due(), payment.days, payment.channel.clone())
        };
        if is_excused(world, &name) {
            continue;
        }
        let moved = days_in_books(world, &name);
        let by_hand = world.partner().owed.get(&name).copied().unwrap_or(0);
        if let Some((_, number)) = twice(world, &name) {
            wrong.push(format!("twice: {name} moved {moved} days by {booked} calls, #{number} twice"));
        } else if moved + by_hand > bought {
            wrong.push(format!("too many: {name} moved {moved} days, {by_hand} by hand, of {bought} bought"));
        } else if moved + by_hand < due && world.partner().knows(&channel) {
            wrong.push(format!("lost: {name} moved {moved} days, {by_hand} by hand, of {due} due"));
        }
    }
    wrong.extend(payments(world, ledger).await);
    let rows = ledger.events(&EventQuery::default(), &Page::first(ROWS_MAX)).await.unwrap();
    // One that brings several events is numbered behind a dot.
    let recorded: BTreeSet<&str> =
        rows.iter().map(|row| row.delivery.split('.').next().unwrap_or_default()).collect();
    for told in world.told() {
        if !recorded.contains(&*told.envelope.delivery) {
            wrong.push(format!("forgotten: {} of {}", told.envelope.delivery, told.payment));
        }
    }
    wrong
}
