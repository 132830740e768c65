//! What a person said of one payment is remembered for the next ones of whoever paid it.

use super::change::assign;
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        id::ChannelId,
        payment::directory::{NameKind, aliases, payer},
    },
    ledger::{
        Act, Place,
        db::{Fault, Tx, args, fault::refused},
        intake::stored::facts_of,
    },
};

/// Remembers the channel for the subscription and the customer of a payment; where an alias stood for its channel, for
/// that. Tells in words for whom.
pub(in crate::ledger) fn remember(
    tx: &mut Tx,
    payment: &str,
    channel: &ChannelId,
    act: Act<'_>,
    now: Ms,
) -> Result<String, Fault> {
    let row = tx.one("SELECT realm, account, cause FROM payments WHERE key = $1", args![payment])?;
    let (realm, account): (String, String) = (row.get("realm")?, row.get("account")?);
    let cause: Option<HeldCause> = row.get("cause")?;
    let events = facts_of(tx, payment)?;
    let names = if cause == Some(HeldCause::AliasUnknown) { aliases(&events) } else { payer(&events) };
    if names.is_empty() {
        return Err(refused(
            "no event of this payment names a customer or a subscription, so there is nothing to remember it by: leave --remember out. Nothing was changed",
        ));
    }
    let mut words = Vec::new();
    for name in names {
        let place = Place { realm: realm.clone(), account: account.clone(), name };
        let (_, many) = assign(tx, &place, channel, act, now)?;
        words.push(match (place.name.kind, many) {
            (NameKind::Customer, 2..) => format!("{} (one of {many} channels)", place.name),
            _ => place.name.to_string(),
        });
    }
    Ok(format!("remembered for {}", words.join(" and ")))
}
