//! Which payment an event belongs to, by the ids it mentions; payments that turn out to be one are joined.
//!
//! A row that was joined stays, with the key of the one it went into, so that its old key still finds it.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::{Tx, fault::Fault};
use crate::domain::{
    Ms,
    facts::{Facts, PaymentId},
    id::payment_key,
    identity::{Home, Known, home},
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
pub(super) async fn place(
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
        && granted(tx, key).await?
    {
        name(tx, &space, &ids, key).await?;
        return Ok(Place::Payment(key.to_owned()));
    }
    let known = known(tx, &space, &ids).await?;
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
    let row = sqlx::query("SELECT realm, account, livemode, merged_into FROM payments WHERE key = $1")
        .bind(&*key)
        .fetch_optional(&mut **tx)
        .await?;
    let key = match row {
        None => {
            insert(tx, &space, source, &key, now).await?;
            key
        }
        Some(row) => {
            let same = row.try_get::<String, _>("realm")? == space.realm
                && row.try_get::<String, _>("account")? == space.account
                && row.try_get::<i64, _>("livemode")? == space.livemode;
            if !same {
                let reason = format!(
                    "its key {key} already names a payment of another mode or connected account: give one of the sources a realm of its own"
                );
                return Ok(Place::Held("key_taken", reason));
            }
            row.try_get::<Option<String>, _>("merged_into")?.unwrap_or(key)
        }
    };
    for other in absorbed.iter().filter(|other| **other != key) {
        absorb(tx, other, &key).await?;
    }
    name(tx, &space, &ids, &key).await?;
    Ok(Place::Payment(key))
}

async fn granted(tx: &mut Tx, key: &str) -> Result<bool, Fault> {
    let row = sqlx::query("SELECT granted FROM payments WHERE key = $1")
        .bind(key)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| row.try_get::<i64, _>("granted")).transpose()?.unwrap_or(0) != 0)
}

/// The payments that these ids name, with every id they are known by.
async fn known(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId]) -> Result<Vec<Known>, Fault> {
    let mut keys = BTreeSet::new();
    for id in ids {
        let row = sqlx::query(
            "SELECT payment FROM aliases WHERE realm = $1 AND account = $2 AND livemode = $3 AND id = $4",
        )
        .bind(space.realm)
        .bind(space.account)
        .bind(space.livemode)
        .bind(&*id.id)
        .fetch_optional(&mut **tx)
        .await?;
        if let Some(row) = row {
            keys.insert(row.try_get::<String, _>("payment")?);
        }
    }
    let mut known = Vec::with_capacity(keys.len());
    for key in keys {
        let rows =
            sqlx::query("SELECT id, strength FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2")
                .bind(&*key)
                .bind(ALIASES_MAX)
                .fetch_all(&mut **tx)
                .await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let rank = u8::try_from(row.try_get::<i64, _>("strength")?).unwrap_or(u8::MAX);
            ids.push(PaymentId { rank, id: row.try_get("id")? });
        }
        let granted = granted(tx, &key).await?;
        known.push(Known { key, ids, granted });
    }
    Ok(known)
}

async fn insert(tx: &mut Tx, space: &Space<'_>, source: &str, key: &str, now: Ms) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO payments (key, realm, account, livemode, source, decision, state, granted, first_seen_at, since) \
         VALUES ($1, $2, $3, $4, $5, 'linked', 'linked', 0, $6, $6)",
    )
    .bind(key)
    .bind(space.realm)
    .bind(space.account)
    .bind(space.livemode)
    .bind(source)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An id that another payment was named by first stays with that one.
async fn name(tx: &mut Tx, space: &Space<'_>, ids: &[PaymentId], key: &str) -> Result<(), Fault> {
    for id in ids {
        sqlx::query(
            "INSERT INTO aliases (realm, account, livemode, id, strength, payment) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm, account, livemode, id) DO NOTHING",
        )
        .bind(space.realm)
        .bind(space.account)
        .bind(space.livemode)
        .bind(&*id.id)
        .bind(i64::from(id.rank))
        .bind(key)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Makes `other`, whose days were never granted, a part of `key`. What a person said of it goes along.
async fn absorb(tx: &mut Tx, other: &str, key: &str) -> Result<(), Fault> {
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
        sqlx::query(statement).bind(other).bind(key).execute(&mut **tx).await?;
    }
    Ok(())
}
