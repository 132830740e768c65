//! Whether a payment about to be granted is known in another realm of the same provider: one endpoint's secret stands in
//! two sources, one account has two endpoints, or a source got another realm.
//!
//! Two accounts of one provider are two realms by right, and where ids are the merchant's own, both have an order 17. So
//! an id in common is only suspected where it is for the same channel too. Amounts are not compared: one endpoint may
//! tell of a part of the money that the other tells of as a whole.

use super::names::names;
use crate::{
    domain::{
        closed::{HeldCause, PaymentDecision},
        hold::may_have_moved,
        id::ChannelId,
        payment::identity::{Home, Known, home},
    },
    ledger::db::{
        Fault, Row, Tx, args,
        filter::{Filter, Value},
    },
};

/// Most names of a payment, and most events, that are looked for in other realms.
const NAMES_MAX: i64 = 200;

/// The key of a payment of another realm that is probably this one.
pub(super) fn of(tx: &mut Tx, key: &str, channel: &ChannelId) -> Result<Option<String>, Fault> {
    let row = tx.one("SELECT realm FROM payments WHERE key = $1", args![key])?;
    let realm: String = row.get("realm")?;
    let rows = tx.all("SELECT DISTINCT o.realm, o.source FROM realm_sources r JOIN realm_sources o ON o.provider = r.provider \
         WHERE r.realm = $1 AND o.realm <> $1 ORDER BY o.realm, o.source", args![&*realm])?;
    // Nearly every provider has one realm, and nothing is compared.
    if rows.is_empty() {
        return Ok(None);
    }
    let texts = |column: &str| {
        let text = |row: &Row| Ok(Value::Text(row.get(column)?));
        rows.iter().map(text).collect::<Result<Vec<_>, Fault>>()
    };
    let mut found = by_name(tx, key, texts("realm")?)?;
    found.extend(by_event(tx, key, texts("source")?, &realm)?);
    for other in found {
        if counts(tx, key, channel, &other)? {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// Payments of other realms that a name of this one names, unless their strongest names say that they are others.
fn by_name(tx: &mut Tx, key: &str, realms: Vec<Value>) -> Result<Vec<String>, Fault> {
    let row = tx.one("SELECT account, livemode FROM payments WHERE key = $1", args![key])?;
    let (account, livemode): (String, i64) = (row.get("account")?, row.get("livemode")?);
    let own = names(tx, key)?;
    let ids = own.iter().map(|own| Value::Text(own.id.clone())).collect::<Vec<_>>();
    let rows = Filter::default()
        .row("realm IN", Some(realms))
        .text("account =", Some(&account))
        .number("livemode =", Some(livemode))
        .row("id IN", Some(ids))
        .rows(tx, "SELECT DISTINCT payment FROM aliases", "ORDER BY payment", u32::MAX)?;
    let mut found = Vec::new();
    for row in rows {
        let other: String = row.get("payment")?;
        let known = Known { key: other.clone(), ids: names(tx, &other)?, granted: true };
        if matches!(home(&own, &[known]), Home::Payment { granted: Some(_), .. }) {
            found.push(other);
        }
    }
    Ok(found)
}

/// Payments of other realms that have an event of this one.
fn by_event(tx: &mut Tx, key: &str, sources: Vec<Value>, realm: &str) -> Result<Vec<String>, Fault> {
    let rows = tx.all(
        "SELECT event_id FROM events WHERE payment = $1 ORDER BY number LIMIT $2",
        args![key, NAMES_MAX],
    )?;
    let ids =
        rows.iter().map(|row| Ok(Value::Text(row.get("event_id")?))).collect::<Result<Vec<_>, Fault>>()?;
    let rows = Filter::default()
        .row("e.source IN", Some(sources))
        .row("e.event_id IN", Some(ids))
        .text("p.realm <>", Some(realm))
        .rows(
            tx,
            "SELECT DISTINCT p.key FROM events e JOIN payments p ON p.key = e.payment",
            "ORDER BY p.key",
            u32::MAX,
        )?;
    rows.iter().map(|row| row.get("key")).collect()
}

/// Whether the other one stands for the purchase: it is for the same channel, as far as that is known, and its days were
/// granted or may have moved, a person closed it, or it was held first.
fn counts(tx: &mut Tx, key: &str, channel: &ChannelId, other: &str) -> Result<bool, Fault> {
    let row = tx.one(
        "SELECT o.granted, o.decision, o.cause, o.channel, \
         CASE WHEN (o.first_seen_at, o.key) < (p.first_seen_at, p.key) THEN 1 ELSE 0 END AS earlier \
         FROM payments o JOIN payments p ON p.key = $1 WHERE o.key = $2",
        args![key, other],
    )?;
    let decision: PaymentDecision = row.get("decision")?;
    let earlier = row.get::<i64>("earlier")? != 0;
    let cause: Option<HeldCause> = row.get("cause")?;
    let held = decision == PaymentDecision::Held && (earlier || cause.is_some_and(may_have_moved));
    let stands = row.get::<i64>("granted")? != 0 || decision == PaymentDecision::Cancelled || held;
    let its: Option<String> = row.get("channel")?;
    Ok(stands && its.is_none_or(|its| its == channel.as_str()))
}
