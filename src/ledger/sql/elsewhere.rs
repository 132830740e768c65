//! Whether a payment about to be granted is known in another realm of the same provider: one endpoint's secret stands in
//! two sources, one account has two endpoints, or a source got another realm.
//!
//! Two accounts of one provider are two realms by right, and where ids are the merchant's own, both have an order 17. So
//! an id in common is only suspected where it is for the same channel too. Amounts are not compared: one endpoint may
//! tell of a part of the money that the other tells of as a whole.

use sqlx::Row as _;

use super::{
    Tx,
    fault::Fault,
    filter::{Filter, Value},
};
use crate::domain::{
    facts::PaymentId,
    hold::may_have_moved,
    id::ChannelId,
    identity::{Home, Known, home},
};

/// Most names of a payment, and most events, that are looked for in other realms.
const NAMES_MAX: i64 = 200;

/// The key of a payment of another realm that is probably this one.
pub(super) async fn of(tx: &mut Tx, key: &str, channel: &ChannelId) -> Result<Option<String>, Fault> {
    let row = sqlx::query("SELECT realm FROM payments WHERE key = $1").bind(key).fetch_one(&mut **tx).await?;
    let realm: String = row.try_get("realm")?;
    let rows = sqlx::query(
        "SELECT DISTINCT o.realm, o.source FROM realm_sources r JOIN realm_sources o ON o.provider = r.provider \
         WHERE r.realm = $1 AND o.realm <> $1 ORDER BY o.realm, o.source",
    )
    .bind(&*realm)
    .fetch_all(&mut **tx)
    .await?;
    // Nearly every provider has one realm, and nothing is compared.
    if rows.is_empty() {
        return Ok(None);
    }
    let texts = |column: &str| {
        let text = |row: &sqlx::any::AnyRow| Ok(Value::Text(row.try_get(column)?));
        rows.iter().map(text).collect::<Result<Vec<_>, sqlx::Error>>()
    };
    let mut found = by_name(tx, key, texts("realm")?).await?;
    found.extend(by_event(tx, key, texts("source")?, &realm).await?);
    for other in found {
        if counts(tx, key, channel, &other).await? {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// Payments of other realms that a name of this one names, unless their strongest names say that they are others.
async fn by_name(tx: &mut Tx, key: &str, realms: Vec<Value>) -> Result<Vec<String>, Fault> {
    let row = sqlx::query("SELECT account, livemode FROM payments WHERE key = $1")
        .bind(key)
        .fetch_one(&mut **tx)
        .await?;
    let (account, livemode): (String, i64) = (row.try_get("account")?, row.try_get("livemode")?);
    let own = names(tx, key).await?;
    let ids = own.iter().map(|own| Value::Text(own.id.clone())).collect::<Vec<_>>();
    let rows = Filter::default()
        .row("realm IN", Some(realms))
        .text("account =", Some(&account))
        .number("livemode =", Some(livemode))
        .row("id IN", Some(ids))
        .rows(&mut **tx, "SELECT DISTINCT payment FROM aliases", "ORDER BY payment", u32::MAX)
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let other: String = row.try_get("payment")?;
        let known = Known { key: other.clone(), ids: names(tx, &other).await?, granted: true };
        if matches!(home(&own, &[known]), Home::Payment { granted: Some(_), .. }) {
            found.push(other);
        }
    }
    Ok(found)
}

async fn names(tx: &mut Tx, key: &str) -> Result<Vec<PaymentId>, Fault> {
    let rows =
        sqlx::query("SELECT id, strength FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2")
            .bind(key)
            .bind(NAMES_MAX)
            .fetch_all(&mut **tx)
            .await?;
    let name = |row: &sqlx::any::AnyRow| {
        let rank = u8::try_from(row.try_get::<i64, _>("strength")?).unwrap_or(u8::MAX);
        Ok(PaymentId { rank, id: row.try_get("id")? })
    };
    rows.iter().map(name).collect()
}

/// Payments of other realms that have an event of this one.
async fn by_event(tx: &mut Tx, key: &str, sources: Vec<Value>, realm: &str) -> Result<Vec<String>, Fault> {
    let rows = sqlx::query("SELECT event_id FROM events WHERE payment = $1 ORDER BY number LIMIT $2")
        .bind(key)
        .bind(NAMES_MAX)
        .fetch_all(&mut **tx)
        .await?;
    let ids = rows
        .iter()
        .map(|row| Ok(Value::Text(row.try_get("event_id")?)))
        .collect::<Result<Vec<_>, Fault>>()?;
    let rows = Filter::default()
        .row("e.source IN", Some(sources))
        .row("e.event_id IN", Some(ids))
        .text("p.realm <>", Some(realm))
        .rows(
            &mut **tx,
            "SELECT DISTINCT p.key FROM events e JOIN payments p ON p.key = e.payment",
            "ORDER BY p.key",
            u32::MAX,
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get("key")?)).collect()
}

/// Whether the other one stands for the purchase: it is for the same channel, as far as that is known, and its days were
/// granted or may have moved, a person closed it, or it was held first.
async fn counts(tx: &mut Tx, key: &str, channel: &ChannelId, other: &str) -> Result<bool, Fault> {
    let row = sqlx::query(
        "SELECT o.granted, o.decision, o.cause, o.channel, \
         CASE WHEN (o.first_seen_at, o.key) < (p.first_seen_at, p.key) THEN 1 ELSE 0 END AS earlier \
         FROM payments o JOIN payments p ON p.key = $1 WHERE o.key = $2",
    )
    .bind(key)
    .bind(other)
    .fetch_one(&mut **tx)
    .await?;
    let decision: String = row.try_get("decision")?;
    let earlier = row.try_get::<i64, _>("earlier")? != 0;
    let cause: Option<String> = row.try_get("cause")?;
    let held = decision == "held" && (earlier || cause.as_deref().is_some_and(may_have_moved));
    let stands = row.try_get::<i64, _>("granted")? != 0 || decision == "cancelled" || held;
    let its: Option<String> = row.try_get("channel")?;
    Ok(stands && its.is_none_or(|its| its == channel.as_str()))
}
