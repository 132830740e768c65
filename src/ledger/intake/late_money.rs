//! Money that comes in after its payment was granted, for instance with a second capture.
//!
//! There is one transfer a payment. While it was not called it grows, as it shrinks for a refund; else the days that were
//! paid for and did not move are listed as owed, for a person. Rejected: a second transfer, which money out, restorations
//! and lists would not see.

use crate::{
    domain::{
        Ms,
        facts::{Facts, Money},
        money,
        payment::{Rules, more_days, reversal::came_in},
    },
    ledger::db::{Fault, Tx, args},
};

/// What money does that came in after its payment was granted.
#[derive(Clone, Copy)]
pub(super) enum LateMoney {
    /// It makes the transfer longer, which was not called yet.
    Moves,
    /// It buys days that a person has to move.
    Waits,
    /// It buys no more days.
    Nothing,
}

/// Whether an event may tell of more money than its payment was granted for.
pub(super) fn may_be(facts: &Facts, rules: &Rules, before: &Money) -> bool {
    let told = facts.money.as_ref().filter(|_| facts.meaning.is_money_in(&rules.money_in));
    told.is_some_and(|told| facts.part.is_some() || told.amount > before.amount)
}

/// Money that came in after the grant.
pub(super) struct Came {
    /// Days that it buys.
    pub(super) days: u32,
    /// All of that in a sentence.
    pub(super) words: String,
}

impl Came {
    /// What became of its days, now that all is kept.
    pub(super) fn done(&self, tx: &mut Tx, key: &str) -> Result<LateMoney, Fault> {
        if self.days == 0 {
            return Ok(LateMoney::Nothing);
        }
        let row = tx.one("SELECT gap FROM payments WHERE key = $1", args![key])?;
        Ok(if row.get::<Option<String>>("gap")?.is_some() { LateMoney::Waits } else { LateMoney::Moves })
    }
}

/// Takes in what came in since the grant, for instance with a second capture: the payment's amount and days grow, and
/// what is kept of its money makes the transfer longer, or lists the days as owed.
pub(super) fn keep(
    tx: &mut Tx,
    key: &str,
    events: &[Facts],
    rules: &Rules,
    before: &Money,
    event: &str,
    now: Ms,
) -> Result<Option<Came>, Fault> {
    let Some(after) = came_in(events, &rules.money_in) else { return Ok(None) };
    let amount = after.amount.saturating_sub(before.amount);
    if amount <= 0 || after.currency != before.currency {
        return Ok(None);
    }
    let days = more_days(events, rules, before.amount, after.amount);
    let words = format!(
        "{} more came in after its days were granted, {} in all: {days} more days were paid for",
        money::shown(amount, &after.currency),
        money::shown(after.amount, &after.currency)
    );
    tx.execute(
        "UPDATE payments SET amount = $1, days = days + $2, days_more = days_more + $2 WHERE key = $3",
        args![after.amount, i64::from(days), key],
    )?;
    tx.execute(
        "INSERT INTO adjustments (payment, at, kind, amount, days, event, note) \
         VALUES ($1, $2, 'money_in', $3, $4, $5, $6)",
        args![key, now, amount, i64::from(days), event, &*words],
    )?;
    Ok(Some(Came { days, words }))
}
