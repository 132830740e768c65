//! Which payment an event belongs to, by the ids it mentions; payments that turn out to be one are joined.
//!
//! A row that was joined stays, with the key of the one it went into, so that its old key still finds it.

use std::collections::BTreeSet;

use crate::{
    domain::{
        Ms,
        facts::{Facts, PaymentId},
        id::payment_key,
        identity::{Home, Known, home},
    },
    ledger::db::{Fault, Tx, args},
};

/// Most ids of one event that are looked up; the strongest come first.
const IDS_MAX: usize = 16;

/// Most ids that one payment is known by.
const ALIASES_MAX: i64 = 200;

/// Where an event goes.
pub(super) enum Place {
    /// To the payment of this key.
    Payment(String),
    /// Nowhere before a person looked: cause in one word, and the sentence.
    Held(&'static str, String),
}

/// Whose ids they are: realm, connected account ('' where there is none), and mode.
struct Space<'a> {
    realm: &'a str,
    account: &'a str,
    livemode: i64,
}

/// Finds or makes the payment, joins what is one, and keeps the event's ids as its names.
pub(super) fn place(
    tx: &mut Tx,
    facts: &Facts,
    realm: &str,
    source: &str,
    current: Option<&str>,
    now: Ms,
) -> Result<Place, Fault> {
    let account = facts.account.as_deref();
    let space = Space { realm, account: account.unwrap_or_default(), livemode: i64::from(facts.livemode) };
    let ids: Vec<PaymentId> = facts.ids.iter().take(IDS_MAX).cloned().collect();
    // A payment whose days were granted keeps its events for ever.
    if let Some(key) = current
        && granted(tx, key)?
    {
        name(tx, &space, &ids, key)?;
        return Ok(Place::Payment(key.to_owned()));
    }
    let known = known(tx, &space, &ids)?;
    let (granted, strongest, absorbed) = match home(&ids, &known) {
        Home::Payment { granted, name, absorbed } => (granted, name, absorbed),
        Home::Contradiction(keys) => {
            let both = known.iter().filter(|known| known.granted && keys.contains(&known.key)).count() > 1;
            let which = if both { "that were granted each" } else { "that are certainly different" };
            let reason = format!("it joins payments {which}: {}", keys.join(" and "));
            return Ok(Place::Held("contradiction", reason));
        }
        Home::Nowhere => return Ok(Place::Held("no_payment", "it names no payment".into())),
    };
    let key = granted.unwrap_or_else(|| payment_key(realm, account, &strongest.id));
    let row = tx.optional(
        "SELECT realm, account, livemode, merged_into FROM payments WHERE key = $1",
        args![&*key],
    )?;
    let key = match row {
        None => {
            insert(tx, &space, source, &key, now)?;
            key
        }
        Some(row) => {
            let same = row.get::<String>("realm")? == space.realm
                && row.get::<String>("account")? == space.account
                && row.get::<i64>("livemode")? == space.livemode;
            if !same {
                let reason = format!(
                    "its key {key} already names a payment of another mode or connected account: give one of the sources a realm of its own"
                );
                return Ok(Place::Held("key_taken", reason));
            }
            row.get::<Option<String>>("merged_into")?.unwrap_or(key)
        }
    };
    for other in absorbed.iter().filter(|other| **other != key) {
        absorb(tx, other, &key)?;
    }
    name(tx, &space, &ids, &key)?;
    Ok(Place::Payment(key))
}

fn granted(tx: &mut Tx, key: &str) -> Result<bool, Fault> {
    let row = tx.optional("SELECT granted FROM payments WHERE key = $1", args![key])?;
    Ok(row.map(|row| row.get::<i64>("granted")).transpose()?.unwrap_or(0) != 0)
}

/// The payments that these ids name, with every id they are known by.
fn known(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId]) -> Result<Vec<Known>, Fault> {
    let mut keys = BTreeSet::new();
    for id in ids {
        let row = tx.optional(
            "SELECT payment FROM aliases WHERE realm = $1 AND account = $2 AND livemode = $3 AND id = $4",
            args![space.realm, space.account, space.livemode, &*id.id],
        )?;
        if let Some(row) = row {
            keys.insert(row.get::<String>("payment")?);
        }
    }
    let mut known = Vec::with_capacity(keys.len());
    for key in keys {
        let rows = tx.all(
            "SELECT id, strength FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2",
            args![&*key, ALIASES_MAX],
        )?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let rank = u8::try_from(row.get::<i64>("strength")?).unwrap_or(u8::MAX);
            ids.push(PaymentId { rank, id: row.get("id")? });
        }
        let granted = granted(tx, &key)?;
        known.push(Known { key, ids, granted });
    }
    Ok(known)
}

fn insert(tx: &mut Tx, space: &Space<'_>, source: &str, key: &str, now: Ms) -> Result<(), Fault> {
    tx.execute("INSERT INTO payments (key, realm, account, livemode, source, decision, state, granted, first_seen_at, since) \
         VALUES ($1, $2, $3, $4, $5, 'linked', 'linked', 0, $6, $6)", args![key, space.realm, space.account, space.livemode, source, now])?;
    Ok(())
}

/// An id that another payment was named by first stays with that one.
fn name(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId], key: &str) -> Result<(), Fault> {
    for id in ids {
        tx.execute(
            "INSERT INTO aliases (realm, account, livemode, id, strength, payment) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm, account, livemode, id) DO NOTHING",
            args![space.realm, space.account, space.livemode, &*id.id, i64::from(id.rank), key],
        )?;
    }
    Ok(())
}

/// Makes `other`, whose days were never granted, a part of `key`. What a person said of it goes along.
fn absorb(tx: &mut Tx, other: &str, key: &str) -> Result<(), Fault> {
    for statement in [
        "UPDATE payments SET set_channel = COALESCE(set_channel, (SELECT set_channel FROM payments WHERE key = $1)), \
         set_days = COALESCE(set_days, (SELECT set_days FROM payments WHERE key = $1)), \
         days_despite = COALESCE(days_despite, (SELECT days_despite FROM payments WHERE key = $1)), \
         due_decided = COALESCE(due_decided, (SELECT due_decided FROM payments WHERE key = $1)) \
         WHERE key = $2 AND granted = 0",
        "UPDATE payments SET out_known = 1 WHERE key = $2 \
         AND EXISTS (SELECT 1 FROM payments WHERE key = $1 AND out_known = 1)",
        "UPDATE payments SET decision = 'cancelled', state = 'cancelled', reason = (SELECT reason FROM payments WHERE key = $1) \
         WHERE key = $2 AND granted = 0 \
         AND EXISTS (SELECT 1 FROM payments WHERE key = $1 AND decision = 'cancelled')",
        "UPDATE payments SET first_seen_at = (SELECT first_seen_at FROM payments WHERE key = $1) \
         WHERE key = $2 AND first_seen_at > (SELECT first_seen_at FROM payments WHERE key = $1)",
        "UPDATE payments SET merged_into = $2, decision = 'merged', state = 'merged', gap = NULL, gap_since = NULL WHERE key = $1",
        "UPDATE payments SET merged_into = $2 WHERE merged_into = $1",
        "UPDATE aliases SET payment = $2 WHERE payment = $1",
        "UPDATE events SET payment = $2 WHERE payment = $1",
    ] {
        tx.execute(statement, args![other, key])?;
    }
    Ok(())
}
