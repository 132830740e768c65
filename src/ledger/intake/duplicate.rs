//! Whether a payment about to be granted is one that was granted under other ids, or in another realm.

use std::collections::BTreeSet;

use super::{other_realm, seen::LOOKED_THROUGH_MAX, stored::facts_of};
use crate::{
    domain::{
        facts::{Facts, Money},
        hold::Hold,
        id::ChannelId,
        payment::{
            duplicate::{Purchase, suspected_duplicate},
            reversal::times,
        },
    },
    ledger::db::{Fault, Tx, args},
};

/// Most granted payments that one is compared with, the newest first.
const COMPARED_MAX: i64 = 20;

/// Nearly every payment shares a kind of id with all others, so nearly always nothing is left to compare.
const SAME_PURCHASE: &str = "SELECT o.key FROM payments p CROSS JOIN (SELECT key, realm, account, livemode, granted, \
     amount, currency, first_seen_at FROM payments WHERE channel = $2 ORDER BY first_seen_at DESC, key DESC LIMIT $6) o \
     WHERE p.key = $1 AND o.realm = p.realm AND o.account = p.account AND o.livemode = p.livemode \
     AND o.key <> $1 AND o.granted = 1 AND o.amount = $3 AND o.currency = $4 \
     AND NOT EXISTS (SELECT 1 FROM aliases a CROSS JOIN aliases b WHERE a.payment = $1 AND b.payment = o.key \
     AND b.strength = a.strength) ORDER BY o.first_seen_at DESC, o.key DESC LIMIT $5";

/// What a payment of so many days is held for where it is probably told a second time, under other names or in another
/// realm.
pub(in crate::ledger) fn suspected(
    tx: &mut Tx,
    key: &str,
    channel: &ChannelId,
    days: u32,
    money: Option<&Money>,
    events: &[Facts],
) -> Result<Option<Hold>, Fault> {
    let (this, channel) = (key.to_owned(), channel.clone());
    if let Some(other) = other_realm::of(tx, key, &channel)? {
        return Ok(Some(Hold::OtherRealm { this, other, channel, days }));
    }
    let Some(money) = money else { return Ok(None) };
    let other = of(tx, key, &channel, money, events)?;
    Ok(other.map(|other| Hold::SuspectedDuplicate { this, other, channel, days }))
}

/// The key of a granted payment that this one is probably told of a second time.
fn of(
    tx: &mut Tx,
    key: &str,
    channel: &ChannelId,
    money: &Money,
    events: &[Facts],
) -> Result<Option<String>, Fault> {
    let looked_through = LOOKED_THROUGH_MAX;
    let (channel_id, currency) = (channel.as_str(), &*money.currency);
    let args = args![key, channel_id, money.amount, currency, COMPARED_MAX, looked_through];
    let rows = tx.in_order(|tx| tx.all(SAME_PURCHASE, args))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let this = Purchase {
        channel: channel.clone(),
        money: money.clone(),
        at: times(events),
        kinds: kinds(tx, key)?,
    };
    for row in rows {
        let other: String = row.get("key")?;
        let at = times(&facts_of(tx, &other)?);
        let kinds = kinds(tx, &other)?;
        if suspected_duplicate(&this, &Purchase { at, kinds, ..this.clone() }) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

fn kinds(tx: &mut Tx, payment: &str) -> Result<BTreeSet<u8>, Fault> {
    let rows = tx.all("SELECT DISTINCT strength FROM aliases WHERE payment = $1", args![payment])?;
    rows.iter().map(|row| Ok(u8::try_from(row.get::<i64>("strength")?).unwrap_or(u8::MAX))).collect()
}
