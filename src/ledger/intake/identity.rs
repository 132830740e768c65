//! Which payment an event belongs to, by the ids it mentions; payments that turn out to be one are joined.
//!
//! A row that was joined stays, with the key of the one it went into, so that its old key still finds it.

use super::{
    names::{Space, ids, name, named, names},
    seen::Seen,
};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        facts::{Facts, PaymentId},
        id::payment_key,
        payment::identity::{Home, Known, home},
    },
    ledger::{
        Entry,
        db::{Fault, Tx, args},
    },
};

/// Where an event goes.
pub(super) enum Place {
    /// To this payment.
    Payment(Identity),
    /// Nowhere before a person looked: the cause, and the sentence.
    Held(HeldCause, String),
}

/// The payment of an event.
pub(super) struct Identity {
    pub(super) key: String,
    /// It is in the ledger, and known there by the event's ids.
    pub(super) stored: bool,
}

/// Finds the payment of an event, or the key that it will have; joins what is one.
pub(super) fn place(
    tx: &mut Tx,
    entry: &Entry<'_>,
    facts: &Facts,
    realm: &str,
    seen: &Seen,
    now: Ms,
) -> Result<Place, Fault> {
    let space = Space::of(facts, realm);
    let ids = ids(facts);
    let current = seen.event.as_ref().and_then(|event| event.payment.as_deref());
    // A payment whose days were granted keeps its events for ever.
    if let Some(key) = current
        && granted(tx, key)?
    {
        name(tx, &space, &ids, key)?;
        return Ok(Place::Payment(Identity { key: key.to_owned(), stored: true }));
    }
    let known = if seen.payment { known(tx, &space, &ids)? } else { Vec::new() };
    let (granted, strongest, absorbed) = match home(&ids, &known) {
        Home::Payment { granted, name, absorbed } => (granted, name, absorbed),
        Home::Contradiction(keys) => {
            let both = known.iter().filter(|known| known.granted && keys.contains(&known.key)).count() > 1;
            let which = if both { "that were granted each" } else { "that are certainly different" };
            let reason = format!("it joins payments {which}: {}", keys.join(" and "));
            return Ok(Place::Held(HeldCause::Contradiction, reason));
        }
        Home::Nowhere => return Ok(Place::Held(HeldCause::NoPayment, "it names no payment".into())),
    };
    let key = granted.unwrap_or_else(|| payment_key(realm, facts.account.as_deref(), &strongest.id));
    if !seen.payment {
        return Ok(Place::Payment(Identity { key, stored: false }));
    }
    let Some(key) = stored_as(tx, &space, &entry.envelope.source, &key, now)? else {
        let reason = format!(
            "its key {key} already names a payment of another mode or connected account: give one of the sources a realm of its own"
        );
        return Ok(Place::Held(HeldCause::KeyTaken, reason));
    };
    for other in absorbed.iter().filter(|other| **other != key) {
        absorb(tx, other, &key)?;
    }
    name(tx, &space, &ids, &key)?;
    Ok(Place::Payment(Identity { key, stored: true }))
}

/// The key of the payment that has this key, or of the one that it was joined to; it is made where there is none. `None`: it
/// is another's.
fn stored_as(
    tx: &mut Tx,
    space: &Space<'_>,
    source: &str,
    key: &str,
    now: Ms,
) -> Result<Option<String>, Fault> {
    let row =
        tx.optional("SELECT realm, account, livemode, merged_into FROM payments WHERE key = $1", args![key])?;
    let Some(row) = row else {
        insert(tx, space, source, key, now)?;
        return Ok(Some(key.to_owned()));
    };
    let same = row.get::<String>("realm")? == space.realm
        && row.get::<String>("account")? == space.account
        && row.get::<i64>("livemode")? == space.livemode;
    let joined_to: Option<String> = row.get("merged_into")?;
    Ok(same.then(|| joined_to.unwrap_or_else(|| key.to_owned())))
}

fn granted(tx: &mut Tx, key: &str) -> Result<bool, Fault> {
    let row = tx.optional("SELECT granted FROM payments WHERE key = $1", args![key])?;
    Ok(row.map(|row| row.get::<i64>("granted")).transpose()?.unwrap_or(0) != 0)
}

/// The payments that these ids name, with every id they are known by.
fn known(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId]) -> Result<Vec<Known>, Fault> {
    let mut known = Vec::new();
    for key in named(tx, space, ids)? {
        let ids = names(tx, &key)?;
        let granted = granted(tx, &key)?;
        known.push(Known { key, ids, granted });
    }
    Ok(known)
}

/// A payment of which nothing is known yet but that it is one.
pub(super) fn insert(tx: &mut Tx, space: &Space<'_>, source: &str, key: &str, now: Ms) -> Result<(), Fault> {
    tx.send(
        "INSERT INTO payments (key, realm, account, livemode, source, decision, state, granted, first_seen_at, since) \
         VALUES ($1, $2, $3, $4, $5, 'linked', 'linked', 0, $6, $6)",
        args![key, space.realm, space.account, space.livemode, source, now],
    )
}

/// Makes `other`, whose days were never granted, a part of `key`. What a person said of it goes along.
fn absorb(tx: &mut Tx, other: &str, key: &str) -> Result<(), Fault> {
    for statement in [
        "UPDATE payments SET set_channel = COALESCE(set_channel, (SELECT set_channel FROM payments WHERE key = $1)), \
         set_days = COALESCE(set_days, (SELECT set_days FROM payments WHERE key = $1)), \
         days_despite = COALESCE(days_despite, (SELECT days_despite FROM payments WHERE key = $1)), \
         due_decided = COALESCE(due_decided, (SELECT due_decided FROM payments WHERE key = $1)) \
         WHERE key = $2 AND granted = 0",
        "UPDATE payments SET agreement = COALESCE(agreement, (SELECT agreement FROM payments WHERE key = $1)) WHERE key = $2",
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
