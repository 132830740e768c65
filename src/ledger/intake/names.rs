//! The ids that payments are known by.

use std::collections::BTreeSet;

use crate::{
    domain::{
        facts::{Facts, PaymentId},
        id::payment_key,
    },
    ledger::db::{Arg, Bind as _, Fault, Row, Tx, args},
};

/// Most ids of one event that are looked up; the strongest come first.
const IDS_MAX: usize = 16;

/// Most ids that one payment is known by.
const ALIASES_MAX: i64 = 200;

/// Whose ids they are: realm, connected account ('' where there is none), and mode.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    pub(super) realm: &'a str,
    pub(super) account: &'a str,
    pub(super) livemode: i64,
}

impl<'a> Space<'a> {
    pub(super) fn of(facts: &'a Facts, realm: &'a str) -> Self {
        let account = facts.account.as_deref().unwrap_or_default();
        Self { realm, account, livemode: i64::from(facts.livemode) }
    }

    /// The key of one of its ids.
    pub(super) fn key(&self, id: &str) -> String {
        payment_key(self.realm, Some(self.account).filter(|account| !account.is_empty()), id)
    }
}

/// The ids of an event that count.
pub(super) fn ids(facts: &Facts) -> Vec<PaymentId> {
    facts.ids.iter().take(IDS_MAX).cloned().collect()
}

/// The keys of the payments that these ids name.
pub(super) fn named(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId]) -> Result<BTreeSet<String>, Fault> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut values = args![space.realm, space.account, space.livemode].to_vec();
    values.extend(ids.iter().map(|id| id.id.arg()));
    let places: Vec<String> = (4..).take(ids.len()).map(|place| format!("${place}")).collect();
    let statement = format!(
        "SELECT DISTINCT payment FROM aliases WHERE realm = $1 AND account = $2 AND livemode = $3 AND id IN ({})",
        places.join(", ")
    );
    tx.all(&statement, &values)?.iter().map(|row| row.get("payment")).collect()
}

/// The ids that a payment is known by, the strongest first.
pub(super) fn names(tx: &mut Tx, key: &str) -> Result<Vec<PaymentId>, Fault> {
    let rows = tx.all(
        "SELECT id, strength FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2",
        args![key, ALIASES_MAX],
    )?;
    let name = |row: &Row| {
        let rank = u8::try_from(row.get::<i64>("strength")?).unwrap_or(u8::MAX);
        Ok(PaymentId { rank, id: row.get("id")? })
    };
    rows.iter().map(name).collect()
}

/// An id that another payment was named by first stays with that one.
pub(super) fn name(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId], key: &str) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut values = args![space.realm, space.account, space.livemode, key].to_vec();
    let mut rows = Vec::with_capacity(ids.len());
    for (id, place) in ids.iter().zip((5..).step_by(2)) {
        values.push(id.id.arg());
        values.push(Arg::Number(Some(i64::from(id.rank))));
        rows.push(format!("($1, $2, $3, ${place}, ${}, $4)", place + 1));
    }
    let statement = format!(
        "INSERT INTO aliases (realm, account, livemode, id, strength, payment) VALUES {} \
         ON CONFLICT (realm, account, livemode, id) DO NOTHING",
        rows.join(", ")
    );
    tx.send(&statement, &values)
}
