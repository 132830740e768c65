//! Whether a payment about to be granted is one that was granted under other ids.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::{Tx, elsewhere, fault::Fault};
use crate::domain::{
    facts::{Facts, Money},
    hold::Hold,
    id::ChannelId,
    money_out::times,
    twin::{Purchase, likely_twin},
};

/// Most granted payments that one is compared with, the newest first.
const COMPARED_MAX: i64 = 20;

/// Along the channel's payments: `amount + 0` keeps the index by amount out, which is no choice where all pay the same
/// price. Nearly every payment shares a kind of id with all others, so nearly always nothing is left to compare.
pub(super) const SAME_PURCHASE: &str = "SELECT o.key FROM payments p CROSS JOIN payments o WHERE p.key = $1 \
     AND o.channel = $2 AND o.realm = p.realm AND o.account = p.account AND o.livemode = p.livemode \
     AND o.key <> $1 AND o.granted = 1 AND o.amount + 0 = $3 AND o.currency = $4 \
     AND NOT EXISTS (SELECT 1 FROM aliases a CROSS JOIN aliases b WHERE a.payment = $1 AND b.payment = o.key \
     AND b.strength = a.strength) ORDER BY o.first_seen_at DESC, o.key DESC LIMIT $5";

/// What a payment of so many days is held for where it is probably told a second time, under other names or in another
/// realm.
pub(super) async fn suspected(
    tx: &mut Tx,
    key: &str,
    channel: &ChannelId,
    days: u32,
    money: Option<&Money>,
    events: &[Facts],
) -> Result<Option<Hold>, Fault> {
    let (this, channel) = (key.to_owned(), channel.clone());
    if let Some(other) = elsewhere::of(tx, key, &channel).await? {
        return Ok(Some(Hold::OtherRealm { this, other, channel, days }));
    }
    let Some(money) = money else { return Ok(None) };
    let other = of(tx, key, &channel, money, events).await?;
    Ok(other.map(|other| Hold::Twin { this, other, channel, days }))
}

/// The key of a granted payment that this one is probably told of a second time.
async fn of(
    tx: &mut Tx,
    key: &str,
    channel: &ChannelId,
    money: &Money,
    events: &[Facts],
) -> Result<Option<String>, Fault> {
    let rows = sqlx::query(SAME_PURCHASE)
        .bind(key)
        .bind(channel.as_str())
        .bind(money.amount)
        .bind(&*money.currency)
        .bind(COMPARED_MAX)
        .fetch_all(&mut **tx)
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let this = Purchase {
        channel: channel.clone(),
        money: money.clone(),
        at: times(events),
        kinds: kinds(tx, key).await?,
    };
    for row in rows {
        let other: String = row.try_get("key")?;
        let at = times(&super::grant::events(tx, &other).await?);
        let kinds = kinds(tx, &other).await?;
        if likely_twin(&this, &Purchase { at, kinds, ..this.clone() }) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

async fn kinds(tx: &mut Tx, payment: &str) -> Result<BTreeSet<u8>, Fault> {
    let rows = sqlx::query("SELECT DISTINCT strength FROM aliases WHERE payment = $1")
        .bind(payment)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(|row| Ok(u8::try_from(row.try_get::<i64, _>("strength")?).unwrap_or(u8::MAX))).collect()
}
